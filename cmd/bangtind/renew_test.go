package main_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/pki"
)

// A hand that turns the clock of display and centre.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) turn(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

const day = 24 * time.Hour

func TestRenewal(t *testing.T) {
	w := newWorld(t)
	clock := &hand{at: time.Now()}
	e := w.enroller(clock.now)
	if exit, said := w.bangtind(clock.now, "--code", e.code(), "--centre", e.server.URL); exit != 0 {
		t.Fatal(said)
	}
	first, key := must(w.set()), must(os.ReadFile(w.path("data", "device.key")))
	files := pki.Files{CA: w.path("data", "ca.pem"), Certificate: w.path("data", "device.pem"), Key: w.path("data", "device.key")}
	dialer := pki.Dialer{Files: files, Now: clock.now, Floor: clock.now}
	once, alarms := main.NewRenewal(device, e.server.URL, w.path("data", "enrol.lock"), dialer)
	nowhere, lonely := main.NewRenewal(device, "", w.path("data", "enrol.lock"), dialer)
	unreachable, distant := main.NewRenewal(device, "https://127.0.0.1:1", w.path("data", "enrol.lock"), dialer)

	if renewed, err := once(t.Context()); renewed || err != nil {
		t.Errorf("on the first day: %v %v", renewed, err)
	}
	clock.turn(480 * day)
	if renewed, err := once(t.Context()); renewed || err != nil {
		t.Errorf("with more than a third left: %v %v", renewed, err)
	}
	clock.turn(20 * day)
	if renewed, err := unreachable(t.Context()); renewed || err == nil || len(distant()) != 0 {
		t.Errorf("without a network: %v %v, alarms %v", renewed, err, distant())
	}
	if c := must(w.set()); !c.Equal(first) {
		t.Error("a failure changed the certificate")
	}
	clock.turn(205 * day) // 25 days are left
	if _, err := unreachable(t.Context()); err == nil || distant()["certificate-expiring"] == "" {
		t.Errorf("shortly before the end: %v, alarms %v", err, distant())
	}
	if _, err := nowhere(t.Context()); err == nil || !strings.Contains(err.Error(), "[content] url") || lonely()["certificate-expiring"] == "" {
		t.Errorf("without a centre: %v, alarms %v", err, lonely())
	}
	unlock := must(pki.Lock(w.path("data", "enrol.lock")))
	if renewed, err := once(t.Context()); renewed || !errors.Is(err, pki.ErrLocked) || alarms()["certificate-expiring"] == "" {
		t.Errorf("while somebody enrols: %v %v, alarms %v", renewed, err, alarms())
	}
	unlock()
	if renewed, err := once(t.Context()); !renewed || err != nil || len(alarms()) != 0 {
		t.Errorf("at last: %v %v, alarms %v", renewed, err, alarms())
	}
	second := must(w.set())
	if !second.NotAfter.After(first.NotAfter) || !bytes.Equal(key, must(os.ReadFile(w.path("data", "device.key")))) {
		t.Errorf("renewed until %v, was %v", second.NotAfter, first.NotAfter)
	}
	if renewed, err := once(t.Context()); renewed || err != nil {
		t.Errorf("renewed twice: %v %v", renewed, err)
	}
	if _, err := e.office.RevokeDisplay(device); err != nil {
		t.Fatal(err)
	}
	if _, err := e.office.RenewOwn(); err != nil { // or the display would not believe the centre by then
		t.Fatal(err)
	}
	clock.turn(500 * day)
	if renewed, err := once(t.Context()); renewed || err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("revoked: %v %v", renewed, err)
	}
	if c := must(w.set()); !c.Equal(second) {
		t.Error("a refusal changed the certificate")
	}
}

// TestRenewalWithAWrongClock: a clock that is years ahead, as an NTP server may have told it, finds the certificate due
// and the centre's over; the floor knows better.
func TestRenewalWithAWrongClock(t *testing.T) {
	w := newWorld(t)
	clock := &hand{at: time.Now()}
	e := w.enroller(clock.now)
	if exit, said := w.bangtind(clock.now, "--code", e.code(), "--centre", e.server.URL); exit != 0 {
		t.Fatal(said)
	}
	first := must(w.set())
	clock.turn(10 * day)
	once, _ := main.NewRenewal(device, e.server.URL, w.path("data", "enrol.lock"), pki.Dialer{
		Files: pki.Files{CA: w.path("data", "ca.pem"), Certificate: w.path("data", "device.pem"), Key: w.path("data", "device.key")},
		Now:   func() time.Time { return clock.now().Add(4 * 365 * day) },
		Floor: func() time.Time { return clock.now().Add(-time.Hour) },
	})
	if renewed, err := once(t.Context()); !renewed || err != nil {
		t.Errorf("renewed %v: %v", renewed, err)
	}
	if second := must(w.set()); !second.NotAfter.After(first.NotAfter) {
		t.Errorf("renewed until %v, was %v", second.NotAfter, first.NotAfter)
	}
}
