package main_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/pki"
	"bangtin/internal/wire"
)

// TestWithoutTrustDocument: nobody can be obeyed, nothing can be shown, and the display says so instead of dying.
func TestWithoutTrustDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	w.write([]byte("{}"), "data", "trust.json")
	r := w.start()
	s := w.until("lit with the slate and no content", func(s *wire.State) bool {
		return s.Panel.Power == "on" && s.Player.State == "slate" && len(s.Airtime.Lost) > 0 && s.Airtime.Lost[len(s.Airtime.Lost)-1].Cause == "no-content"
	})
	if s.Airtime.DeliveredS != 0 {
		t.Errorf("counts %d s as delivered", s.Airtime.DeliveredS)
	}
	for end := time.Now().Add(30 * time.Second); len(w.refusals()) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the playlist was not refused")
		}
	}
	r.stop()
}

// TestOnAirWithADiskThatCannotBeWritten: the usual end of an eMMC is that it is read-only at the next boot. The
// content is there, the journal is copied to memory, and the display is on air and says what is wrong.
func TestOnAirWithADiskThatCannotBeWritten(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a folder read-only needs root")
	}
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	first := w.start()
	w.until("on air", playing(10))
	first.stop()
	if err := unix.Mount(w.path("data"), w.path("data"), "", unix.MS_BIND, ""); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	defer func() {
		if err := unix.Unmount(w.path("data"), unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Mount("", w.path("data"), "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	second := w.start()
	s := w.until("on air from a disk that is read-only", func(s *wire.State) bool {
		return playing(10)(s) && slices.Contains(s.Alarms, "journal-in-memory")
	})
	if s.Airtime.DeliveredS == 0 {
		w.until("counted as delivered", func(s *wire.State) bool { return s.Airtime.DeliveredS > 0 })
	}
	second.stop()
}

// TestADamagedJournalKeyIsReplaced: a torn file of no bytes must not keep the display dark.
func TestADamagedJournalKeyIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	first := w.start()
	w.until("on air", playing(10))
	first.stop()
	w.write(nil, "data", "keys", "journal.key")
	second := w.start()
	w.until("on air with another key", playing(10))
	second.stop()
	w.verified()
}

// TestADamagedTrustDocumentTakesNothingOffTheScreen: the display goes by the newest one it knew.
func TestADamagedTrustDocumentTakesNothingOffTheScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	first := w.start()
	w.until("on air", playing(10))
	first.stop()
	w.write([]byte("{torn"), "data", "trust.json")
	second := w.start()
	w.until("on air, and saying what is wrong", func(s *wire.State) bool {
		return playing(10)(s) && slices.Contains(s.Alarms, "trust-unusable")
	})
	second.stop()
}

// TestAnEnrolmentThatWasStopped: Ctrl-Z leaves a process that holds the lock and does nothing.
func TestAnEnrolmentThatWasStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	unlock, err := pki.Lock(w.path("data", "enrol.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	r := w.start()
	w.until("on air, and saying what is wrong", func(s *wire.State) bool {
		return playing(10)(s) && slices.Contains(s.Alarms, "enrolment-unfinished")
	})
	r.stop()
}
