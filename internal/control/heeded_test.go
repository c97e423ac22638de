package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
	"bangtin/media"
)

// A feeler is a sensor that says what it was given last, every second; nothing while that has no name.
type feeler struct {
	mu sync.Mutex
	r  hal.Reading
}

func (f *feeler) say(r hal.Reading) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.r = r
}

func (f *feeler) Run(ctx context.Context, readings chan<- hal.Reading) error {
	for {
		f.mu.Lock()
		r := f.r
		f.mu.Unlock()
		if r.At.IsZero() {
			r.At = time.Now()
		}
		if r.Sensor != "" {
			select {
			case readings <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// felt runs a scene with a feeler beside the rig's sensors, eight in the morning.
func felt(t *testing.T, config func(*control.Config), scene func(*stage, *feeler)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		f := &feeler{}
		s.config = func(c *control.Config) {
			c.Sensors = append(c.Sensors, f)
			if config != nil {
				config(c)
			}
		}
		s.begin()
		scene(s, f)
		s.end()
		s.close()
	})
}

func warm(sensor string, c int64) hal.Reading {
	return hal.Reading{Sensor: sensor, Kind: hal.Temperature, Quality: hal.QualityGood, Temperature: physic.ZeroCelsius + physic.Temperature(c)*physic.Celsius}
}

// TestAHotProcessorIsNoFire: it is told and nothing else. The sensors that protect do.
func TestAHotProcessorIsNoFire(t *testing.T) {
	felt(t, func(c *control.Config) { c.Safety.Sensors = []string{"back"} }, func(s *stage, f *feeler) {
		f.say(warm("board", 90))
		time.Sleep(time.Minute)
		st := s.control.State()
		if st.Want.Rule != "schedule" || len(st.Alarms) > 0 {
			s.t.Errorf("a processor at 90 °C: %+v, alarms %v", st.Want, st.Alarms)
		}
		told := false
		for _, r := range st.Temperatures {
			told = told || r.Sensor == "board" && r.Celsius != nil && *r.Celsius == 90
		}
		if !told {
			s.t.Errorf("it is not told: %v", st.Temperatures)
		}
		f.say(warm("back", 80))
		time.Sleep(3 * time.Second)
		if st := s.control.State(); st.Want.Panel != "off" || s.orders.Fire() == "" {
			s.t.Errorf("at 80 °C: %+v", st.Want)
		}
	})
}

// watts is what a meter measured at a moment.
func watts(w float64, at time.Time) hal.Reading {
	return hal.Reading{Sensor: "meter", Kind: hal.Meter, Quality: hal.QualityGood, Watts: physic.Power(w * float64(physic.Watt)), At: at}
}

// metered is felt without the rig's own meter.
func metered(t *testing.T, m control.Meter, scene func(*stage, *feeler)) {
	t.Helper()
	felt(t, func(c *control.Config) { c.Meter = m }, func(s *stage, f *feeler) {
		s.rig.SetSensorFault(sim.MeterSensor, sim.SensorQuiet)
		scene(s, f)
	})
}

// TestADarkPanelSinceTheLastPulse: what decays after the last pulse proves no light.
func TestADarkPanelSinceTheLastPulse(t *testing.T) {
	metered(t, control.Meter{Lit: 60 * physic.Watt, Dark: 5 * physic.Watt}, func(s *stage, f *feeler) {
		f.say(watts(120, time.Time{}))
		time.Sleep(30 * time.Minute)
		last := time.Now()
		for minute := 1.0; minute < 13; minute++ {
			f.say(watts(60/minute, last))
			time.Sleep(time.Minute)
		}
		f.say(watts(4, last))
		time.Sleep(2 * time.Minute)
		if got := s.lost()[journal.CauseContradicted]; got < 830 || got > 850 {
			s.t.Errorf("%d s are lost of 14 dark minutes", got)
		}
	})
}

// TestAMeterThatNeverSpoke proves nothing: its cable may be cut.
func TestAMeterThatNeverSpoke(t *testing.T) {
	metered(t, control.Meter{}, func(s *stage, f *feeler) {
		f.say(watts(0, time.Time{}))
		time.Sleep(3 * time.Hour)
		if got := s.lost()[journal.CauseContradicted]; got != 0 {
			s.t.Errorf("%d s are lost", got)
		}
	})
}

// TestABlindPanelThatLosesTheMains: what its meter had verified stays.
func TestABlindPanelThatLosesTheMains(t *testing.T) {
	metered(t, control.Meter{Lit: 60 * physic.Watt, Dark: 5 * physic.Watt}, func(s *stage, f *feeler) {
		s.rig.SetPanelFault(sim.Blind, true)
		f.say(watts(120, time.Time{}))
		time.Sleep(time.Hour)
		f.say(watts(0, time.Time{}))
		s.rig.SetMains(false)
		time.Sleep(10 * time.Minute)
		if a := s.control.State().Airtime; a.DeliveredS < 3580 || a.DeliveredS > 3605 {
			s.t.Errorf("after an hour: %+v", a)
		}
	})
}

// TestASmokeDetectorThatNeverSpoke: it is missed from the start, and a person clears a fire in spite of it only by saying so.
func TestASmokeDetectorThatNeverSpoke(t *testing.T) {
	expect := func(c *control.Config) {
		c.Sensors = c.Sensors[1:] // without the rig's
		c.Expect = []hal.Reading{{Sensor: "smoke", Kind: hal.Smoke}, {Sensor: "cabinet", Kind: hal.Temperature}, {Sensor: "meter", Kind: hal.Meter}}
	}
	felt(t, expect, func(s *stage, f *feeler) {
		f.say(warm("cabinet", 80))
		time.Sleep(2 * time.Minute)
		f.say(warm("cabinet", 30))
		time.Sleep(2 * time.Second)
		if err := s.control.ClearFire(s.t.Context(), "thử", "root"); err == nil || !strings.Contains(err.Error(), "nothing heard yet") {
			s.t.Errorf("cleared without a word of the smoke detector: %v", err)
		}
		s.wantIncidents("fire", "panel-hot", "sensor-faulty-smoke", "panel-hot over")
		f.say(warm("cabinet", 80))
		time.Sleep(2 * time.Second)
		if err := s.control.ClearFireDespiteSilentSmoke(s.t.Context(), "thử", "root"); err == nil {
			s.t.Error("cleared in the heat")
		}
		f.say(warm("cabinet", 30))
		time.Sleep(2 * time.Second)
		if err := s.control.ClearFireDespiteSilentSmoke(s.t.Context(), "thử", "root"); err != nil {
			s.t.Error(err)
		}
		if got := s.bodies(journal.KindOrder); len(got) != 1 || !strings.Contains(got[0], "though a smoke detector is silent: thử") {
			s.t.Errorf("on record is %q", got)
		}
	})
}

// bodies lists those of a kind.
func (s *stage) bodies(kind journal.Kind) []string {
	s.t.Helper()
	all, err := s.journal.Pending(s.t.Context(), 10000)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, r := range all {
		if r.Kind == kind {
			out = append(out, string(r.Body))
		}
	}
	return out
}

// TestAKeyInADeadClock: it is still turned after a power cut that took the time.
func TestAKeyInADeadClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.config = func(c *control.Config) { c.Key = control.Key{State: wire.WishOff, For: 2 * time.Hour} }
		s.begin()
		time.Sleep(time.Minute)
		s.rig.TurnKey(true)
		time.Sleep(time.Minute)
		s.end()
		s.close()
		s.unsynced.Store(true)
		s.set(s.built)
		s.begin()
		time.Sleep(time.Hour)
		if st := s.control.State(); st.Time.Trust != "untrusted" || st.Want.Rule != "local" || st.Want.Panel != "off" {
			t.Errorf("the key is turned, and it wants %+v, %+v", st.Want, st.Time)
		}
		time.Sleep(2 * time.Hour)
		if st := s.control.State(); st.Want.Rule == "local" {
			t.Errorf("for ever: %+v", st.Want)
		}
		s.end()
		s.close()
	})
}

