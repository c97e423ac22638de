package main_test

import (
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// TestTheCentreTellsTheTime: a display that starts in 1970 or in 2099, with no more than the build time of its program
// to go by, connects over mutual TLS, is told the time and dates what it did before.
func TestTheCentreTellsTheTime(t *testing.T) {
	for _, wall := range []string{"1970-01-01T00:00:10Z|1", "2099-01-01T00:00:00Z|1"} {
		t.Run(wall[:4], func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.start("BANGTIN_TEST_WALL=" + wall)
			state := s.until("signed time", func(st *wire.State) bool { return st.Time.Trust == string(journal.Signed) })
			if off := time.Since(state.At).Abs(); off > 10*time.Second {
				t.Errorf("it is %s by the display, %s off", state.At, off)
			}
			s.until("on air in the right seconds", func(st *wire.State) bool { return playing(10)(st) && st.Airtime.DeliveredS > 3 })
			r.stop()
			records := s.verified()
			clocks := bodies[journal.Clock](t, records, journal.KindClock)
			if len(clocks) != 1 || clocks[0].Trust != journal.Signed {
				t.Fatalf("clock records: %+v", clocks)
			}
			for _, rec := range records {
				if when, trust := journal.Dated(rec.Stamp, clocks); trust != journal.Signed || time.Since(when) > 2*time.Minute {
					t.Errorf("record %d, %s, is dated %s %s", rec.Seq, rec.Kind, when, trust)
				}
			}
			owed := journal.Tally(bodies[journal.Segment](t, records, journal.KindSegment), 0, 1<<40).Owed()
			if owed > 120 {
				t.Errorf("%d s are owed by a display that has just been made", owed)
			}
		})
	}
}
