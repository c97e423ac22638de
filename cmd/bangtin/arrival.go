package main

import "bangtin/internal/wire"

// An arrival is how something published is seen to be at a display, and what is said of that.
type arrival interface {
	shownBy(s *wire.State) bool
	there(display string) phrase
	open(display, why string) phrase
	why(p *Program, s *wire.State) phrase // not shown by s
	sum(there, open int) phrase
	list(into *waitsObject, there []string)
}

// playing is the id@version of a playlist.
type playing string

func (a playing) shownBy(s *wire.State) bool  { return s.Player.Playlist == string(a) }
func (a playing) there(display string) phrase { return say("%s: plays %s", display, string(a)) }
func (a playing) open(display, why string) phrase {
	return say("%s: does not play it yet: %s", display, why)
}
func (a playing) list(into *waitsObject, there []string) { into.Playing = there }

func (a playing) sum(there, open int) phrase {
	return say("%d displays: %d play %s, %d not yet.", there+open, there, string(a), open)
}

func (a playing) why(p *Program, s *wire.State) phrase {
	now := or(visible(s.Player.Playlist), "-")
	if len(s.Alarms) > 0 {
		return say("it plays %s; alarms: %s", now, p.alarmWords(s.Alarms))
	}
	return say("it plays %s; the files may be on their way, or it refused: its records tell", now)
}

// trusting is the version of a trust document. A newer one will do: it could only follow this one or one like it.
type trusting uint64

func (a trusting) shownBy(s *wire.State) bool { return s.TrustVersion >= uint64(a) }
func (a trusting) there(display string) phrase {
	return say("%s: goes by trust document %d", display, uint64(a))
}
func (a trusting) open(display, why string) phrase {
	return say("%s: does not go by it yet: %s", display, why)
}
func (a trusting) list(into *waitsObject, there []string) { into.Holding = there }

func (a trusting) sum(there, open int) phrase {
	return say("%d displays: %d go by trust document %d, %d not yet.", there+open, there, uint64(a), open)
}

func (a trusting) why(_ *Program, s *wire.State) phrase {
	if s.TrustVersion == 0 {
		return say("it does not tell by which document it goes")
	}
	return say("it goes by document %d; where that stays so it refused: its records tell", s.TrustVersion)
}
