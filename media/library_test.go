package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/media"
)

func TestPlaylistIsShownOnceWhole(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	a, f := picture(1), film(900)
	wantShows(t, b, "nothing")

	accepted, err := b.library.Offer(ctx, approved(list(1, a, f)), "desired/playlist")
	if err != nil || !accepted {
		t.Fatalf("accepted %v, %v", accepted, err)
	}
	if got := len(b.library.Missing()); got != 2 {
		t.Errorf("%d files are missing, want 2", got)
	}
	if err := errors.Join(b.add(a), b.library.Step(ctx)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "nothing")
	if got := b.library.Missing(); len(got) != 1 || got[0] != f.File {
		t.Errorf("missing: %v", got)
	}
	if err := errors.Join(b.add(f), b.library.Step(ctx)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 3 clips")
	select {
	case <-b.library.Changed():
	default:
		t.Error("no change was told")
	}
	prog, _ := b.library.Programme(b.clock.stamp().Wall)
	for i, c := range prog.Clips {
		if c.Playlist != "week" || c.Version != 1 || c.Item.ID != list(1, a, f).Items[i].ID || len(c.SHA256) != 64 {
			t.Errorf("clip %d: %+v", i, c)
		}
		if raw, err := os.ReadFile(c.Path); c.Item.File != nil && (err != nil || len(raw) != int(c.Item.File.Size)) {
			t.Errorf("clip %d: %d bytes, %v", i, len(raw), err)
		}
	}
	if text := prog.Clips[2]; text.SHA256 != text.Item.Text.SHA256() {
		t.Errorf("the text's hash is %s", text.SHA256)
	}
}

func TestLastGoodPlaylistPlaysWhileTheNextIsFetched(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.library.Offer(ctx, approved(list(2, picture(1), picture(2))), "desired/playlist"); err != nil {
		t.Fatal(err)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips")
	wantStanding(t, b, list(1, picture(1)), "week@1", true)
	wantStanding(t, b, list(2, picture(1), picture(2)), "week@2", false)
	wantStanding(t, b, list(3, picture(3)), "", false)

	// A third comes before the second could be shown; it takes its place.
	if err := b.air(list(3, picture(3)), picture(3)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 3, 2 clips")
	wantStanding(t, b, list(3, picture(3)), "week@3", true)
	wantStanding(t, b, list(2, picture(1), picture(2)), "", false)
}

func wantStanding(t *testing.T, b *bench, p *media.Playlist, name string, current bool) {
	t.Helper()
	sum := sha256.Sum256(payload(p))
	if n, c := b.library.Standing(hex.EncodeToString(sum[:])); n != name || c != current {
		t.Errorf("version %d stands as %q, current %v; want %q, %v", p.Version, n, c, name, current)
	}
}

func TestDates(t *testing.T) {
	b := newBench(t, t.TempDir())
	now := b.clock.stamp().Wall
	p := list(1, picture(1), picture(2))
	from, until := now.Add(time.Hour), now.Add(2*time.Hour)
	p.Items[0].From, p.Items[1].Until, p.Items[2].Until = &from, &until, &until
	if err := b.air(p, picture(1), picture(2)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		want string
	}{
		{now, "[file-2 card]"}, {from.Add(-time.Second), "[file-2 card]"}, {from, "[file-1 file-2 card]"},
		{until.Add(-time.Second), "[file-1 file-2 card]"}, {until, "[file-1]"},
	} {
		prog, ok := b.library.Programme(tt.at)
		var ids []string
		for _, c := range prog.Clips {
			ids = append(ids, c.Item.ID)
		}
		if got := fmt.Sprint(ids); got != tt.want || !ok {
			t.Errorf("%v: %s, want %s", tt.at.Sub(now), got, tt.want)
		}
	}
}

// After a restart nothing is shown before it was hashed again, and then all of it, without asking anybody.
func TestRestart(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.air(list(1, picture(1), film(500)), picture(1), film(500)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.library.Offer(context.Background(), approved(list(2, picture(2))), "inbox"); err != nil {
		t.Fatal(err)
	}
	b = b.restart(t)
	wantShows(t, b, "version 1, 1 clips") // the text needs no file
	if err := b.library.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 3 clips")
	if got := b.library.Missing(); len(got) != 1 || got[0] != picture(2).File {
		t.Errorf("missing: %v", got)
	}
	if err := errors.Join(b.add(picture(2)), b.library.Step(context.Background())); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 2, 2 clips")
}

func TestDamagedFileIsLeftOutRecordedOnceAndReplaced(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"altered": func(path string) error {
			return errors.Join(os.Chmod(path, 0o644), os.WriteFile(path, bytes.Repeat([]byte("x"), int(picture(1).Size)), 0o644))
		},
		"cut off": func(path string) error { return os.Truncate(path, 10) },
		"gone":    os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, t.TempDir())
			ctx := context.Background()
			if err := b.air(list(1, picture(1), film(500)), picture(1), film(500)); err != nil {
				t.Fatal(err)
			}
			if err := damage(filepath.Join(b.dir, "content", picture(1).SHA256)); err != nil {
				t.Fatal(err)
			}
			wantShows(t, b, "version 1, 2 clips")
			for range 3 {
				if err := b.library.Step(ctx); err != nil {
					t.Fatal(err)
				}
				b.clock.advance(time.Minute)
			}
			if in := b.incidents(t); len(in) != 1 || in[0].Code != "content-damaged" || in[0].Class != journal.Technical {
				t.Errorf("incidents: %+v", in)
			}
			if got := b.library.Missing(); len(got) != 1 || got[0] != picture(1).File {
				t.Errorf("missing: %v", got)
			}
			if err := errors.Join(b.add(picture(1)), b.library.Step(ctx)); err != nil {
				t.Fatal(err)
			}
			wantShows(t, b, "version 1, 3 clips")
			if got := b.library.Missing(); len(got) != 0 {
				t.Errorf("missing: %v", got)
			}
		})
	}
}

