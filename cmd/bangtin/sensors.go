package main

import (
	"slices"
	"strconv"
	"strings"

	"bangtin/internal/wire"
)

// maxTold is how many sensors a line names; the object of --json has them all.
const maxTold = 12

// sensorWords says in one line what a display's sensors say: what is out of the ordinary first, then what nobody can
// believe, then what is measured. A contact at rest is not worth a word, but for the mains. It is empty where the display
// tells no sensors.
func (p *Program) sensorWords(all []wire.Sensor) string {
	var odd, doubted, measured []string
	for _, s := range all {
		on, contact := s.On()
		switch {
		case s.Quality != wire.SensorGood:
			doubted = append(doubted, p.text(say("%s unknown", visible(s.Name))))
		case contact:
			if ph, ok := contactWord(s, on); ok {
				odd = append(odd, p.text(ph))
			}
		case s.Value != nil && s.Kind == "meter":
			measured = append(measured, quantity(s))
		case s.Value != nil:
			measured = append(measured, visible(s.Name)+" "+quantity(s))
		}
	}
	words := slices.Concat(odd, doubted, measured)
	if len(words) > maxTold {
		more := p.text(say("and %d more", len(words)-maxTold))
		words = append(words[:maxTold:maxTold], more)
	}
	return strings.Join(words, ", ")
}

func quantity(s wire.Sensor) string {
	return strconv.FormatFloat(*s.Value, 'g', 6, 64) + " " + visible(s.Unit)
}

// contactWord is nothing for what is as it shall be. A kind that nobody here knows is told while it is on.
func contactWord(s wire.Sensor, on bool) (phrase, bool) {
	switch s.Kind {
	case "mains":
		if on {
			return say("mains present"), true
		}
		return say("NO MAINS"), true
	case "signal":
		return say("no picture on the panel's input"), !on
	case "relay":
		return say("relay open"), !on
	case "smoke":
		return say("SMOKE"), on
	case "door":
		return say("door open"), on
	case "tamper":
		return say("tampered with"), on
	case "key":
		return say("key turned"), on
	}
	return phrase{english: visible(s.Name)}, on
}
