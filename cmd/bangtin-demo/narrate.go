package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

type line struct{ what, text string }

// seen remembers what the display reported, tells what is new about it, and keeps what the summary needs.
// Safe for concurrent use.
type seen struct {
	mu       sync.Mutex
	last     *wire.State
	printed  bool
	states   int
	verified int             // states with the panel read back as on
	items    map[string]bool // of which a proof of play has come
	playlist string          // the last one reported
	upto     uint64          // highest record received
	plays    int
}

// take returns what is worth a line in s.
func (n *seen) take(s *wire.State) []line {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.last
	if before == nil {
		before = &wire.State{}
	}
	n.last = s
	n.states++
	var out []line
	if s.Want.Reason != before.Want.Reason {
		out = append(out, line{"want", fmt.Sprintf("panel %s, %s: %s (rule %s)", s.Want.Panel, s.Want.Show, s.Want.Reason, s.Want.Rule)})
	}
	if s.Panel.Power != before.Panel.Power && s.Panel.VerifiedAt != nil {
		out = append(out, line{"panel", fmt.Sprintf("read back as %s at %s", strings.ToUpper(s.Panel.Power), s.Panel.VerifiedAt.Local().Format("15:04:05.0"))})
	}
	for _, a := range s.Alarms {
		if !slices.Contains(before.Alarms, a) {
			out = append(out, line{"alarm", a})
		}
	}
	n.count(s)
	if s.Panel.Power == "on" && s.Player.State == "playing" && !n.printed {
		n.printed = true
		out = append(out, line{"state", "as the broker has it now, but for its sensors:\n" + indent(s)})
		out = append(out, line{"sensors", sensorLine(s.Sensors)})
	}
	return out
}

func (n *seen) count(s *wire.State) {
	n.playlist = cmp.Or(s.Player.Playlist, n.playlist)
	if s.Panel.Power == "on" && s.Panel.VerifiedAt != nil {
		n.verified++
	}
}

// records notes a batch and returns what is worth a line in it.
func (n *seen) records(b *wire.Batch) (last journal.Record, out []line, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, raw := range b.Records {
		if err := json.Unmarshal(raw, &last); err != nil {
			return last, out, err
		}
		if last.Seq <= n.upto {
			continue // came again
		}
		n.upto = last.Seq
		l, err := n.record(last)
		if err != nil {
			return last, out, err
		}
		if l.what != "" {
			out = append(out, l)
		}
	}
	return last, out, nil
}

func (n *seen) record(r journal.Record) (line, error) {
	switch r.Kind {
	case journal.KindPlay:
		var p journal.Play
		err := json.Unmarshal(r.Body, &p)
		n.plays++
		n.items[p.Item] = true
		return line{}, err
	case journal.KindIncident:
		var i journal.Incident
		err := json.Unmarshal(r.Body, &i)
		return line{"incident", i.Code + ": " + i.Detail}, err
	case journal.KindOrder:
		var o journal.Order
		err := json.Unmarshal(r.Body, &o)
		verdict := "refused from "
		if o.Accepted {
			verdict = "accepted from "
		}
		return line{"order", verdict + o.Source + ": " + o.Reason}, err
	case journal.KindSegment:
		var s journal.Segment
		err := json.Unmarshal(r.Body, &s)
		return line{"airtime", fmt.Sprintf("%d s %s %s", s.To-s.From, s.State, s.Cause)}, err
	}
	return line{}, nil
}

// summary prints what was proved, and is an error when the promise was not.
func (d *demo) summary(c *centre) error {
	n := &c.seen
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil {
		return fmt.Errorf("nothing was proved: the display reported nothing\n%s", d.logTail())
	}
	items := slices.Sorted(maps.Keys(n.items))
	a := n.last.Airtime
	fmt.Fprintf(d.out, "\nSummary\n  states received    %d, %d of them with the panel read back as on\n", n.states, n.verified)
	fmt.Fprintf(d.out, "  approved content   %s of %s\n", strings.Join(items, ", "), n.playlist)
	fmt.Fprintf(d.out, "  airtime            %d s owed, %d s on air, %d s unverified\n", a.RequiredS, a.DeliveredS, a.UnverifiedS)
	for _, l := range a.Lost {
		fmt.Fprintf(d.out, "  lost               %d s %s\n", l.S, l.Cause)
	}
	fmt.Fprintf(d.out, "  records            %d received and signed for, %d of them proofs of play\n\n", n.upto, n.plays)
	switch {
	case n.verified == 0:
		return errors.New("not proved: the panel was never read back as on")
	case a.DeliveredS == 0:
		return errors.New("not proved: approved content was not on a panel that was read back as on")
	}
	return nil
}

// sensorLine is all of them in one line.
func sensorLine(all []wire.Sensor) string {
	var words []string
	for _, s := range all {
		value := s.Quality
		if s.Value != nil {
			value = strings.TrimSpace(strconv.FormatFloat(*s.Value, 'g', 6, 64) + " " + s.Unit)
		}
		words = append(words, s.Name+" "+value)
	}
	return strings.Join(words, ", ")
}

// indent lays s out for people, without its sensors: they have a line of their own.
func indent(s *wire.State) string {
	short := *s
	short.Sensors = nil
	raw, err := wire.Encode(short) // which arrived compressed
	if err != nil {
		return err.Error()
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "          ", "  "); err != nil {
		return err.Error()
	}
	return "          " + out.String()
}
