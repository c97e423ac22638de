package fleet_test

import (
	"testing"
	"time"
)

// TestLinkIsTold: down from the start, up with the session, and down with the reason when the line is cut; since when
// does not move while it stays so.
func TestLinkIsTold(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	f := r.display()
	if l := f.Link(); l.Up || !l.Since.IsZero() {
		t.Errorf("before Run: %+v", l)
	}
	r.run(f)
	r.eventually("up", func() bool { return f.Link().Up })
	up := f.Link()
	if up.Why != "" || up.Since.IsZero() {
		t.Errorf("up: %+v", up)
	}
	if err := line.listener.Close(); err != nil {
		t.Fatal(err)
	}
	line.cut()
	r.eventually("down, with the reason", func() bool { l := f.Link(); return !l.Up && l.Why != "" })
	down := f.Link()
	if !down.Since.After(up.Since) {
		t.Errorf("down since %v, up since %v", down.Since, up.Since)
	}
	why := down.Why
	r.eventually("another attempt", func() bool { return f.Link().Why != why || time.Since(down.Since) > time.Second })
	if l := f.Link(); l.Up || !l.Since.Equal(down.Since) {
		t.Errorf("after another attempt: %+v, before %+v", l, down)
	}
}
