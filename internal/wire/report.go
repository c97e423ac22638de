package wire

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a display may say in Conn.State.
const (
	Online = "online" // the birth
	Off    = "off"    // stopped in good order
	Gone   = "lost"   // the will: the broker says it when the connection breaks
)

const (
	maxName = 100  // characters of an identity, a version, a code
	maxLine = 1000 // characters of a sentence for people
)

// ParseConn reads a birth or a will.
func ParseConn(message []byte) (*Conn, error) {
	return parse[Conn](message, MaxConn, "birth or will")
}

func (c *Conn) check() error {
	if c.State != Online && c.State != Off && c.State != Gone {
		return fmt.Errorf("state %.20q is none of online, off and lost", c.State)
	}
	for _, s := range []string{c.Session, c.Boot, c.Version} {
		if err := checkText("identity", s, maxName); err != nil {
			return err
		}
	}
	return nil
}

// ParseState reads a reported state. Its words are only bounded, not compared with lists: the lists belong to
// other rooms.
func ParseState(message []byte) (*State, error) {
	raw, err := unpack(message, MaxState)
	if err != nil {
		return nil, fmt.Errorf("cannot unpack state: %w", err)
	}
	return parse[State](raw, MaxState, "state")
}

func (s *State) check() error {
	if s.Seq == 0 {
		return errors.New("seq is missing")
	}
	for _, name := range []string{
		s.Boot, s.Version, s.Time.Trust, s.Want.Panel, s.Want.Show, s.Want.Rule, s.Panel.Power, s.Player.State,
		s.Player.Playlist, s.Player.Item,
	} {
		if err := checkText("a word", name, maxName); err != nil {
			return err
		}
	}
	for _, line := range append([]string{s.Gate, s.Want.Reason, s.Panel.Error}, s.Alarms...) {
		if err := checkText("a line", line, maxLine); err != nil {
			return err
		}
	}
	for _, t := range s.Temperatures {
		if err := checkText("a sensor", t.Sensor, maxName); err != nil {
			return err
		}
	}
	if err := checkSensors(s.Sensors); err != nil {
		return err
	}
	for _, l := range s.Airtime.Lost {
		if err := checkText("a cause", l.Cause, maxName); err != nil {
			return err
		}
	}
	return nil
}

// ReadBackFor is how long a panel counts as read back. A display reads it every few seconds.
const ReadBackFor = 10 * time.Minute

// Dark tells in one line why a display shows no picture of the programme, by what it says of itself; empty when it shows
// one. Whether it ought to is not asked. A panel that cannot be read back, and never could be, is believed to be as it was
// told.
func (s *State) Dark() string {
	unreadable := s.Panel.Power == "unknown" && s.Panel.VerifiedAt == nil && s.Panel.Error == ""
	switch {
	case s.Panel.Power != "on" && !unreadable:
		return fmt.Sprintf("the panel is %s; %s: %s", s.Panel.Power, s.Want.Rule, s.Want.Reason)
	case s.Panel.VerifiedAt != nil && s.At.Sub(*s.Panel.VerifiedAt) > ReadBackFor:
		return fmt.Sprintf("the panel was last read back at %s; %s: %s", s.Panel.VerifiedAt.UTC().Format(time.RFC3339), s.Want.Rule, s.Want.Reason)
	case slices.Contains(s.Alarms, "panel-dark-but-on"):
		return "the panel draws what a dark one draws"
	case slices.Contains(s.Alarms, "input-wrong"):
		return "the panel shows another input than this display's"
	case slices.Contains(s.Alarms, "no-signal"):
		return "the panel is on and sees no picture on its input"
	case s.Player.State != "playing":
		return fmt.Sprintf("the player is %s; %s: %s", s.Player.State, s.Want.Rule, s.Want.Reason)
	}
	return ""
}
