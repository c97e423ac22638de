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
}

// A Rig is the simulated hardware of one display. It starts with mains present, the relay closed, the panel
// off, the door closed, no smoke, 25 °C in the cabinet and 30 °C at the panel.
//
// All its methods are safe for concurrent use. They change what is simulated at once; drivers find out.
type Rig struct {
	config Config

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when anything changes

	mains, relay bool // relay: closed
	smoke, door  bool
	temperature  map[string]physic.Temperature
	sensorFaults map[string]SensorFault
	frozen       map[string]hal.Reading // what stuck sensors say

	on     bool      // asked for on, and fed since
	litAt  time.Time // the end of warming, while on
	resume bool      // it was on when the mains went

	brightness int
	input      string

	faults [panelFaults]bool
	stale  hal.Power // what the panel says while it is stale
}

// NewRig returns a rig with no fault.
func NewRig(c Config) *Rig {
	c.WarmUp = max(0, cmp.Or(c.WarmUp, 6*time.Second))
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
	r.change(func() { r.on, r.resume = false, false })
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
		r.on, r.resume = false, true
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

// power is the truth about the panel.
func (r *Rig) power() hal.Power {
	switch {
	case !r.on:
		return hal.PowerOff
	case time.Now().Before(r.litAt):
		return hal.PowerWarming
	}
	return hal.PowerOn
}