func TestOldFilesAreCollectedLater(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	if err := b.air(list(1, picture(1), picture(2)), picture(1), picture(2)); err != nil {
		t.Fatal(err)
	}
	if err := b.air(list(2, picture(2)), picture(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.library.Offer(ctx, approved(list(3, picture(3), film(900))), "inbox"); err != nil {
		t.Fatal(err)
	}
	if err := b.add(picture(3)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(b.dir, "content")
	b.clock.advance(media.MaxSeconds * time.Second)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 3 {
		t.Errorf("collected while it may still be on the screen: %v", left)
	}
	b.clock.advance(2 * time.Hour)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	left := strings.Join(files(t, dir), " ")
	if strings.Contains(left, picture(1).SHA256) || !strings.Contains(left, picture(2).SHA256) || !strings.Contains(left, picture(3).SHA256) {
		t.Errorf("left: %s; want files of the current and of the accepted playlist", left)
	}
}

func TestFullStoreKeepsTheOldPlaylist(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	large := film(1 << 20)
	if _, err := b.library.Offer(ctx, approved(list(2, large)), "inbox"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		var no *media.Refusal
		if err := b.add(large); !errors.As(err, &no) || no.Reason != media.ReasonFull {
			t.Fatalf("a file too much: %v", err)
		}
		b.clock.advance(time.Minute)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips")
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "content-full" {
		t.Errorf("incidents: %+v", in)
	}
}

// failing is a real journal whose disk says no for a while.
type failing struct {
	media.Journal
	broken bool
}

func (f *failing) Commit(ctx context.Context, w journal.Write) error {
	if f.broken {
		return errors.New("disk full")
	}
	return f.Journal.Commit(ctx, w)
}

func TestJournalThatFails(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	j := &failing{Journal: b.journal}
	var err error
	b.library, err = media.OpenLibrary(ctx, media.LibraryOptions{
		Display: display, Trust: people(), Journal: j, Store: b.store, Fonts: fonts(t),
		Stamp: b.clock.stamp, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	j.broken = true
	raw := approved(list(2, picture(2)))
	if accepted, err := b.library.Offer(ctx, raw, "inbox"); accepted || err == nil || media.Refused(err) {
		t.Errorf("accepted %v without a record: %v", accepted, err)
	}
	if _, err := b.library.Offer(ctx, []byte("?"), "inbox"); err == nil || media.Refused(err) {
		t.Errorf("refused without a record: %v", err)
	}
	wantShows(t, b, "version 1, 2 clips")

	j.broken = false
	if accepted, err := b.library.Offer(ctx, raw, "inbox"); !accepted || err != nil {
		t.Errorf("once it works again: %v, %v", accepted, err)
	}
	if _, err := b.library.Offer(ctx, []byte("?"), "inbox"); !media.Refused(err) {
		t.Errorf("once it works again: %v", err)
	}
	if orders := b.orders(t); len(orders) != 3 {
		t.Errorf("orders: %+v", orders)
	}
	if err := b.add(picture(2)); err != nil {
		t.Fatal(err)
	}
	j.broken = true
	if err := b.library.Step(ctx); err == nil {
		t.Error("switched without a record")
	}
	wantShows(t, b, "version 1, 2 clips")
	j.broken = false
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 2, 2 clips")
}

// What was refused in the minute in which the daemon stops is recorded too.
func TestRefusalsOfTheLastMinute(t *testing.T) {
	b := newBench(t, t.TempDir())
	for range 5 {
		if _, err := b.library.Offer(context.Background(), []byte("?"), "desired/playlist"); !media.Refused(err) {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := b.library.Run(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
	if in := b.incidents(t); len(in) != 2 || in[0].Count != 1 || in[1].Count != 4 {
		t.Errorf("incidents: %+v", in)
	}
}

// Readers see one whole playlist or the other, whoever offers, adds and steps meanwhile.
func TestLibraryUnderConcurrentUse(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx, stop := context.WithCancel(context.Background())
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := b.library.Run(ctx, time.Millisecond); !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	for range 2 {
		running.Go(func() {
			for ctx.Err() == nil {
				if got := b.shows(); !strings.HasSuffix(got, ", 2 clips") {
					t.Errorf("shows %s", got)
					return
				}
				b.library.Missing()
			}
		})
	}
	const last = 12
	var offering sync.WaitGroup
	for n := range 2 {
		offering.Go(func() {
			for v := uint64(2); v <= last; v++ {
				p := picture(uint8(v))
				if _, err := b.library.Offer(ctx, approved(list(v, p)), fmt.Sprint("source ", n)); err != nil && !media.Refused(err) {
					t.Error(err)
				}
				if err := b.add(p); err != nil {
					t.Error(err)
				}
			}
		})
	}
	offering.Wait()
	want := fmt.Sprintf("version %d, 2 clips", last)
	for deadline := time.Now().Add(10 * time.Second); b.shows() != want && time.Now().Before(deadline); {
		<-b.library.Changed()
	}
	stop()
	running.Wait()
	wantShows(t, b, want)
}
