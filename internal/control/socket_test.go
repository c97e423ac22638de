package control_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// A switchable panel is a talker that can be asked for its input.
type switchable struct {
	*talker
	inputs hal.InputSwitcher
	deny   atomic.Pointer[error] // what the question for the input is answered with
}

func (p *switchable) Input(ctx context.Context) (string, error) {
	if err := p.note("input"); err != nil {
		return "", err
	}
	if err := p.deny.Load(); err != nil {
		return "", *err
	}
	return p.inputs.Input(ctx)
}

func (p *switchable) SetInput(ctx context.Context, name string) error {
	if err := p.note("set input"); err != nil {
		return err
	}
	return p.inputs.SetInput(ctx, name)
}

func (p *switchable) count(what string) (n int) {
	for _, a := range p.take() {
		if a.what == what {
			n++
		}
	}
	return n
}

// plugged runs a scene with a panel that shall show hdmi1, from a time of day on.
func plugged(t *testing.T, clock string, scene func(*stage, *switchable)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, clock))
		p := &switchable{talker: &talker{all: s.rig.Panel().(all)}, inputs: s.rig.Panel().(hal.InputSwitcher)}
		s.panelOf = func() hal.Panel { return p }
		s.config = func(c *control.Config) { c.Input = "hdmi1" }
		s.begin()
		scene(s, p)
		s.end()
		s.close()
	})
}

// TestAForeignInput: somebody switches to what is in another socket, at any moment between two questions. It is put right,
// what was claimed since the last proof is taken back, and it is an intrusion.
func TestAForeignInput(t *testing.T) {
	plugged(t, "08:00:00", func(s *stage, _ *switchable) {
		for phase := range 8 {
			time.Sleep(3*time.Minute + time.Duration(phase)*4*time.Second)
			before := s.control.State().Airtime
			lost := s.lost()[journal.CauseInputWrong]
			s.rig.SetInput("hdmi2")
			foreign := 0
			for range 120 {
				time.Sleep(time.Second)
				if s.rig.Snapshot().Input != "hdmi1" {
					foreign++
				}
			}
			if foreign > 36 {
				s.t.Errorf("phase %d: for %d s it showed what is not ours", phase, foreign)
			}
			after := s.control.State().Airtime
			if got := s.lost()[journal.CauseInputWrong] - lost; got < int64(foreign) || got > int64(foreign)+42 {
				s.t.Errorf("phase %d: %d s are lost, of %d", phase, got, foreign)
			}
			if owed := after.RequiredS - before.RequiredS; owed < 119 || owed > 121 {
				s.t.Errorf("phase %d: %d s were owed in two minutes", phase, owed)
			}
		}
		want := slices.Repeat([]string{"input-wrong", "input-wrong over"}, 8)
		s.wantIncidents(want...)
		for _, body := range s.bodies(journal.KindIncident) {
			if !strings.Contains(body, `"class":"intrusion"`) || !strings.Contains(body, "hdmi2") {
				s.t.Errorf("the incident is %s", body)
			}
		}
	})
}

// TestAPanelThatWakesElsewhere begins its window on its own input, which nobody did: no incident, nothing lost.
func TestAPanelThatWakesElsewhere(t *testing.T) {
	plugged(t, "06:50:00", func(s *stage, p *switchable) {
		s.rig.SetInput("dp")
		time.Sleep(9*time.Minute + 30*time.Second)
		if got := s.rig.Snapshot(); got.Input != "hdmi1" || got.Panel != hal.PowerOn {
			s.t.Errorf("half a minute before the window: %s", got)
		}
		if n := p.count("set input"); n != 1 {
			s.t.Errorf("it was switched %d times", n)
		}
		time.Sleep(time.Hour)
		if n := p.count("set input"); n != 0 {
			s.t.Errorf("it was switched %d times more", n)
		}
		s.wantIncidents()
		if got := s.lost()[journal.CauseInputWrong]; got != 0 {
			s.t.Errorf("%d s are lost", got)
		}
	})
}

// TestAPanelThatStaysElsewhere: it acknowledges and does nothing. It is lost for as long, told again and again, and its power and
// what else it is asked for are asked as before.
func TestAPanelThatStaysElsewhere(t *testing.T) {
	plugged(t, "08:00:00", func(s *stage, p *switchable) {
		time.Sleep(5 * time.Minute)
		s.rig.SetPanelFault(sim.Disobeys, true)
		s.rig.SetInput("hdmi2")
		p.take()
		time.Sleep(time.Hour)
		got := p.take()
		count := map[string]int{}
		for _, a := range got {
			count[a.what]++
		}
		if n := count["set input"]; n < 110 || n > 123 {
			s.t.Errorf("in an hour it was switched %d times", n)
		}
		if count["signal"] < 100 || count["read"] < 600 {
			s.t.Errorf("in an hour it was asked %v", count)
		}
		if got := s.lost()[journal.CauseInputWrong]; got < 3600 || got > 3636 {
			s.t.Errorf("of an hour %d s are lost", got)
		}
		if st := s.control.State(); !slices.Equal(st.Alarms, []string{"input-wrong"}) || st.Dark() == "" {
			s.t.Errorf("alarms are %v, dark: %q", st.Alarms, st.Dark())
		}
		s.wantIncidents("input-wrong")
	})
}

