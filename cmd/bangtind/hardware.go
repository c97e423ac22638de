package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/cec"
	"bangtin/hal/drm"
	halgpio "bangtin/hal/gpio"
	"bangtin/hal/hwmon"
	"bangtin/hal/pair"
	"bangtin/hal/rs232"
	"bangtin/hal/sim"
	"bangtin/internal/site"
)

// Where the kernel shows its devices.
const (
	driFolder = "/dev/dri"
	sysFolder = "/sys"
)

// wired is the hardware that the site file names. Its drivers open their devices when they are first used: what is
// missing is found then, reported, and waited for.
type wired struct {
	sys     string // where sysfs is mounted
	panel   hal.Panel
	relay   hal.Relay // nil when none is wired, or none as the site file says
	sensors []hal.Sensor
	expect  []hal.Reading // Sensor and Kind of everything that the site file has watched, whether or not it can be
	refused []error       // parts that cannot be as the site file says, each on one line
	closers []io.Closer   // last first
	rig     *sim.Rig      // nil with real hardware
}

// Close puts the relay into its safe state and leaves the panel as it is.
func (w *wired) Close() error {
	var all []error
	for i := len(w.closers) - 1; i >= 0; i-- {
		all = append(all, w.closers[i].Close())
	}
	return errors.Join(all...)
}

// wireUp builds the drivers. While fire says so the relay is opened whenever nobody drives it. The error is a panel that
// cannot be as the site file says; what else cannot be is among refused, and the display does without.
func wireUp(s *site.Site, sys string, screen drm.Screen, fire func() bool, log *slog.Logger) (*wired, error) {
	w, err := build(s, sys, screen, log)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if s.Panel.Driver == site.Sim {
		return w, nil
	}
	w.addRelay(s.Relay, fire, log) // last: it moves at once
	return w, nil
}

// rehearse returns what wireUp would refuse, on one line each. It opens nothing and moves nothing.
func rehearse(s *site.Site) error {
	log := slog.New(slog.DiscardHandler)
	w, err := build(s, sysFolder, nil, log)
	if s.Relay != nil {
		w.refuse("[relay]", relayConfig(s.Relay, nil, log).Check())
	}
	return errors.Join(append([]error{err}, append(w.refused, w.Close())...)...)
}

// build builds everything but the relay, which opens nothing. With an error of the panel there is all the rest.
func build(s *site.Site, sys string, screen drm.Screen, log *slog.Logger) (*wired, error) {
	w := &wired{sys: sys}
	if s.Panel.Driver == site.Sim {
		w.simulate(sim.NewRig(sim.Config{}))
		return w, nil
	}
	err := w.addPanel(s.Panel, screen, log)
	w.addContacts(s.Contacts)
	w.addMeter(s.Meter, log)
	w.addThermometers(s.Thermometers, log)
	return w, err
}

// refuse notes that a part cannot be, where err says so.
func (w *wired) refuse(part string, err error) {
	if err != nil {
		w.refused = append(w.refused, fmt.Errorf("cannot use %s: %w", part, err))
	}
}

// watch takes a sensor, or where err says that it cannot be, one that knows none of these readings.
func (w *wired) watch(part string, sensor hal.Sensor, err error, readings ...hal.Reading) {
	w.expect = append(w.expect, readings...)
	if err != nil {
		w.refuse(part, err)
		sensor = &unusable{readings: readings, reason: err.Error()}
	}
	w.sensors = append(w.sensors, sensor)
}

// simulate puts a rig in place of all hardware.
func (w *wired) simulate(rig *sim.Rig) {
	w.rig = rig
	w.panel, w.relay, w.sensors = rig.Panel(), rig.Relay(), []hal.Sensor{rig.Sensor()}
	w.closers = append(w.closers, w.panel)
}

// osdName is what a TV shows of its source: at most 14 characters of ASCII.
const osdName = "Bang Tin"

func (w *wired) addPanel(p site.Panel, screen drm.Screen, log *slog.Logger) error {
	switch {
	case p.Driver == site.CEC:
		w.panel = cec.New(cec.Config{Device: p.Port, OSDName: osdName, Log: log})
	case p.Driver == site.HDMI:
		w.panel = drm.New(driFolder, screen, log)
	default:
		line, err := newLine(p, nil, log)
		if err != nil {
			return fmt.Errorf("cannot use [panel]: %w", err)
		}
		w.panel = line
		if p.CEC != "" {
			w.panel = pair.New(line, cec.New(cec.Config{Device: adapter(p.CEC), OSDName: osdName, Log: log}), log)
		}
	}
	w.closers = append(w.closers, w.panel)
	return nil
}