// TestFaultsOfAPanelThatIsOff are forgotten.
func TestFaultsOfAPanelThatIsOff(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		s.rig.SetFaults("lamp")
		time.Sleep(6 * time.Minute)
		if err := s.orders.Local(s.t.Context(), wire.WishOff, time.Hour, "thử", "root"); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		s.wantIncidents("panel-fault", "panel-fault over")
	})
}

// TestOneRefusedQuestion does not make the brightness unknown for good.
func TestOneRefusedQuestion(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		time.Sleep(5 * time.Minute)
		err := hal.ErrRefused
		p.deny.Store(&err)
		time.Sleep(2 * time.Minute)
		p.deny.Store(nil)
		time.Sleep(15 * time.Minute)
		if st := s.control.State(); st.Panel.Brightness == nil || *st.Panel.Brightness != 60 {
			s.t.Errorf("the panel tells %+v", st.Panel)
		}
	})
}

// TestABlindPanelWhoseMainsBlip is told again at once.
func TestABlindPanelWhoseMainsBlip(t *testing.T) {
	play(t, func(s *stage) {
		s.rig.SetPanelFault(sim.Blind, true)
		time.Sleep(20 * time.Second)
		s.panel.take()
		s.rig.SetMains(false)
		time.Sleep(2 * time.Second)
		s.rig.SetMains(true)
		time.Sleep(5 * time.Second)
		if got := s.panel.take(); !slices.Contains(got, "on") {
			s.t.Errorf("it was asked to %v", got)
		}
	})
}