// TestAWrongInputHolds until the panel tells the right one, whatever else it answers meanwhile, and is asked for all the time.
func TestAWrongInputHolds(t *testing.T) {
	for _, err := range []error{hal.ErrSilent, hal.ErrRefused, hal.ErrUnsupported} {
		t.Run(err.Error(), func(t *testing.T) {
			plugged(t, "08:00:00", func(s *stage, p *switchable) {
				time.Sleep(5 * time.Minute)
				s.rig.SetPanelFault(sim.Disobeys, true)
				s.rig.SetInput("hdmi2")
				time.Sleep(time.Minute)
				p.deny.Store(&err)
				p.take()
				time.Sleep(time.Hour)
				if n := p.count("set input"); err != hal.ErrSilent && n < 110 {
					s.t.Errorf("in an hour it was switched %d times", n)
				}
				if got := s.lost()[journal.CauseInputWrong]; got < 3660 || got > 3696 {
					s.t.Errorf("of 61 minutes %d s are lost", got)
				}
				s.rig.SetPanelFault(sim.Disobeys, false)
				s.rig.SetInput("hdmi1")
				p.deny.Store(nil)
				time.Sleep(time.Minute)
				if got := s.lost()[journal.CauseInputWrong]; got > 3696+36 {
					s.t.Errorf("%d s are lost though it came back", got)
				}
				s.wantIncidents("input-wrong", "input-wrong over")
			})
		})
	}
}

// TestAPanelThatTellsNoInput is told once each time it is switched on, and nothing is claimed of it.
func TestAPanelThatTellsNoInput(t *testing.T) {
	for _, err := range []error{hal.ErrRefused, hal.ErrUnsupported} {
		t.Run(err.Error(), func(t *testing.T) {
			plugged(t, "08:00:00", func(s *stage, p *switchable) {
				p.deny.Store(&err)
				s.rig.SetInput("hdmi2")
				time.Sleep(time.Minute)
				if got := s.rig.Snapshot().Input; got != "hdmi1" {
					s.t.Errorf("it shows %s", got)
				}
				time.Sleep(2 * time.Hour)
				if n := p.count("set input"); n != 1 {
					s.t.Errorf("it was switched %d times", n)
				}
				s.rig.LosePower()
				time.Sleep(time.Minute)
				if n := p.count("set input"); n != 1 {
					s.t.Errorf("after it lost its power it was switched %d times", n)
				}
				s.wantIncidents()
				if got := s.lost()[journal.CauseInputWrong]; got != 0 {
					s.t.Errorf("%d s are lost", got)
				}
			})
		})
	}
}

// TestAForeignInputAtARestart: what a run finds on a panel that was on before it is not the panel's own doing.
func TestAForeignInputAtARestart(t *testing.T) {
	plugged(t, "08:00:00", func(s *stage, _ *switchable) {
		time.Sleep(10 * time.Minute)
		s.end()
		s.close()
		s.rig.SetInput("hdmi2")
		time.Sleep(10 * time.Second)
		s.begin()
		time.Sleep(20 * time.Second)
		if got := s.rig.Snapshot().Input; got != "hdmi1" {
			s.t.Errorf("it shows %s", got)
		}
		if got := s.lost()[journal.CauseInputWrong]; got < 1 || got > 20 {
			s.t.Errorf("%d s are lost", got)
		}
		s.wantIncidents("input-wrong", "input-wrong over")
	})
}

// TestABlindPanelsInput is kept too, and the light is no excuse: a lit panel and one that is dark by its meter alike.
func TestABlindPanelsInput(t *testing.T) {
	plugged(t, "08:00:00", func(s *stage, _ *switchable) {
		s.rig.SetPanelFault(sim.Blind, true)
		time.Sleep(10 * time.Minute)
		s.rig.SetInput("hdmi2")
		time.Sleep(time.Minute)
		if got := s.rig.Snapshot().Input; got != "hdmi1" {
			s.t.Errorf("it shows %s", got)
		}
		s.wantIncidents("input-wrong", "input-wrong over")
	})
}

// TestAnInputThatNobodyWants is left alone, and so is one of a panel that is off.
func TestAnInputThatNobodyWants(t *testing.T) {
	measured(t, func(s *stage) {
		s.rig.SetInput("hdmi2")
		time.Sleep(time.Hour)
		if got := s.rig.Snapshot().Input; got != "hdmi2" || s.lost()[journal.CauseInputWrong] > 0 {
			s.t.Errorf("it shows %s, and lost %v", got, s.lost())
		}
	})
	plugged(t, "08:00:00", func(s *stage, p *switchable) {
		time.Sleep(5 * time.Minute)
		if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.rig.SetInput("hdmi2")
		p.take()
		time.Sleep(30 * time.Minute)
		if n := p.count("input"); n > 0 {
			s.t.Errorf("off, and asked %d times", n)
		}
		s.wantIncidents()
	})
}
