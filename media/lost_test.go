package media_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/media"
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

// The broker keeps the playlist and brings it at every connection. Where the journal lost it and kept the counter, it
// is taken back; another one of the same version is not, unless nobody can tell any more which one it was.
func TestLostPlaylistIsTakenBack(t *testing.T) {
	kept, other, older := list(4, picture(1)), list(4, picture(2)), list(3, picture(1))
	for _, tt := range []struct {
		name  string
		lost  []string
		offer *media.Playlist
		want  bool
	}{
		{"the same", []string{"playlist.accepted", "playlist.current"}, kept, true},
		{"the same, while it is still shown", []string{"playlist.accepted"}, kept, true},
		{"another of its version", []string{"playlist.accepted", "playlist.current"}, other, false},
		{"an older one", []string{"playlist.accepted", "playlist.current"}, older, false},
		{"the same, digest lost too", []string{"playlist.accepted", "playlist.current", "playlist.digest"}, kept, true},
		{"an older one, digest lost too", []string{"playlist.accepted", "playlist.current", "playlist.digest"}, older, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, t.TempDir())
			ctx := context.Background()
			if err := b.air(kept, picture(1)); err != nil {
				t.Fatal(err)
			}
			b.lose(t, tt.lost...)
			b = b.restart(t)
			accepted, err := b.library.Offer(ctx, approved(tt.offer), "desired/playlist")
			if accepted != tt.want || media.Refused(err) == tt.want {
				t.Fatalf("accepted %v, %v", accepted, err)
			}
			if !tt.want {
				return
			}
			if err := b.library.Step(ctx); err != nil {
				t.Fatal(err)
			}
			wantShows(t, b, "version 4, 2 clips")
			b = b.restart(t)
			if err := b.library.Step(ctx); err != nil {
				t.Fatal(err)
			}
			wantShows(t, b, "version 4, 2 clips")
			if accepted, err := b.library.Offer(ctx, approved(kept), "desired/playlist"); accepted || err != nil {
				t.Errorf("once it is back: %v, %v", accepted, err)
			}
		})
	}
}

// A journal that takes no more writes must not keep a display from starting.
func TestDoubtThatCannotBeRecorded(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	forged := seal(trust.TypePlaylist, payload(list(7, picture(2))), "an")
	err := b.journal.Commit(context.Background(), journal.Write{Label: "forge", Settings: map[string][]byte{"playlist.accepted": forged}})
	if err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	library, err := media.OpenLibrary(context.Background(), media.LibraryOptions{
		Display: display, Trust: people(), Journal: &failing{Journal: b.journal, broken: true}, Store: b.store, Fonts: fonts(t),
		Stamp: b.clock.stamp, Log: slog.New(slog.NewTextHandler(&told, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.library = library
	if err := library.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips")
	if !strings.Contains(told.String(), "disk full") {
		t.Errorf("logged: %s", told.String())
	}
}