// TestAPictureThatReturns is seen within a few seconds, and a player that is down is the cause of a missing one.
func TestAPictureThatReturns(t *testing.T) {
	now := time.Now()
	seen := control.Seen{
		Trust: journal.Synchronised,
		Panel: control.PanelSeen{Power: hal.PowerOn, ReadAt: now}, Light: control.Evidence{Finding: control.SignalLost},
		Player: media.Playing{State: media.PlayerDown, At: now},
	}
	if got := control.Classify(now, control.Want{PanelOn: true, Rule: control.RuleSchedule}, true, seen); got.Cause != journal.CausePlayerDown {
		t.Errorf("the cause is %s", got.Cause)
	}
	measured(t, func(s *stage) {
		time.Sleep(10 * time.Minute)
		s.rig.SetPicture(false)
		time.Sleep(70 * time.Second)
		before := s.lost()[journal.CauseNoSignal]
		s.rig.SetPicture(true)
		time.Sleep(time.Minute)
		if got := s.lost()[journal.CauseNoSignal] - before; got > 11 {
			s.t.Errorf("%d s are lost after it came back", got)
		}
	})
}

// TestADoorThatRattles is told once and once more, not twelve hundred times.
func TestADoorThatRattles(t *testing.T) {
	play(t, func(s *stage) {
		for range 600 {
			s.rig.SetDoor(true)
			time.Sleep(time.Second)
			s.rig.SetDoor(false)
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		s.wantIncidents("door-open", "door-open over", "door-open", "door-open over")
		all := s.bodies(journal.KindIncident)
		if last := all[len(all)-1]; !strings.Contains(last, `"count":599`) {
			s.t.Errorf("the last is %s", last)
		}
	})
}

// TestLitHasABand: what a panel draws around the figure of the site file makes no segment each minute.
func TestLitHasABand(t *testing.T) {
	metered(t, control.Meter{Lit: 60 * physic.Watt, Dark: 5 * physic.Watt}, func(s *stage, f *feeler) {
		s.rig.SetPanelFault(sim.Blind, true)
		for n := range 60 {
			f.say(watts(float64(66-n%2*11), time.Time{}))
			time.Sleep(20 * time.Second)
		}
		if a := s.control.State().Airtime; a.UnverifiedS > 20 {
			s.t.Errorf("%+v", a)
		}
	})
}

// TestASignalThatIsNotBelieved: of a detector that never saw a picture, and where the site file says that it lies.
func TestASignalThatIsNotBelieved(t *testing.T) {
	for _, lies := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "journal.db")
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t, path, at(t, "08:00:00"))
			s.panelOf = func() hal.Panel { return s.rig.Panel() }
			s.config = func(c *control.Config) { c.SignalLies = lies }
			s.rig.SetPicture(lies)
			s.begin()
			time.Sleep(5 * time.Minute)
			s.rig.SetPicture(false)
			time.Sleep(30 * time.Minute)
			if got := s.lost()[journal.CauseNoSignal]; got > 0 {
				t.Errorf("lies %t: %d s are lost", lies, got)
			}
			s.end()
			s.close()
		})
	}
}

