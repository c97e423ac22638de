// Package sim is a whole simulated rig: a panel, its mains supply, the relay that feeds it, and the sensors of
// the cabinet. It is what --simulate, the demo and the tests of the decision loop use.
//
// It does no input or output and measures time with package time alone, so it runs in testing/synctest bubbles.
package sim

import (
	"cmp"
	"sync"
	"time"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// Names of the rig's sensors, as in [hal.Reading].
const (
	MainsSensor   = "mains"
	SmokeSensor   = "smoke"
	DoorSensor    = "door"
	TamperSensor  = "tamper"
	KeySensor     = "key"
	MeterSensor   = "meter"
	CabinetSensor = "cabinet" // temperature inside the cabinet
	PanelSensor   = "panel"   // temperature at the back of the panel
)

// AfterMains is what the panel does when its supply comes back.
type AfterMains int

const (
	StaysOff     AfterMains = iota // it waits for a command, as most panels do
	ReturnsAsWas                   // it goes on again if it was on
)

// A Config sets up a rig. Durations that are zero get the value in brackets; a negative one means none at all.
type Config struct {
	WarmUp     time.Duration // from power on to picture [6 s]
	Latency    time.Duration // how long the panel takes to answer [30 ms]
	Reply      time.Duration // how long the driver waits for a silent panel [1 s]
	Every      time.Duration // how often sensors repeat themselves; at most 10 s [5 s]
	AfterMains AfterMains
	Lit        physic.Power // what the panel draws while it is lit at full brightness [120 W]
	Standby    physic.Power // and while it is off and fed [500 mW]
}

// A Rig is the simulated hardware of one display. It starts with mains present, the relay closed, the panel
// off, the door closed, no smoke, the key not turned, nobody at it, 25 °C in the cabinet and 30 °C at the panel, which
// has been on for 1000 hours in its life, has a picture on its input and finds nothing wrong with itself.
//
// All its methods are safe for concurrent use. They change what is simulated at once; drivers find out.
type Rig struct {
	config Config

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when anything changes

	mains, relay bool // relay: closed
	smoke, door  bool
	tamper, key  bool
	temperature  map[string]physic.Temperature
	sensorFaults map[string]SensorFault
	frozen       map[string]hal.Reading // what stuck sensors say

	on     bool      // asked for on, and fed since
	litAt  time.Time // the end of warming, while on
	resume bool      // it was on when the mains went

	brightness int
	input      string
	worn       int // what it draws in percent of a new one
	volume     int
	muted      bool
	noPicture  bool
	ill        []string      // what it finds wrong with itself
	lived      time.Duration // on, until it was switched on last

	faults [panelFaults]bool
	stale  hal.Power // what the panel says while it is stale
}

// NewRig returns a rig with no fault.
func NewRig(c Config) *Rig {
	c.WarmUp = max(0, cmp.Or(c.WarmUp, 6*time.Second))
	c.Lit = cmp.Or(c.Lit, 120*physic.Watt)
	c.Standby = cmp.Or(c.Standby, 500*physic.MilliWatt)
	c.Latency = max(0, cmp.Or(c.Latency, 30*time.Millisecond))
	c.Reply = max(0, cmp.Or(c.Reply, time.Second))
	if c.Every <= 0 {
		c.Every = 5 * time.Second
	}
	return &Rig{
		config:  c,
		changed: make(chan struct{}),
		mains:   true,
		relay:   true,
		temperature: map[string]physic.Temperature{
			CabinetSensor: physic.ZeroCelsius + 25*physic.Celsius,
			PanelSensor:   physic.ZeroCelsius + 30*physic.Celsius,
		},
		sensorFaults: map[string]SensorFault{},
		frozen:       map[string]hal.Reading{},
		brightness:   100,
		input:        "hdmi1",
		worn:         100,
		volume:       50,
		lived:        1000 * time.Hour,
	}
}

// SetMains cuts or restores the mains supply.
func (r *Rig) SetMains(present bool) {
	r.change(func() {
		r.mains = present
		r.feed()
	})
}

// SetSmoke makes the smoke detector report fire or not.
func (r *Rig) SetSmoke(fire bool) { r.change(func() { r.smoke = fire }) }

// SetDoor opens or closes the cabinet.
func (r *Rig) SetDoor(open bool) { r.change(func() { r.door = open }) }

// SetTamper makes somebody move, open or cut what nobody should, or leave it.
func (r *Rig) SetTamper(active bool) { r.change(func() { r.tamper = active }) }

// TurnKey turns the key switch or turns it back.
func (r *Rig) TurnKey(turned bool) { r.change(func() { r.key = turned }) }

// SetPicture puts a picture on the panel's input or takes it away.
func (r *Rig) SetPicture(present bool) { r.change(func() { r.noPicture = !present }) }

// SetBrightness is a remote control, or the panel's own menu.
func (r *Rig) SetBrightness(percent int) { r.change(func() { r.brightness = percent }) }

// SetInput is a remote control, or the panel's own menu. What is there has a picture if the panel's own input has one.
func (r *Rig) SetInput(name string) { r.change(func() { r.input = name }) }

// SetFaults is what the panel finds wrong with itself; nothing where there is none.
func (r *Rig) SetFaults(faults ...string) { r.change(func() { r.ill = faults }) }

// Wear sets what the lit panel draws, in percent of a new one.
func (r *Rig) Wear(percent int) { r.change(func() { r.worn = percent }) }

// SetTemperature sets what there is to measure at CabinetSensor or PanelSensor. It panics on another name,
// which is a bug in the caller.
func (r *Rig) SetTemperature(sensor string, t physic.Temperature) {
	if sensor != CabinetSensor && sensor != PanelSensor {
		panic("sim: no temperature sensor is named " + sensor)
	}
	r.change(func() { r.temperature[sensor] = t })
}

// LosePower makes the panel fall back to standby by itself, as after a brown-out too short to be seen.
func (r *Rig) LosePower() {
	r.change(func() {
		r.darken()
		r.resume = false
	})
}

// change runs f under the rig's lock and wakes the sensors.
func (r *Rig) change(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
	close(r.changed)
	r.changed = make(chan struct{})
}

// feed lets the panel feel its supply, after mains or relay moved.
func (r *Rig) feed() {
	switch {
	case !r.fed() && r.on:
		r.darken()
		r.resume = true
	case r.fed() && r.resume:
		r.resume = false
		if r.config.AfterMains == ReturnsAsWas {
			r.light()
		}
	}
}

func (r *Rig) fed() bool { return r.mains && r.relay }

// light starts the panel's way to on.
func (r *Rig) light() {
	if !r.on {
		r.on, r.litAt = true, time.Now().Add(r.config.WarmUp)
	}
}

// darken ends it.
func (r *Rig) darken() {
	r.lived = r.hours()
	r.on = false
}

// hours is how long the panel has been on in its life.
func (r *Rig) hours() time.Duration {
	if !r.on {
		return r.lived
	}
	return r.lived + max(0, time.Since(r.litAt))
}

// draws is what the panel takes from its supply: 30 % of it whatever the brightness, for its electronics.
func (r *Rig) draws() physic.Power {
	switch {
	case !r.fed():
		return 0
	case !r.lit():
		return r.config.Standby
	}
	return r.config.Lit * physic.Power(r.worn) / 100 * physic.Power(30+70*r.brightness/100) / 100
}

// lit tells whether somebody before the panel sees light.
func (r *Rig) lit() bool {
	switch {
	case r.faults[Black]:
		return false
	case r.faults[Glows] && r.fed():
		return true
	}
	return r.power() == hal.PowerOn
}

// power is the truth about the panel, but for Black and Glows.
func (r *Rig) power() hal.Power {
	switch {
	case !r.on:
		return hal.PowerOff
	case time.Now().Before(r.litAt):
		return hal.PowerWarming
	}
	return hal.PowerOn
}
