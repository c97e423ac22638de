package control_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// records reads the whole journal and checks what holds whatever the clock said: no record below the floor that the
// program was built with, and within a run monotonic time that never goes back.
func (s *stage) records() []journal.Record {
	s.t.Helper()
	records, err := s.journal.Pending(s.t.Context(), 1<<20)
	if err != nil {
		s.t.Fatal(err)
	}
	mono := map[string]time.Duration{}
	for _, r := range records {
		if r.Stamp.Wall.Before(s.built) {
			s.t.Fatalf("record %d is below the floor: %+v", r.Seq, r.Stamp)
		}
		if r.Stamp.Mono < mono[r.Stamp.Boot] {
			s.t.Fatalf("record %d is before the one before it: %+v", r.Seq, r.Stamp)
		}
		mono[r.Stamp.Boot] = r.Stamp.Mono
		if r.Kind != journal.KindSegment {
			continue
		}
		if seg := body[journal.Segment](s.t, r); seg.From < s.built.Unix() || seg.To <= seg.From {
			s.t.Fatalf("segment %+v", seg)
		}
	}
	return records
}

func body[T any](t *testing.T, r journal.Record) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// tally is what the journal and the open segment say of [from, to).
func (s *stage) tally(from, to time.Time) journal.Totals {
	s.t.Helper()
	segments, err := s.journal.Segments(s.t.Context(), 0, 1<<40)
	if err != nil {
		s.t.Fatal(err)
	}
	last, _, err := s.journal.LastHeartbeat(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	open := last.Open
	open.To = last.At
	return journal.Tally(append(segments, open), from.Unix(), to.Unix())
}

// alarmed reports whether the display tells of code now.
func (s *stage) alarmed(code string) bool { return slices.Contains(s.control.State().Alarms, code) }

// yesterday has the display run with the right time from 13:00 to 17:00 of the day before at(t, …), and the power
// fail in the middle of the afternoon's window. Its clock then shows wrong.
func yesterday(s *stage, wrong time.Time) {
	s.begin()
	time.Sleep(4 * time.Hour)
	s.end()
	s.close()
	time.Sleep(14*time.Hour + 30*time.Minute) // 07:30
	s.unsynced.Store(true)
	s.set(wrong)
	s.begin()
}

// TestABatteryThatDied: the power fails at 17:00, and is there again at 07:30 with a clock in 1970 or 2099. At 10:00 the
// centre says what time it is.
func TestABatteryThatDied(t *testing.T) {
	for name, wrong := range map[string]time.Time{
		"1970": time.Unix(10, 0), "2099": time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, path, at(t, "13:00:00").AddDate(0, 0, -1))
				yesterday(s, wrong)
				time.Sleep(10 * time.Minute)
				s.decidesWithoutTime()
				time.Sleep(2*time.Hour + 20*time.Minute)
				if err := s.confirm(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if st := s.control.State(); st.Time.Trust != "signed" || st.Want.Rule != "schedule" || s.alarmed("clock-untrusted") || st.At.Sub(s.now()).Abs() > 2*time.Second {
					t.Errorf("with signed time: %+v", st)
				}
				s.end()
				s.backdated()
				s.close()
			})
		})
	}
}

