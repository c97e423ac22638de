package main

import (
	"context"
	"log/slog"

	"bangtin/hal"
	"bangtin/hal/hwmon"
	"bangtin/hal/rs232"
	"bangtin/hal/sim"
	"bangtin/internal/control/local"
	"bangtin/internal/journal"
	"bangtin/internal/pki"
	"bangtin/internal/site"
	"bangtin/internal/trust"
)

// WatchBelief is watchBelief for tests.
func WatchBelief(ctx context.Context, stamp func() journal.Stamp, changed func()) error {
	return watchBelief(ctx, stamp, changed)
}

// Noticed watches a folder of notices, and tells the alarms that they are.
func Noticed(dir string) (watch func(context.Context) error, alarms func() map[string]string) {
	l := &lacking{what: map[string]string{"content-missing": "x"}}
	return func(ctx context.Context) error {
		return watchNotices(ctx, dir, noticesEvery, l, slog.New(slog.DiscardHandler))
	}, l.list
}

// AnswerOnlooker is what the desk says to uid, where that is the status page's.
func AnswerOnlooker(ctx context.Context, uid int, do local.Verb) local.Answer {
	return (&desk{onlooker: uid}).Handle(ctx, local.Request{Do: do}, local.Peer{UID: uid})
}

// NewRenewal is a renewal for tests, with the alarms that it raises.
func NewRenewal(device, base, lock string, dialer pki.Dialer) (once func(context.Context) (bool, error), alarms func() map[string]string) {
	l := &lacking{what: map[string]string{}}
	r := &renewal{device: device, base: base, dialer: dialer, lock: lock, lacking: l}
	return r.once, l.list
}

// Protecting is protecting for tests.
func Protecting(s *site.Site) []string { return protecting(s, s.Panel.Driver == site.Sim) }

// Rehearse is what --check finds beyond the site file's own rules.
func Rehearse(s *site.Site) error { return rehearse(s) }

// WireUp builds the drivers of a site, and returns what the display knows of them.
func WireUp(s *site.Site) (sensors []hal.Sensor, expect []hal.Reading, relay hal.Relay, unusable error, err error) {
	w, err := wireUp(s, sysFolder, nil, func() bool { return false }, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, nil, nil, err
	}
	return w.sensors, w.expect, w.relay, w.unusable(), w.Close()
}

// Holds asks a keyring in which d stands.
func Holds(d *trust.Document, role trust.Role, keys ...string) bool {
	return (&keyring{standing: trust.NewStanding(d)}).holds(string(role), keys)
}

// OnRig puts a simulated rig in the place of the hardware, behind a relay of the test's own.
func (m *Main) OnRig(rig *sim.Rig, relay func(hal.Relay) hal.Relay) {
	m.rewire = func(w *wired, _ func() bool) {
		*w = wired{}
		w.simulate(rig)
		w.relay = relay(w.relay)
		w.expect = []hal.Reading{{Sensor: sim.SmokeSensor, Kind: hal.Smoke}, {Sensor: sim.CabinetSensor, Kind: hal.Temperature}}
	}
}

// NewLine is newLine for tests.
func NewLine(p site.Panel, open rs232.Opener) (hal.Panel, error) {
	return newLine(p, open, slog.New(slog.DiscardHandler))
}

// ReadFrom has sysfs elsewhere.
func (m *Main) ReadFrom(sys string) { m.sys = sys }

// ShowNowhere lets the display drive a panel on a machine that has no output to show a picture on.
func (m *Main) ShowNowhere() { m.nowhere = true }

// Limits is limits for tests.
func Limits(chip string) hwmon.Limits { return limits(chip) }