// newLine is the driver of a panel on a serial line. A nil open is that of real ports.
func newLine(p site.Panel, open rs232.Opener, log *slog.Logger) (hal.Panel, error) {
	edition := rs232.SICPGrouped
	if p.Edition == site.EditionOld {
		edition = rs232.SICPUngrouped
	}
	return rs232.New(rs232.Protocol(p.Driver), rs232.Config{Port: p.Port, SetID: p.SetID, Edition: edition, Open: open, Log: log})
}

// adapter is the device of a CEC adapter, empty where the driver shall find it.
func adapter(cec string) string {
	if cec == "auto" {
		return ""
	}
	return cec
}

func (w *wired) addContacts(contacts []site.Contact) {
	for _, c := range contacts {
		in, err := halgpio.NewInput(halgpio.InputConfig{Name: c.Name, Kind: hal.Kind(c.Name), Line: line(c.Line)})
		w.watch("["+c.Name+"]", in, err, hal.Reading{Sensor: c.Name, Kind: hal.Kind(c.Name)})
	}
}

// line is a line with a pull-up, where its chip has one: every contact here pulls down.
func line(l site.Line) halgpio.Line {
	return halgpio.Line{Chip: l.Chip, Name: l.Name, ActiveLow: l.ActiveLow, Pull: gpio.PullUp}
}

// meterName is the meter in readings.
const meterName = "meter"

func (w *wired) addMeter(m *site.Meter, log *slog.Logger) {
	if m == nil {
		return
	}
	sensor, err := w.newMeter(m, log)
	w.watch("[meter]", sensor, err, hal.Reading{Sensor: meterName, Kind: hal.Meter})
}

func (w *wired) newMeter(m *site.Meter, log *slog.Logger) (hal.Sensor, error) {
	if m.Driver == "s0" {
		return halgpio.NewPulses(halgpio.PulseConfig{Name: meterName, Line: line(m.Line), PulsesPerKWh: m.PulsesPerKWh, Log: log})
	}
	bus, err := hwmon.OpenBus(w.sys, m.Bus)
	if err != nil {
		return nil, err
	}
	w.closers = append(w.closers, bus)
	return hwmon.NewINA(hwmon.INAConfig{
		Name: meterName, Model: m.Driver, Bus: bus, Address: uint16(m.Address), ShuntMilliOhm: float64(m.ShuntMilliOhm),
		MaxCurrent: physic.ElectricCurrent(m.MaxAmpere) * physic.Ampere, Log: log,
	})
}

// addThermometers puts those on a 1-wire bus together: they are read one after the other.
func (w *wired) addThermometers(list []site.Thermometer, log *slog.Logger) {
	bus := hwmon.W1Config{Root: w.sys, Log: log}
	var onBus []hal.Reading
	for _, t := range list {
		var sensor hal.Sensor
		var err error
		reading := hal.Reading{Sensor: t.Name, Kind: hal.Temperature}
		switch t.Driver {
		case "w1":
			onBus = append(onBus, reading)
			bus.Sensors = append(bus.Sensors, hwmon.W1{Name: t.Name, ID: t.Chip})
			continue
		case "zone":
			sensor, err = hwmon.NewZone(hwmon.ZoneConfig{Name: t.Name, Root: w.sys, Type: t.Chip, Log: log})
		default:
			sensor, err = hwmon.New(hwmon.Config{
				Name: t.Name, Root: w.sys, Chip: t.Chip, Channel: t.Channel, Kind: hal.Temperature, Limits: limits(t.Chip), Log: log,
			})
		}
		w.watch("temperature."+t.Name, sensor, err, reading)
	}
	if len(bus.Sensors) > 0 {
		sensor, err := hwmon.NewW1(bus)
		w.watch("[temperature]", sensor, err, onBus...)
	}
}

// limits is what is plausible of a temperature of that chip. A part of a computer heats by tens of kelvins within a second of
// work: with the step of a cabinet each start of the player would read as a broken sensor.
func limits(chip string) hwmon.Limits {
	l := hwmon.DefaultLimits(hal.Temperature)
	if !ambient(chip) {
		l.Step = 60_000
	}
	return l
}

// relayWatchdog is six times as long as the relay's keeper takes between two looks.
const relayWatchdog = time.Minute

func (w *wired) addRelay(r *site.Relay, fire func() bool, log *slog.Logger) {
	if r == nil {
		return
	}
	relay, err := halgpio.NewRelay(relayConfig(r, fire, log))
	if err != nil {
		w.refuse("[relay]", err)
		return
	}
	w.relay = relay
	w.closers = append(w.closers, relay)
}

func relayConfig(r *site.Relay, fire func() bool, log *slog.Logger) halgpio.RelayConfig {
	config := halgpio.RelayConfig{
		Line: line(r.Line), SafeClosed: r.SafeClosed, KeepOpen: fire, Dwell: r.Dwell, Watchdog: relayWatchdog, Log: log,
	}
	config.Line.Pull = gpio.PullNoChange
	if r.Feedback != nil {
		back := line(*r.Feedback)
		config.Feedback = &back
	}
	return config
}
