package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// TestPictureReturnsAfterThePlayerIsKilled kills mpv inside a window.
func TestPictureReturnsAfterThePlayerIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	r := w.start()
	w.until("on air", func(s *wire.State) bool { return playing(10)(s) && s.Airtime.DeliveredS > 2 })
	if out, err := exec.Command("pkill", "-KILL", "-f", "mpv.*"+w.path("run", "player")).CombinedOutput(); err != nil {
		t.Fatalf("cannot kill mpv: %v %s", err, out)
	}
	w.until("the player seen dead", func(s *wire.State) bool { return s.Player.State != "playing" })
	before := w.until("playing again", playing(10)).Airtime.DeliveredS
	w.until("counted as on air again", func(s *wire.State) bool { return s.Airtime.DeliveredS > before+1 })
	r.stop()
	var lost int64
	segments := bodies[journal.Segment](t, w.verified(), journal.KindSegment)
	for _, s := range segments[slices.IndexFunc(segments, func(s journal.Segment) bool { return s.State == journal.OnAir }):] {
		if strings.HasPrefix(string(s.Cause), "player-") {
			lost += s.To - s.From
		}
	}
	if lost == 0 {
		t.Errorf("the loss is not in the airtime record: %v", segments)
	}
	t.Logf("%d s lost to the player", lost)
}

// TestOnlyApprovedPlaylistsAreShown brings every kind of wrong playlist while a good one plays.
func TestOnlyApprovedPlaylistsAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.department
	w.inbox(w.approved(10))
	r := w.start()
	w.until("on air", playing(10))
	good := w.approved(20)
	altered := []byte(strings.Replace(string(good), `"payload":"e`, `"payload":"f`, 1))
	tests := []struct {
		name   string
		raw    []byte
		reason string
	}{
		{"unsigned", w.playlist(11), "malformed"},
		{"signed by a stranger", w.playlist(12, d.Stranger), "unknown-key"},
		{"one person", w.playlist(13, d.Editor), "threshold"},
		{"one person twice", w.playlist(14, d.Editor, d.Editor), ""},
		{"the wrong role", w.playlist(15, d.Power, d.Collect), ""},
		{"altered after signing", altered, ""},
		{"older", w.approved(9), "stale"},
		{"not JSON", []byte("{{{"), "malformed"},
	}
	for i, tt := range tests {
		if i > 0 && string(tt.raw) == string(tests[i-1].raw) {
			t.Fatalf("%s is the same as the one before", tt.name)
		}
		w.inbox(tt.raw)
		w.awaitLog(r, i+1)
		s := w.until("the good one still plays", playing(10))
		if s.Player.Playlist != "thu-nghiem@10" {
			t.Errorf("%s: %s is shown", tt.name, s.Player.Playlist)
		}
	}
	w.inbox(good)
	w.until("the next good one", playing(20))
	r.stop()
	refused := 0
	for _, o := range bodies[journal.Order](t, w.verified(), journal.KindOrder) {
		if !o.Accepted {
			refused++
			t.Logf("refused: %s", o.Reason)
		}
	}
	if refused != len(tests) {
		t.Errorf("%d refusals are recorded, want %d", refused, len(tests))
	}
}

// awaitLog waits until the daemon has logged n refusals.
func (w *world) awaitLog(r *run, n int) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); strings.Count(r.log(), "playlist refused") < n; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("refusal %d was not logged", n)
		}
	}
}
