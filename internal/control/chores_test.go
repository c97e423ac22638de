package control_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// A talker is a panel that can tell much and notes what it was asked when.
type talker struct {
	all
	mu    sync.Mutex
	asked []asked
	deny  atomic.Pointer[error] // what questions beside the power are answered with
	odd   atomic.Bool           // the next temperature and the next signal are wrong, once each
	odds  atomic.Bool
}

// all is what the simulated panel can do, as far as control asks for it.
type all interface {
	hal.Panel
	hal.Settler
	hal.Dimmer
	hal.Thermometer
	hal.SignalDetector
	hal.Diagnoser
	hal.HourMeter
}

type asked struct {
	what string
	at   time.Time
}

func (p *talker) note(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, asked{what, time.Now()})
	if err := p.deny.Load(); err != nil && what != "read" && what != "on" && what != "off" {
		return *err
	}
	return nil
}

func (p *talker) take() []asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

func (p *talker) Power(ctx context.Context) (hal.Power, error) {
	_ = p.note("read")
	return p.all.Power(ctx)
}

func (p *talker) SetPower(ctx context.Context, on bool) error {
	_ = p.note(map[bool]string{true: "on", false: "off"}[on])
	return p.all.SetPower(ctx, on)
}

func (p *talker) Brightness(ctx context.Context) (int, error) {
	if err := p.note("brightness"); err != nil {
		return 0, err
	}
	return p.all.Brightness(ctx)
}

func (p *talker) SetBrightness(ctx context.Context, percent int) error {
	if err := p.note("set brightness"); err != nil {
		return err
	}
	return p.all.SetBrightness(ctx, percent)
}

func (p *talker) Temperature(ctx context.Context) (physic.Temperature, error) {
	if err := p.note("temperature"); err != nil {
		return 0, err
	}
	if p.odd.CompareAndSwap(true, false) {
		return physic.ZeroCelsius + 90*physic.Celsius, nil
	}
	return p.all.Temperature(ctx)
}

func (p *talker) Signal(ctx context.Context) (bool, error) {
	if err := p.note("signal"); err != nil {
		return false, err
	}
	if p.odds.CompareAndSwap(true, false) {
		return false, nil
	}
	return p.all.Signal(ctx)
}

func (p *talker) Diagnose(ctx context.Context) ([]string, error) {
	if err := p.note("diagnose"); err != nil {
		return nil, err
	}
	return p.all.Diagnose(ctx)
}

func (p *talker) Hours(ctx context.Context) (int, error) {
	if err := p.note("hours"); err != nil {
		return 0, err
	}
	return p.all.Hours(ctx)
}

// talk runs a scene with a talker, from a time of day on.
func talk(t *testing.T, clock string, scene func(s *stage, p *talker)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, clock))
		p := &talker{all: s.rig.Panel().(all)}
		s.panelOf = func() hal.Panel { return p }
		s.config = func(c *control.Config) { c.Brightness = []control.Level{{From: 0, Percent: 60}} }
		s.begin()
		scene(s, p)
		s.end()
		s.close()
	})
}

func isPower(a asked) bool { return slices.Contains([]string{"read", "on", "off"}, a.what) }

// TestQuestionsWait: none in the lead before a window, none while the panel is off or on its way, and no two without a reading
// of the power between them.
func TestQuestionsWait(t *testing.T) {
	talk(t, "06:50:00", func(s *stage, p *talker) {
		time.Sleep(10 * time.Minute) // it is on from 06:58:30, before the window begins
		if got := p.take(); slices.ContainsFunc(got, func(a asked) bool { return !isPower(a) }) || !slices.ContainsFunc(got, func(a asked) bool { return a.what == "on" }) {
			s.t.Errorf("in the lead it was asked %v", got)
		}
		time.Sleep(time.Hour)
		count := map[string]int{}
		beside := 0
		for _, a := range p.take() {
			count[a.what]++
			if beside++; isPower(a) {
				beside = 0
			}
			if beside > 1 {
				s.t.Errorf("asked for %s without a reading of the power before", a.what)
			}
		}
		for what, want := range map[string][2]int{
			"read": {650, 730}, "temperature": {55, 60}, "signal": {110, 120}, "brightness": {55, 62}, "set brightness": {1, 1}, "diagnose": {11, 13}, "hours": {3, 5},
		} {
			if got := count[what]; got < want[0] || got > want[1] {
				s.t.Errorf("in an hour %s was asked %d times, want %d to %d", what, got, want[0], want[1])
			}
		}
		s.rig.SetPanelFault(sim.Disobeys, true)
		s.rig.LosePower()
		time.Sleep(6 * time.Second)
		p.take()
		time.Sleep(10 * time.Minute)
		if got := p.take(); slices.ContainsFunc(got, func(a asked) bool { return !isPower(a) }) {
			s.t.Errorf("a panel that is not as wanted was asked %v", got)
		}
	})
}

