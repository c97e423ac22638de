package media_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bangtin/media"
)

func (b *bench) stored(t testing.TB) []string {
	t.Helper()
	return files(t, filepath.Join(b.dir, "content"))
}

// A department that publishes a playlist every hour and a half, for two days: each switch puts off the collection of
// its own predecessor only.
func TestFilesOfPlaylistsInQuickSuccessionAreCollected(t *testing.T) {
	b := newBench(t, t.TempDir())
	for v := range uint8(32) {
		p := picture(v + 1)
		if err := b.air(list(uint64(v)+1, p), p); err != nil {
			t.Fatal(err)
		}
		for range 9 {
			b.clock.advance(10 * time.Minute)
			if err := b.library.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{p.SHA256}
		if v > 0 {
			want = append(want, picture(v).SHA256)
		}
		slices.Sort(want)
		if left := b.stored(t); !slices.Equal(left, want) {
			t.Fatalf("after %d playlists: %v, want %v", v+1, left, want)
		}
	}
}

// However many playlists come in two hours, the store keeps the files of so many only.
func TestPlaylistsThatLeaveAreBounded(t *testing.T) {
	b := newBench(t, t.TempDir())
	for v := range uint8(40) {
		p := picture(v + 1)
		if err := b.air(list(uint64(v)+1, p), p); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(time.Minute)
	}
	left := b.stored(t)
	if len(left) != 17 || !slices.Contains(left, picture(39).SHA256) || !slices.Contains(left, picture(40).SHA256) {
		t.Errorf("%d files are left, want those of 16 playlists and of the current one", len(left))
	}
}

// Where there is no room for the accepted playlist, what was replaced before the last switch makes way at once.
func TestFullStoreHastensWhatLeaves(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	films := []content{film(300_000), film(301_000), film(302_000)} // of 1 MiB
	for i, f := range films {
		if err := b.air(list(uint64(i)+1, f), f); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(time.Minute)
	}
	next := film(303_000)
	if _, err := b.library.Offer(ctx, approved(list(4, next)), "inbox"); err != nil {
		t.Fatal(err)
	}
	var no *media.Refusal
	if err := b.add(next); !errors.As(err, &no) || no.Reason != media.ReasonFull {
		t.Fatalf("with three films in the store: %v", err)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	want := []string{films[1].SHA256, films[2].SHA256}
	slices.Sort(want)
	if left := b.stored(t); !slices.Equal(left, want) {
		t.Errorf("left: %v; want those of the current playlist and of the one before it, %v", left, want)
	}
	if err := errors.Join(b.add(next), b.library.Step(ctx)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 4, 2 clips")
}

// A playlist that was replaced before it was shown leaves at once, also soon after a switch.
func TestFilesNeverShownDoNotWaitForASwitch(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	for v := range uint8(2) {
		if err := b.air(list(uint64(v)+1, picture(v+1)), picture(v+1)); err != nil {
			t.Fatal(err)
		}
	}
	for v := range uint8(3) { // none is ever whole
		p := picture(10 + v)
		if _, err := b.library.Offer(ctx, approved(list(uint64(v)+3, p, film(500))), "inbox"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.add(p), b.library.Step(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{picture(1).SHA256, picture(2).SHA256, picture(12).SHA256}
	slices.Sort(want)
	if left := b.stored(t); !slices.Equal(left, want) {
		t.Errorf("left: %v, want %v", left, want)
	}
}