// TestAKeyTurnedWhileTheDiskHangs is not overwritten by what was said at the console before.
func TestAKeyTurnedWhileTheDiskHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "08:00:00"))
		s.config = func(c *control.Config) { c.Key = control.Key{State: wire.WishOff, For: 2 * time.Hour} }
		s.begin()
		time.Sleep(time.Minute)
		hang := make(chan struct{})
		s.disk.hung.Store(&hang)
		said := make(chan error, 1)
		go func() { said <- s.orders.Local(t.Context(), wire.WishOn, time.Hour, "thử", "root") }()
		time.Sleep(2 * time.Second)
		s.rig.TurnKey(true)
		for s.control.State().Want.Panel != "off" { // a wait for a mutex keeps the bubble's time from passing
			runtime.Gosched()
		}
		s.disk.hung.Store(nil)
		close(hang)
		if err := <-said; err != nil && !errors.Is(err, control.ErrUnsaved) {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if st := s.control.State(); st.Want.Panel != "off" || st.Want.Rule != "local" {
			t.Errorf("it wants %+v", st.Want)
		}
		s.end()
		s.close()
	})
}

// TestAPanelThatWasBlindOnce is read again within the hour.
func TestAPanelThatWasBlindOnce(t *testing.T) {
	play(t, func(s *stage) {
		s.rig.SetPanelFault(sim.Blind, true)
		time.Sleep(time.Minute)
		s.rig.SetPanelFault(sim.Blind, false)
		time.Sleep(61 * time.Minute)
		if st := s.control.State(); st.Panel.Power != "on" {
			s.t.Errorf("it reads %+v", st.Panel)
		}
	})
}

// TestASensorThatDiesHot says why the panel stays dim.
func TestASensorThatDiesHot(t *testing.T) {
	felt(t, nil, func(s *stage, f *feeler) {
		f.say(warm("back", 70))
		time.Sleep(time.Minute)
		f.say(hal.Reading{Sensor: "back", Kind: hal.Temperature, Reason: "gone"})
		time.Sleep(2 * time.Minute)
		s.wantIncidents("panel-hot", "sensor-faulty-back")
		if all := s.bodies(journal.KindIncident); !strings.Contains(all[1], "stays dimmed") {
			s.t.Errorf("it says %s", all[1])
		}
	})
}

// TestWhatCannotNoticeOrEndAFire is of the class of fires: a silent smoke detector, and a relay that cannot be built.
func TestWhatCannotNoticeOrEndAFire(t *testing.T) {
	expect := func(c *control.Config) {
		c.Sensors = c.Sensors[1:] // without the rig's
		c.Expect = []hal.Reading{{Sensor: "smoke", Kind: hal.Smoke}, {Sensor: "meter", Kind: hal.Meter}, {Sensor: "door", Kind: hal.Door}}
		c.Lacking = func() map[string]string {
			return map[string]string{"relay-failed": "no chip", "hardware-unusable": "no chip"}
		}
	}
	felt(t, expect, func(s *stage, _ *feeler) {
		time.Sleep(2 * time.Minute)
		classes := map[string]journal.IncidentClass{}
		for _, body := range s.bodies(journal.KindIncident) {
			var inc journal.Incident
			if err := json.Unmarshal([]byte(body), &inc); err != nil {
				s.t.Fatal(err)
			}
			classes[inc.Code] = inc.Class
		}
		for code, want := range map[string]journal.IncidentClass{
			"relay-failed": journal.Fire, "sensor-faulty-smoke": journal.Fire, "sensor-faulty-door": journal.Technical, "hardware-unusable": journal.Technical,
		} {
			if classes[code] != want {
				s.t.Errorf("%s is of class %q, want %q", code, classes[code], want)
			}
		}
	})
}
