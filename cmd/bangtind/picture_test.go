package main_test

import (
	"os/exec"
	"slices"
	"strconv"
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
	if out, err := exec.Command("pkill", "-KILL", "-P", strconv.Itoa(r.cmd.Process.Pid), "mpv").CombinedOutput(); err != nil {
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
	good := string(w.approved(20))
	tests := []struct {
		name   string
		raw    string
		reason string
	}{
		{"unsigned", strings.Replace(good, good[strings.Index(good, `"signatures":[`):], `"signatures":[]}`, 1), "malformed"},
		{"signed by a stranger", string(w.playlist(12, d.Stranger)), "unknown-key"},
		{"by one person alone", string(w.playlist(13, d.Editor)), "threshold"},
		{"by people of another role", string(w.playlist(14, d.Power, d.Collect)), "wrong-role"},
		{"altered after signing", strings.Replace(good, `"payload":"eyJ`, `"payload":"eyK`, 1), "bad-signature"},
		{"older", string(w.approved(9)), "older"},
	}
	for i, tt := range tests {
		w.inbox([]byte(tt.raw))
		for end := time.Now().Add(30 * time.Second); len(w.refusals()) <= i; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: the refusal was not recorded", tt.name)
			}
		}
		if got := w.refusals()[i]; got != tt.reason {
			t.Errorf("%s: refused as %s, want %s", tt.name, got, tt.reason)
		}
		w.until("the good one still plays", playing(10))
	}
	w.inbox([]byte(good))
	w.until("the next good one", playing(20))
	r.stop()
	w.verified()
}

// refusals are the reasons of all orders refused so far, read beside the running daemon.
func (w *world) refusals() []string {
	w.t.Helper()
	var out []string
	for _, o := range bodies[journal.Order](w.t, w.records(), journal.KindOrder) {
		if !o.Accepted {
			out = append(out, o.Reason)
		}
	}
	return out
}
