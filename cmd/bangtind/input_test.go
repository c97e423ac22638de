package main_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	main "bangtin/cmd/bangtind"
	"bangtin/hal"
	"bangtin/hal/haltest/panelproc"
	"bangtin/hal/rs232"
	"bangtin/hal/sim"
	"bangtin/internal/journal"
	"bangtin/internal/site"
	"bangtin/internal/wire"
)

// TestInputsAreThoseOfTheDrivers: a site file may name what the driver has a code for, and nothing else.
func TestInputsAreThoseOfTheDrivers(t *testing.T) {
	gone := func(string) (rs232.Line, error) { return nil, errors.New("there is no port in this test") }
	every := site.Sim.Inputs()
	for _, driver := range []site.Driver{site.MDC, site.LG, site.NEC, site.SICP, site.Sim} {
		panel := sim.NewRig(sim.Config{}).Panel()
		if driver != site.Sim {
			var err error
			if panel, err = main.NewLine(site.Panel{Driver: driver, Port: "/dev/none", SetID: 1}, gone); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range append([]string{"hdmi5", "HDMI1", ""}, every...) {
			err := panel.(hal.InputSwitcher).SetInput(t.Context(), name)
			if has, named := !errors.Is(err, hal.ErrUnsupported), slices.Contains(driver.Inputs(), name); has != named {
				t.Errorf("%s, %q: in the site file %t; the driver says %v", driver, name, named, err)
			}
		}
		if err := panel.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAForeignInput switches a panel on a serial line to another socket, as its menu does: the daemon puts it back, takes
// the time back and records an intrusion.
func TestAForeignInput(t *testing.T) {
	t.Parallel()
	panel := panelproc.StartPanel(t, panelproc.BuildPanel(t), "-protocol=mdc", "-baud=9600", "-warmup=1s")
	w := newWorld(t)
	w.site.driver, w.site.port, w.site.input = "mdc", panel.Path, "hdmi1"
	w.inbox(w.approved(10))
	r := w.start()
	// Its input is the first thing that a panel is asked after it has settled, its temperature the next.
	w.until("on air and asked", func(s *wire.State) bool { return playing(10)(s) && s.Panel.CelsiusX10 != nil })
	panel.Do("input 35") // 0x23, hdmi2
	for end := time.Now().Add(2 * time.Minute); !strings.Contains(r.log(), "panel put on its input"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was not put right")
		}
	}
	s := w.until("told, and over", func(s *wire.State) bool {
		known := slices.ContainsFunc(s.Airtime.Lost, func(l wire.Lost) bool { return l.Cause == string(journal.CauseInputWrong) })
		return known && playing(10)(s) && len(s.Alarms) == 0
	})
	delivered := s.Airtime.DeliveredS
	w.until("on air again", func(s *wire.State) bool { return s.Airtime.DeliveredS > delivered+1 })
	r.stop()
	records := w.verified()
	lost := int64(0)
	for _, s := range bodies[journal.Segment](t, records, journal.KindSegment) {
		if s.Cause == journal.CauseInputWrong {
			lost += s.To - s.From
		}
	}
	if lost < 1 || lost > 60 {
		t.Errorf("%d s are lost to it", lost)
	}
	told := 0
	for _, inc := range bodies[journal.Incident](t, records, journal.KindIncident) {
		if inc.Code == "input-wrong" && inc.Class == journal.Intrusion {
			told++
			t.Logf("%+v", inc)
		}
	}
	if told != 2 {
		t.Errorf("it is in the record %d times, want its begin and its end", told)
	}
	t.Logf("%d s lost", lost)
}
