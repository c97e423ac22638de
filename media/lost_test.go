package media_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
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

// A playlist that was replaced before it could be shown leaves nothing behind, or its files would block the next one.
func TestFilesOfAPlaylistNeverShownAreCollected(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first bool // whether a playlist is shown meanwhile
		want  string
	}{{"while another is shown", true, "version 3, 2 clips"}, {"while nothing is", false, "version 3, 2 clips"}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, t.TempDir())
			ctx := context.Background()
			if tt.first {
				if err := b.air(list(1, picture(1)), picture(1)); err != nil {
					t.Fatal(err)
				}
				b.clock.advance(3 * time.Hour)
			}
			if err := b.library.Step(ctx); err != nil { // what is due at the start is done
				t.Fatal(err)
			}
			// 1 MiB is the store's limit; the two do not fit together.
			if _, err := b.library.Offer(ctx, approved(list(2, film(700_000), picture(2))), "inbox"); err != nil {
				t.Fatal(err)
			}
			if err := b.add(film(700_000)); err != nil {
				t.Fatal(err)
			}
			if _, err := b.library.Offer(ctx, approved(list(3, film(800_000))), "inbox"); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < 3 && len(b.library.Missing()) > 0; n++ {
				if err := b.add(film(800_000)); err != nil && !media.Refused(err) {
					t.Fatal(err)
				}
				if err := b.library.Step(ctx); err != nil {
					t.Fatal(err)
				}
			}
			wantShows(t, b, tt.want)
		})
	}
}

// Where the journal forgot what was shown, what it left makes way only for what is approved now.
func TestRoomIsMadeForWhatIsApprovedNow(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	if err := b.air(list(1, film(700_000)), film(700_000)); err != nil {
		t.Fatal(err)
	}
	b.lose(t, "playlist.accepted", "playlist.current")
	b = b.restart(t)
	if _, err := b.library.Offer(ctx, approved(list(2, film(800_000))), "inbox"); err != nil {
		t.Fatal(err)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if left := files(t, filepath.Join(b.dir, "content")); len(left) != 1 {
		t.Errorf("left: %v, collected without need", left)
	}
	if err := b.add(film(800_000)); !media.Refused(err) {
		t.Fatalf("add: %v", err)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.add(film(800_000)); err != nil {
		t.Fatal(err)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 2, 2 clips")
}

func TestCollectingIsTriedAgain(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(b.dir, "content")
	if err := errors.Join(b.air(list(2, picture(2)), picture(2)), os.Rename(stray, stray+".away"), os.WriteFile(stray, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(3 * time.Hour)
	if err := b.library.Step(ctx); err == nil {
		t.Error("collected in what is no folder")
	}
	if err := errors.Join(os.Remove(stray), os.Rename(stray+".away", stray)); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Hour)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if left := files(t, stray); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