// decidesWithoutTime checks what a display does that does not know the time.
func (s *stage) decidesWithoutTime() {
	s.t.Helper()
	st := s.control.State()
	if st.Time.Trust != "untrusted" || st.Want.Rule != "no-time" || st.Panel.Power != "on" || !s.alarmed("clock-untrusted") {
		s.t.Errorf("without time: %+v", st)
	}
	if guess := st.At.Sub(at(s.t, "17:10:00").AddDate(0, 0, -1)).Abs(); guess > 2*time.Minute {
		s.t.Errorf("time goes on at %s, not where the last run stopped", st.At)
	}
	if sure := s.clock.Sure(); sure.After(s.now()) || sure.Before(s.built) {
		s.t.Errorf("certificates are judged at %s", sure)
	}
	by := control.Signature{People: []string{"truc.ban"}, Digest: "x"}
	order := func(version, until time.Time) error {
		return s.orders.Power(s.t.Context(), wire.PowerOrder{
			Device: "tinh-bien-01", Version: uint64(version.UnixMilli()), State: wire.WishOff, Until: &until, Reason: "thử",
		}, by)
	}
	for _, err := range []error{
		order(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), s.now().Add(time.Hour)), // would lock out every later one
		order(s.now(), s.now().AddDate(3, 0, 0)),
	} {
		if no, ok := errors.AsType[*control.Refusal](err); !ok || no.Reason != "too-far" {
			s.t.Errorf("an order far in the future: %v", err)
		}
	}
	if err := order(s.now().AddDate(0, 0, -3), s.now().AddDate(0, 0, -2)); err != nil { // taken, and over by any guess
		s.t.Errorf("an order that is over: %v", err)
	}
	time.Sleep(time.Minute)
	if st := s.control.State(); st.Panel.Power != "on" {
		s.t.Errorf("an order that is over switched the display off: %+v", st.Want)
	}
}

// backdated checks that what was lived without the time is booked where it happened.
func (s *stage) backdated() {
	s.t.Helper()
	before := s.tally(at(s.t, "00:00:00").AddDate(0, 0, -1), at(s.t, "00:00:00"))
	if down := before.Lost[journal.CauseControllerDown]; before.Owed() != 4*3600 || down < 3599 || down > 3602 {
		s.t.Errorf("yesterday from 14:00: %+v", before) // nobody owes the time before the first run
	}
	today := s.tally(at(s.t, "07:00:00"), at(s.t, "11:00:00"))
	if down := today.Lost[journal.CauseControllerDown]; today.Owed() != 4*3600 || down < 1799 || down > 1802 || today.OnAir < 4*3600-1802-30 || today.Lost[journal.CauseClockUntrusted] != 0 {
		s.t.Errorf("today: %+v", today)
	}
	var clocks []journal.Clock
	records := s.records()
	for _, r := range records {
		if r.Kind == journal.KindClock {
			clocks = append(clocks, body[journal.Clock](s.t, r))
		}
	}
	if len(clocks) != 1 || clocks[0].Boot != "boot-2" || clocks[0].Trust != journal.Signed || clocks[0].StepS < 14*3600 || clocks[0].StepS > 15*3600 {
		s.t.Fatalf("clock records: %+v", clocks)
	}
	for _, r := range records {
		if r.Kind != journal.KindPlay || r.Stamp.Boot != "boot-2" {
			continue
		}
		when, trust := journal.Dated(r.Stamp, clocks)
		start := body[journal.Play](s.t, r).Start.Add(when.Sub(r.Stamp.Wall))
		if trust != journal.Signed || start.Before(at(s.t, "07:30:00")) || when.After(at(s.t, "11:02:00")) {
			s.t.Errorf("a play at %s, dated %s %s", start, when, trust)
		}
	}
}

// TestAStepBackOfADayOnAir: somebody sets the clock back, or an NTP server that was right until now is not any more.
func TestAStepBackOfADayOnAir(t *testing.T) {
	for name, step := range map[string]struct {
		days     int
		unsynced bool
		disagree bool
	}{
		"back, by hand": {-1, true, false}, "back, by NTP": {-1, false, true}, "forward, by hand": {1, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, path, at(t, "06:00:00"))
				s.begin()
				time.Sleep(2 * time.Hour) // 08:00, an hour on air
				s.unsynced.Store(step.unsynced)
				s.set(s.now().AddDate(0, 0, step.days))
				time.Sleep(time.Hour)
				if st := s.control.State(); st.Time.Trust != "floored" || st.Want.Rule != "schedule" || st.At.Sub(s.now()).Abs() > 2*time.Second || s.alarmed("clock-disagrees") != step.disagree {
					t.Errorf("an hour after the step: %+v", st)
				}
				s.set(s.now())
				s.unsynced.Store(false)
				time.Sleep(2*time.Hour + time.Minute)
				s.end()
				got := s.tally(at(t, "07:00:00"), at(t, "11:00:00"))
				if got.Owed() != 4*3600 || got.OnAir != 4*3600 {
					t.Errorf("the morning: %+v", got)
				}
				for _, r := range s.records() {
					if r.Stamp.Wall.Before(at(t, "06:00:00")) || r.Stamp.Wall.After(at(t, "11:02:00")) {
						t.Errorf("a record of %s", r.Stamp.Wall)
					}
				}
				s.close()
			})
		})
	}
}

