package control

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/internal/wire"
)

// A Level is a brightness from a time of day on.
type Level struct {
	From    time.Duration // wall-clock time after local midnight, 0 to 24 h
	Percent int           // 0 to 100
}

// LeaveBrightness in the place of a percentage is a brightness that nobody asks for, or that nobody knows.
const LeaveBrightness = -1

// brightnessAt is what levels ask for at a moment, in its own zone; LeaveBrightness where there are none.
func brightnessAt(levels []Level, at time.Time) int {
	if len(levels) == 0 {
		return LeaveBrightness
	}
	hour, minute, second := at.Clock()
	now := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	percent := levels[len(levels)-1].Percent // of the evening before
	for _, l := range levels {
		if now >= l.From {
			percent = l.Percent
		}
	}
	return percent
}

// Safety holds the temperatures at which a display protects itself. A zero one takes its default.
type Safety struct {
	Dim    physic.Temperature // from here on the panel is dimmed; DefaultDim
	CutOff physic.Temperature // from here on the panel and its relay are off until a person says otherwise; DefaultCutOff
	// Sensors are the names of the thermometers that dim and cut off, beside the panel's own; nil is all of them. One
	// inside a processor does not belong here: a sound one works at 70 to 100 °C.
	Sensors []string
}

const (
	// DefaultDim is ten degrees below the cut-off: our judgement, so that less light has a chance to be enough.
	DefaultDim = physic.ZeroCelsius + 65*physic.Celsius
	// DefaultCutOff is the lowest that Samsung accepts for a panel's own limit (MDC command 0x85, 75 to 124 °C).
	DefaultCutOff = physic.ZeroCelsius + 75*physic.Celsius
	// The cut-off may be moved within these: below, a summer noon in a closed cabinet would darken a sound display;
	// above, the insulation and the capacitors of a panel rated for 40 or 50 °C have long been outside what they are made for.
	lowestCutOff  = physic.ZeroCelsius + 60*physic.Celsius
	highestCutOff = physic.ZeroCelsius + 80*physic.Celsius
)

// complete puts the defaults in, or says why it cannot be used.
func (s Safety) complete() (Safety, error) {
	s.Dim, s.CutOff = cmp.Or(s.Dim, DefaultDim), cmp.Or(s.CutOff, DefaultCutOff)
	switch {
	case s.CutOff < lowestCutOff || s.CutOff > highestCutOff:
		return s, fmt.Errorf("cannot cut off at %s: it goes from %s to %s", s.CutOff, lowestCutOff, highestCutOff)
	case s.Dim >= s.CutOff:
		return s, fmt.Errorf("cannot dim at %s: the panel is off from %s on", s.Dim, s.CutOff)
	}
	return s, nil
}

// heeds reports whether a temperature of that sensor has consequences.
func (s Safety) heeds(sensor string) bool {
	return s.Sensors == nil || sensor == insideSensor || slices.Contains(s.Sensors, sensor)
}

// A Meter says what the watts that a panel draws mean. Zero watts mean that nobody measured this panel: then only a
// disagreement that no panel of any size could have is noticed.
type Meter struct {
	Lit  physic.Power // drawn at least while a picture is lit
	Dark physic.Power // drawn at most in standby
}

// A Key says what the turned key switch asks for.
type Key struct {
	State wire.PowerWish // WishOn or WishOff
	For   time.Duration  // how long at most; the key must be turned back and again for more
}