// TestWhatIsDeniedIsLeftAlone for a long time, and the power is read as before.
func TestWhatIsDeniedIsLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		err        error
		most       int // questions in two hours
		reads      int
		disobeying bool
	}{
		{hal.ErrUnsupported, 8, 1300, true},
		{hal.ErrRefused, 25, 1300, true},
	} {
		t.Run(tt.err.Error(), func(t *testing.T) {
			talk(t, "07:30:00", func(s *stage, p *talker) {
				p.deny.Store(&tt.err)
				time.Sleep(2 * time.Hour)
				got := p.take()
				reads := len(slices.Collect(func(yield func(asked) bool) {
					for _, a := range got {
						if isPower(a) && !yield(a) {
							return
						}
					}
				}))
				if beside := len(got) - reads; beside > tt.most || beside == 0 || reads < tt.reads {
					s.t.Errorf("%d questions and %d readings of the power", beside, reads)
				}
				st := s.control.State()
				if disobeys := slices.Contains(st.Alarms, "brightness-disobeyed"); disobeys != tt.disobeying || len(st.Alarms) > 1 {
					s.t.Errorf("alarms are %v", st.Alarms)
				}
				if st.Panel.CelsiusX10 != nil || st.Panel.Brightness != nil || st.Airtime.DeliveredS < 7150 {
					s.t.Errorf("the state is %+v, %+v", st.Panel, st.Airtime)
				}
			})
		})
	}
}

// TestAQuestionMakesWay: a new wish for the power ends one that is under way.
func TestAQuestionMakesWay(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		time.Sleep(5 * time.Minute)
		for { // wait for the moment of a question
			p.take()
			time.Sleep(10 * time.Millisecond)
			got := p.take()
			if len(got) == 0 || isPower(got[len(got)-1]) {
				continue
			}
			asked := time.Now()
			if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
				s.t.Fatal(err)
			}
			synctest.Wait()
			if got := p.take(); len(got) != 1 || got[0].what != "off" || got[0].at.Sub(asked) > 0 {
				s.t.Errorf("while it was asked for something, it was told to go off: %v", got)
			}
			return
		}
	})
}

// TestQuestionsOfASilentPanel do not make its power old: what is asked beside fails, and it stays on air.
func TestQuestionsOfASilentPanel(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		err := hal.ErrSilent
		p.deny.Store(&err)
		time.Sleep(time.Hour)
		st := s.control.State()
		if st.Airtime.DeliveredS < 3580 || len(st.Alarms) > 0 {
			s.t.Errorf("%+v, alarms %s", st.Airtime, strings.Join(st.Alarms, ", "))
		}
		if got := len(p.take()); got > 1100 {
			s.t.Errorf("%d exchanges in an hour", got)
		}
	})
}

// TestOneOddAnswer puts nothing out, neither the first after the panel came on nor a later one.
func TestOneOddAnswer(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		for range 10 {
			p.odd.Store(true)
			p.odds.Store(true)
			time.Sleep(3 * time.Minute)
			if p.odd.Load() || p.odds.Load() {
				s.t.Fatal("it was not asked")
			}
			s.rig.LosePower()
			time.Sleep(time.Minute)
		}
		if st := s.control.State(); st.Want.Rule != "schedule" || s.lost()[journal.CauseNoSignal] > 0 || st.Panel.CelsiusX10 == nil || *st.Panel.CelsiusX10 != 300 {
			s.t.Errorf("%+v, %+v, %+v", st.Want, st.Panel, st.Airtime)
		}
		s.wantIncidents()
	})
}

// A ventilator is a sensor of one fan, whose revolutions a minute stand in it.
type ventilator struct{ rpm atomic.Int64 }

func (v *ventilator) Run(ctx context.Context, readings chan<- hal.Reading) error {
	for {
		r := hal.Reading{Sensor: "fan1", Kind: hal.Fan, Quality: hal.QualityGood, RPM: int(v.rpm.Load()), At: time.Now()}
		if r.RPM < 0 {
			r.Quality, r.RPM, r.Reason = hal.QualityUnknown, 0, "gone"
		}
		select {
		case readings <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-time.After(10 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestAFanThatStands is told once it has stood for long; one that nobody can read does not stand.
func TestAFanThatStands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		fan := &ventilator{}
		s.config = func(c *control.Config) { c.Sensors = append(c.Sensors, fan) }
		s.begin()
		time.Sleep(9 * time.Minute)
		fan.rpm.Store(1200)
		time.Sleep(9 * time.Minute)
		s.wantIncidents()
		fan.rpm.Store(0)
		time.Sleep(11 * time.Minute)
		s.wantIncidents("fan-stopped")
		fan.rpm.Store(-1)
		time.Sleep(11 * time.Minute)
		s.wantIncidents("fan-stopped", "fan-stopped over", "sensor-faulty-fan1")
		s.end()
		s.close()
	})
}
