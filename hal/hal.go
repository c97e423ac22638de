// Package hal is the vocabulary of the hardware behind a display: the panel, the sensors and the relay,
// as words without any input or output of their own.
//
// Drivers live in the packages below this one, one technology each. A driver is built by an explicit switch
// on the site file in cmd/bangtind; nothing registers itself.
//
// What every panel can do is [Panel]. What only some can do is a capability interface beside it, such as
// [Dimmer]; a caller asks for it with a type assertion and must work without it.
package hal

import (
	"context"
	"errors"
	"time"

	"periph.io/x/conn/v3/physic"
)

// Power is what is known of a panel's power.
type Power int

// A time-out is PowerUnknown and never PowerOff: a panel that does not answer may well be lit.
const (
	PowerUnknown Power = iota
	PowerOff
	PowerOn
	PowerWarming // on its way to on; Samsung and many CEC panels take 6 to 20 s
	PowerCooling // on its way to off
)

func (p Power) String() string {
	switch p {
	case PowerOff:
		return "off"
	case PowerOn:
		return "on"
	case PowerWarming:
		return "warming"
	case PowerCooling:
		return "cooling"
	}
	return "unknown"
}

// Errors that a driver wraps, so that the caller can tell why a panel did not obey.
var (
	// ErrSilent: no valid answer came in time. The panel may be dead, unplugged or on another set ID.
	ErrSilent = errors.New("panel does not answer")
	// ErrRefused: the panel understood and said no (NAK, NG, NAV, feature abort).
	ErrRefused = errors.New("panel refuses")
	// ErrUnsupported: this panel or driver has no such function. Asking again is no use.
	ErrUnsupported = errors.New("panel has no such function")
	// ErrPortGone: the port itself is missing or was unplugged. The driver reopens it by itself.
	ErrPortGone = errors.New("panel port is gone")
)

// A Panel is one display whose power can be switched.
//
// Methods block until the panel has answered or its protocol's time limits have passed, for a panel that is silent
// 4 to 9 s each, and return earlier when ctx ends. A Panel has one owner, its keeper in internal/control: methods need
// not be safe for concurrent use, and no caller may assume that they are.
type Panel interface {
	// SetPower asks for on or off and returns once the panel acknowledged the request. An acknowledgement is
	// not the new state: only Power says what the panel did. Setting the power it already has is harmless.
	SetPower(ctx context.Context, on bool) error

	// Power reads the power back. It returns PowerUnknown with an error when the panel did not answer, and
	// ErrUnsupported where this panel cannot be read back at all.
	Power(ctx context.Context) (Power, error)

	// Close releases the port and leaves the panel as it is.
	Close() error
}

// A Settler knows how long its panel needs after a power command before Power can be believed.
// Without it the keeper waits two seconds.
type Settler interface {
	Settle(on bool) time.Duration
}

// A Dimmer sets and reads brightness in percent, 0 to 100.
type Dimmer interface {
	SetBrightness(ctx context.Context, percent int) error
	Brightness(ctx context.Context) (int, error)
}

// A Thermometer reads the panel's own temperature.
type Thermometer interface {
	Temperature(ctx context.Context) (physic.Temperature, error)
}

// An InputSwitcher selects which socket the panel shows. Names are the driver's: "hdmi1", "dp" and so on.
type InputSwitcher interface {
	SetInput(ctx context.Context, name string) error
	Input(ctx context.Context) (string, error)
}

// A SignalDetector tells whether the panel sees a picture on the input that it shows.
type SignalDetector interface {
	Signal(ctx context.Context) (present bool, err error)
}

// A Speaker sets and reads the panel's own loudspeakers. Volume is in percent of what the protocol allows, 0 to 100.
type Speaker interface {
	SetVolume(ctx context.Context, percent int) error
	Volume(ctx context.Context) (percent int, err error)
	SetMute(ctx context.Context, muted bool) error
	Muted(ctx context.Context) (bool, error)
}

// A Diagnoser asks the panel what it finds wrong with itself. An empty list is a panel that finds nothing. Each
// fault is one English word or two, such as "fan" or "lamp", at most 16 of them; what the protocol reports and
// nobody has a word for is its code, such as "code 90".
type Diagnoser interface {
	Diagnose(ctx context.Context) (faults []string, err error)
}

// An HourMeter tells how many hours the panel has been on in its life.
type HourMeter interface {
	Hours(ctx context.Context) (int, error)
}

// An Identifier tells the panel's serial number and model as the panel prints them.
type Identifier interface {
	Serial(ctx context.Context) (string, error)
	Model(ctx context.Context) (string, error)
}

// Kind names what a Reading is about.
type Kind string

const (
	Mains       Kind = "mains"       // Reading.Active: the mains supply is present
	Smoke       Kind = "smoke"       // Reading.Active: the detector or its cut cable says fire
	Door        Kind = "door"        // Reading.Active: the cabinet is open
	Tamper      Kind = "tamper"      // Reading.Active: somebody moves, opens or cuts what nobody should
	Key         Kind = "key"         // Reading.Active: the key switch is turned
	Temperature Kind = "temperature" // Reading.Temperature holds the value
	Meter       Kind = "meter"       // Reading.Watts is what the panel draws; Reading.Joules what it drew so far
	Voltage     Kind = "voltage"     // Reading.Voltage holds the value
	Fan         Kind = "fan"         // Reading.RPM holds the value
)

// Quality says how far a Reading may be believed.
type Quality int

const (
	QualityUnknown Quality = iota // no value: the sensor is missing, stuck, stale or implausible; never reads as safe
	QualityGood
)

func (q Quality) String() string {
	if q == QualityGood {
		return "good"
	}
	return "unknown"
}

// A Reading is one debounced observation of one sensor.
type Reading struct {
	Sensor      string // the name in the site file or of the driver, unique on one controller
	Kind        Kind
	Quality     Quality
	Active      bool // for Mains, Smoke, Door, Tamper and Key
	Temperature physic.Temperature
	Watts       physic.Power // for Meter: the mean since the reading before, or of the last pulses
	Joules      int64        // for Meter: counted since the driver started; 0 where the meter does not count
	// From and Pulse are set by a Meter that counts pulses alone: Watts is the mean from From on, or less where no pulse came
	// for long, and one pulse is so much energy. Of what the panel draws since something changed after From such a mean says
	// nothing; that there was no pulse since says how little it is at most.
	From    time.Time
	Pulse   physic.Energy
	Voltage physic.ElectricPotential
	RPM     int       // revolutions a minute
	At      time.Time // when it was observed; for a Meter that counts pulses, the last one
	Reason  string    // why Quality is unknown; empty when it is good
}

// A Sensor watches one or several inputs and sends a Reading at start, at each debounced change, and at least
// every 10 s, so that a reader can tell a quiet sensor from a dead one.
type Sensor interface {
	// Run sends until ctx ends. It owns its retries and returns early only on a bug.
	Run(ctx context.Context, readings chan<- Reading) error
}

// A Relay feeds or cuts the panel's mains supply. Closed is fed.
type Relay interface {
	// Set returns once the output was written and, where a feedback contact is wired, seen to have moved. Setting
	// the state it already has is harmless. Opening is never delayed; closing waits out the relay's minimum dwell.
	Set(ctx context.Context, closed bool) error
}
