package control

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/internal/wire"
)

// A Level is a brightness from a time of day on.
type Level struct {
	From    time.Duration // wall-clock time after local midnight, 0 to 24 h
	Percent int           // 0 to 100
}

// Safety holds the temperatures at which a display protects itself. A zero one takes its default.
type Safety struct {
	Dim    physic.Temperature // from here on the panel is dimmed; DefaultDim
	CutOff physic.Temperature // from here on the panel and its relay are off until a person says otherwise; DefaultCutOff
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
