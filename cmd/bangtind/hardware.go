package main

import (
	"fmt"
	"log/slog"

	"bangtin/hal"
	"bangtin/hal/drm"
	"bangtin/hal/rs232"
	"bangtin/hal/sim"
	"bangtin/internal/site"
)

// hardware builds the drivers that the site file names.
func (d *display) hardware(simulate bool) error {
	if simulate || d.site.Panel.Driver == site.Sim {
		rig := sim.NewRig(sim.Config{})
		d.panel, d.relay, d.sensors = rig.Panel(), rig.Relay(), []hal.Sensor{rig.Sensor()}
		return nil
	}
	var err error
	d.panel, err = newPanel(d.site.Panel, d.player, d.log)
	return err
}

// newPanel builds the driver of the panel.
func newPanel(p site.Panel, screen drm.Screen, log *slog.Logger) (hal.Panel, error) {
	switch {
	case p.Driver.OnLine():
		return rs232.New(rs232.Protocol(p.Driver), rs232.Config{Port: p.Port, SetID: p.SetID, Log: log})
	case p.Driver == site.HDMI:
		return drm.New("/dev/dri", screen, log), nil
	}
	return nil, fmt.Errorf("cannot use panel.driver %q", p.Driver)
}