// TestAStepThatIsConfirmed: an NTP server is wrong by three hours, for long, until the centre is asked.
func TestAStepThatIsConfirmed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "04:00:00"))
		s.set(at(t, "07:00:00"))
		s.begin()
		time.Sleep(4 * time.Hour) // 08:00, which it takes for 11:00
		if err := s.confirm(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Hour + time.Minute)
		if st := s.control.State(); st.Time.Trust != "signed" || !s.alarmed("clock-disagrees") {
			t.Errorf("NTP is not contradicted: %+v", st)
		}
		s.end()
		got := s.tally(at(t, "07:00:00"), at(t, "11:00:00"))
		if got.Owed() != 4*3600 || got.OnAir < 3*3600-60 {
			t.Errorf("the morning: %+v", got)
		}
		s.records()
		s.close()
	})
}

// TestAWeekWithoutTime: the clock's battery is dead and there is no network for a week. In the middle the power fails
// for days: of the run before that nobody can tell any more which seconds it was.
func TestAWeekWithoutTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	monday := at(t, "00:00:00")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, monday.Add(13*time.Hour).AddDate(0, 0, -1))
		yesterday(s, time.Unix(10, 0)) // Monday 07:30
		time.Sleep(12 * time.Hour)     // 19:30
		s.end()
		s.close()
		time.Sleep(5*24*time.Hour + 18*time.Hour + 30*time.Minute)
		s.set(time.Unix(10, 0))
		s.begin()                 // Sunday 14:00
		time.Sleep(2 * time.Hour) // 16:00
		s.rig.LosePower()
		time.Sleep(17*time.Hour + 30*time.Minute)
		if st := s.control.State(); st.Want.Rule != "no-time" || st.Panel.Power != "on" {
			t.Errorf("a week without time: %+v", st)
		}
		s.unsynced.Store(false) // Monday 09:30
		s.set(s.now())
		time.Sleep(time.Hour)
		if st := s.control.State(); st.Time.Trust != "synchronised" || st.Want.Rule != "schedule" {
			t.Errorf("with NTP: %+v", st)
		}
		s.end()
		for d := range 8 {
			day := monday.AddDate(0, 0, d)
			got := s.tally(day, day.AddDate(0, 0, 1))
			t.Logf("%s: %+v", day.Format("Mon"), got)
			want := int64(8 * 3600)
			if d == 7 {
				want = 3*3600 + 1800
			}
			if got.Owed() < want-2 || got.Owed() > want+2 {
				t.Errorf("%s: %d s are booked of %d owed: %+v", day.Format("Mon"), got.Owed(), want, got)
			}
			off := got.Lost[journal.CausePanelOff] + got.Lost[journal.CausePanelStarting]
			if d == 6 { // the morning before the run in which the time came
				want -= 4 * 3600
			}
			if d >= 6 && (got.OnAir < want-60 || got.OnAir+off < want-2) {
				t.Errorf("%s: %+v", day.Format("Mon"), got)
			}
			if d == 6 && off < 5 { // at 16:00, when the clock said something else
				t.Errorf("%s: the panel lost its power, and the books say %+v", day.Format("Mon"), got)
			}
		}
		s.records()
		s.close()
	})
}
