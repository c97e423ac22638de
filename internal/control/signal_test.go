package control_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/internal/journal"
)

// TestALostSignalHolds until the panel sees a picture again, whatever it answers meanwhile, and it is asked all the while.
func TestALostSignalHolds(t *testing.T) {
	for _, err := range []error{hal.ErrRefused, hal.ErrUnsupported, hal.ErrSilent} {
		t.Run(err.Error(), func(t *testing.T) {
			talk(t, "07:30:00", func(s *stage, p *talker) {
				time.Sleep(5 * time.Minute)
				s.rig.SetPicture(false)
				time.Sleep(2 * time.Minute)
				p.deny.Store(&err)
				time.Sleep(2 * time.Hour)
				if got := s.lost()[journal.CauseNoSignal]; got < 7300 {
					t.Errorf("%d s are lost of 2 hours without a picture: %+v", got, s.control.State().Airtime)
				}
				s.rig.SetPicture(true)
				p.deny.Store(nil)
				before := s.lost()[journal.CauseNoSignal]
				time.Sleep(10 * time.Minute)
				if got := s.lost()[journal.CauseNoSignal] - before; got > 40 {
					t.Errorf("its return is noticed after %d s", got)
				}
				incidents := slices.DeleteFunc(s.incidents(), func(code string) bool { return code != "no-signal" && code != "no-signal over" })
				if !slices.Equal(incidents, []string{"no-signal", "no-signal over"}) {
					t.Errorf("incidents are %v", incidents)
				}
			})
		})
	}
}

// TestARefusalAfterANo does not take the no back.
func TestARefusalAfterANo(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		time.Sleep(5 * time.Minute)
		p.odds.Store(true) // the next answer is no
		err := hal.ErrRefused
		for p.odds.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		p.deny.Store(&err)
		time.Sleep(time.Hour)
		if got := s.lost()[journal.CauseNoSignal]; got < 3590 {
			t.Errorf("%d s are lost", got)
		}
	})
}

// TestSporadicSilence while the picture is gone does not make its loss come and go.
func TestSporadicSilence(t *testing.T) {
	talk(t, "07:30:00", func(s *stage, p *talker) {
		time.Sleep(5 * time.Minute)
		s.rig.SetPicture(false)
		time.Sleep(2 * time.Minute)
		err := errors.New("cannot read: " + hal.ErrSilent.Error())
		for range 120 {
			p.deny.Store(&err)
			time.Sleep(40 * time.Second)
			p.deny.Store(nil)
			time.Sleep(20 * time.Second)
		}
		if got := s.lost()[journal.CauseNoSignal]; got < 7300 {
			t.Errorf("%d s are lost of 2 hours without a picture", got)
		}
		if got := s.incidents(); strings.Count(strings.Join(got, " "), "no-signal") != 1 {
			t.Errorf("incidents are %v", got)
		}
	})
}
