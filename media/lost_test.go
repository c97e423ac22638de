package media_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"bangtin/internal/journal"
)

// lose deletes settings, as a journal set aside and read back in parts does.
func (b *bench) lose(t testing.TB, settings ...string) {
	t.Helper()
	w := journal.Write{Label: "lose", Settings: map[string][]byte{}}
	for _, s := range settings {
		w.Settings[s] = nil
	}
	if err := b.journal.Commit(context.Background(), w); err != nil {
		t.Fatal(err)
	}
}

// Where the journal no longer knows what was shown, the files stay: the playlist they belong to comes back.
func TestNothingIsCollectedWhileNothingIsCurrent(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.air(list(1, picture(1), film(500)), picture(1), film(500)); err != nil {
		t.Fatal(err)
	}
	b.lose(t, "playlist.accepted", "playlist.current")
	b = b.restart(t)
	for range 3 {
		if err := b.library.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(3 * time.Hour)
	}
	if left := files(t, filepath.Join(b.dir, "content")); len(left) != 2 {
		t.Errorf("left: %v, want both files", left)
	}
}
