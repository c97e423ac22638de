package main_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"bangtin/hal/haltest/panelproc"
	"bangtin/internal/control/local"
	"bangtin/internal/wire"
)

// TestAFireOutlastsTheDaemon kills the daemon after a fire that is out by then. The next one finds the latch, whatever
// became of the disk, opens the relay before anything else, and leaves the panel off until a person clears it.
func TestAFireOutlastsTheDaemon(t *testing.T) {
	t.Parallel()
	program := panelproc.BuildPanel(t)
	for _, tt := range []struct {
		name          string
		before, after func(*rigged) // the fire; the kill
	}{
		{"a whole disk", nil, nil},
		{"a journal that cannot be read", nil, func(d *rigged) {
			d.write([]byte("this was a database, before it burnt"), "data", "journal.db")
			for _, beside := range []string{"journal.db-wal", "journal.db-shm"} {
				if err := os.Remove(d.path("data", beside)); err != nil && !errors.Is(err, os.ErrNotExist) {
					d.t.Fatal(err)
				}
			}
		}},
		{"a copy that cannot be read", nil, func(d *rigged) { d.write([]byte("torn"), "data", "fire-latch") }},
		{"a full disk", func(d *rigged) {
			if err := d.onItsOwnDisk(); err != nil {
				d.t.Skip(err)
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newRigged(t, newWorld(t), panelproc.StartPanel(t, program, "-baud=9600", "-warmup=1s"), "mdc")
			if tt.before != nil {
				tt.before(d)
			}
			d.inbox(d.approved(10))
			d.begin()
			d.until("on air", playing(10))
			if tt.before != nil {
				d.fill()
			}
			d.await(d.tell("smoke on"), "relay open")
			d.until("dark, and latched on disk", func(s *wire.State) bool { return s.Panel.Power == "off" && d.onDisk(tt.before == nil) })
			d.die()
			if tt.after != nil {
				tt.after(d)
			}
			d.outlasts()
		})
	}
}

// onDisk tells whether the latch is: in its copy, and in the journal where that can be written.
func (d *rigged) onDisk(both bool) bool {
	raw, err := os.ReadFile(d.path("data", "fire-latch"))
	if err != nil || len(raw) == 0 || raw[1] == '"' {
		return false
	}
	return !both || d.standing("control.fire") != ""
}

// die kills the daemon.
func (d *rigged) die() {
	if err := d.run.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	<-d.run.exited
	d.forget()
}

// outlasts starts the daemon again. Its rig has no smoke.
func (d *rigged) outlasts() {
	d.t.Helper()
	d.panel.Do("mark")
	d.begin()
	s := d.until("read back as off", func(s *wire.State) bool { return s.Panel.Power == "off" })
	if s.Want.Rule != "fire" {
		d.t.Errorf("after the restart rule %s wants the panel %s", s.Want.Rule, s.Want.Panel)
	}
	d.await(time.Time{}, "calm smoke")
	d.mu.Lock()
	first := d.events[0].what
	d.mu.Unlock()
	if _, closed := d.since(time.Time{}, "relay closed"); first != "relay open" || closed {
		d.t.Errorf("the first that happens is %q; the relay was closed: %t", first, closed)
	}
	if got := d.panel.Seen(); got != "off" {
		d.t.Errorf("the panel was %s", got)
	}
	at := time.Now()
	if _, err := d.ask(local.Request{Do: local.ClearFire, Reason: "thử"}); err != nil {
		d.t.Fatal(err)
	}
	d.await(at, "relay closed")
	d.until("lit again", func(s *wire.State) bool { return s.Panel.Power == "on" })
	d.die()
	d.begin()
	d.until("still cleared", func(s *wire.State) bool { return s.Want.Rule != "fire" && s.Panel.Power == "on" })
}
