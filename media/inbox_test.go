package media_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/trust"
)

// deliver writes an inbox as a USB stick would bring it.
func deliver(t testing.TB, b *bench, envelope []byte, contents ...content) string {
	t.Helper()
	dir := filepath.Join(b.dir, "inbox")
	if err := os.MkdirAll(filepath.Join(dir, "content"), 0o755); err != nil {
		t.Fatal(err)
	}
	if envelope != nil {
		write(t, filepath.Join(dir, "playlist.json"), envelope)
	}
	for _, c := range contents {
		write(t, filepath.Join(dir, "content", c.SHA256), c.raw)
	}
	return dir
}

func write(t testing.TB, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// scan looks n times, a minute apart, with a step of the library after each.
func (b *bench) scan(t testing.TB, n int) {
	t.Helper()
	for range n {
		if err := errors.Join(b.inbox.Scan(context.Background()), b.library.Step(context.Background())); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(time.Minute)
	}
}

func TestInboxDelivers(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.scan(t, 1) // there is no inbox yet
	dir := deliver(t, b, approved(list(1, picture(1), film(500))), picture(1), film(500), picture(7))
	b.scan(t, 3)
	wantShows(t, b, "version 1, 3 clips")
	if left := files(t, dir); len(left) != 1 || left[0] != "content" {
		t.Errorf("left: %v", left)
	}
	if left := files(t, filepath.Join(dir, "content")); len(left) != 1 || left[0] != picture(7).SHA256 {
		t.Errorf("left: %v; want what no playlist asked for", left)
	}
	if o := b.orders(t); len(o) != 1 || o[0].Source != "inbox" || o[0].People != "nguyen.an, tran.binh" {
		t.Errorf("orders: %+v", o)
	}
}

func TestInboxIsTakenInAnyOrder(t *testing.T) {
	b := newBench(t, t.TempDir())
	deliver(t, b, nil, picture(1))
	b.scan(t, 2)
	deliver(t, b, approved(list(1, picture(1), picture(2))))
	b.scan(t, 3)
	wantShows(t, b, "nothing")
	deliver(t, b, nil, picture(2))
	b.scan(t, 2)
	wantShows(t, b, "version 1, 3 clips")
	if in := b.incidents(t); len(in) != 0 {
		t.Errorf("incidents: %+v", in)
	}
}

// What is still being copied is left until it stands still.
func TestInboxWaitsForACopyToEnd(t *testing.T) {
	b := newBench(t, t.TempDir())
	envelope := approved(list(1, film(5000)))
	dir := deliver(t, b, nil)
	for n := 100; n < len(envelope); n += 400 {
		write(t, filepath.Join(dir, "playlist.json"), envelope[:n])
		b.scan(t, 1)
	}
	deliver(t, b, envelope)
	b.scan(t, 2)
	for n := 100; n < 5000; n += 1000 {
		write(t, filepath.Join(dir, "content", film(5000).SHA256), film(5000).raw[:n])
		b.scan(t, 1)
	}
	deliver(t, b, nil, film(5000))
	b.scan(t, 2)
	wantShows(t, b, "version 1, 2 clips")
	if in := b.incidents(t); len(in) != 0 {
		t.Errorf("incidents: %+v", in)
	}
}

func TestBadInboxIsRefusedOnceAndLeft(t *testing.T) {
	altered := film(500)
	altered.raw = append(bytes.Clone(altered.raw[:len(altered.raw)-1]), '!')
	cut := film(500)
	cut.raw = cut.raw[:99]
	tests := []struct {
		name, code string
		left       string // in the inbox
		make       func(t *testing.T, b *bench)
	}{
		{"garbage", "signature-refused", "playlist.json", func(t *testing.T, b *bench) { deliver(t, b, []byte("MZ\x90\x00")) }},
		{"empty", "signature-refused", "playlist.json", func(t *testing.T, b *bench) { deliver(t, b, []byte{}) }},
		{"endless", "signature-refused", "playlist.json", func(t *testing.T, b *bench) {
			dir := deliver(t, b, []byte{})
			if err := os.Truncate(filepath.Join(dir, "playlist.json"), 1<<40); err != nil {
				t.Fatal(err)
			}
		}},
		{"one signature", "signature-refused", "playlist.json", func(t *testing.T, b *bench) {
			deliver(t, b, seal(trust.TypePlaylist, payload(list(12)), "an"))
		}},
		{"older", "playlist-older", "playlist.json", func(t *testing.T, b *bench) { deliver(t, b, approved(list(9))) }},
		{"altered content", "content-damaged", "content/" + altered.SHA256, func(t *testing.T, b *bench) {
			deliver(t, b, approved(list(12, altered)), altered)
		}},
		{"cut content", "content-damaged", "content/" + cut.SHA256, func(t *testing.T, b *bench) {
			deliver(t, b, approved(list(12, cut)), cut)
		}},
		{"content for another name", "content-damaged", "content/" + film(500).SHA256, func(t *testing.T, b *bench) {
			dir := deliver(t, b, approved(list(12, film(500))))
			write(t, filepath.Join(dir, "content", film(500).SHA256), film(600).raw)
		}},
		{"a folder", "inbox-unfit", "playlist.json", func(t *testing.T, b *bench) {
			if err := os.MkdirAll(filepath.Join(b.dir, "inbox", "playlist.json"), 0o755); err != nil {
				t.Fatal(err)
			}
		}},
		{"a named pipe", "inbox-unfit", "playlist.json", func(t *testing.T, b *bench) {
			dir := deliver(t, b, nil)
			if err := syscall.Mkfifo(filepath.Join(dir, "playlist.json"), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"a link out", "inbox-unfit", "playlist.json", func(t *testing.T, b *bench) {
			dir := deliver(t, b, nil)
			write(t, filepath.Join(b.dir, "outside"), approved(list(12)))
			if err := os.Symlink(filepath.Join(b.dir, "outside"), filepath.Join(dir, "playlist.json")); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, t.TempDir())
			if err := b.air(list(10, picture(1)), picture(1)); err != nil {
				t.Fatal(err)
			}
			tt.make(t, b)
			b.scan(t, 10)
			wantShows(t, b, "version 10, 2 clips")
			if in := b.incidents(t); len(in) != 1 || in[0].Code != tt.code || in[0].Count != 1 {
				t.Errorf("incidents: %+v, want one %s", in, tt.code)
			}
			if _, err := os.Lstat(filepath.Join(b.dir, "inbox", tt.left)); err != nil {
				t.Errorf("removed: %v", err)
			}
		})
	}
}

func TestBetterInboxIsTakenAfterABadOne(t *testing.T) {
	b := newBench(t, t.TempDir())
	bad := film(500)
	bad.raw = bad.raw[:99]
	deliver(t, b, []byte("?"))
	b.scan(t, 3)
	deliver(t, b, approved(list(1, bad)), bad)
	b.scan(t, 3)
	deliver(t, b, nil, film(500))
	b.scan(t, 3)
	wantShows(t, b, "version 1, 2 clips")
}

// A playlist that came before the trust document that knows its editor is refused once, and taken when that has come,
// by whichever way.
func TestInboxTriesAgainUnderAnotherTrustDocument(t *testing.T) {
	b := newBench(t, t.TempDir())
	deliver(t, b, seal(trust.TypePlaylist, payload(list(1)), "an3", "binh"))
	b.scan(t, 5)
	wantShows(t, b, "nothing")
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "signature-refused" {
		t.Errorf("incidents: %+v", in)
	}
	b.trusts(t, withEditors(2, "an4"))
	b.scan(t, 5)
	wantShows(t, b, "nothing")
	if in := b.incidents(t); len(in) != 2 {
		t.Errorf("incidents: %+v, want one for each document", in)
	}
	b.trusts(t, withEditors(3, "an3"))
	b.scan(t, 1)
	wantShows(t, b, "version 1, 1 clips")
}

// A trust document that was refused because the one before it had not come is taken after that.
func TestInboxTriesATrustDocumentAgain(t *testing.T) {
	b := newBench(t, t.TempDir())
	tried := 0
	b.inbox.TakeTrust(func(context.Context, []byte, string) error {
		if tried++; tried == 2 {
			return nil
		}
		return &trust.Refusal{Reason: trust.UnknownKey, Detail: "signed by the keepers of another document"}
	})
	dir := deliver(t, b, nil)
	write(t, filepath.Join(dir, "trust.json"), []byte("{}"))
	b.scan(t, 5)
	if tried != 1 {
		t.Errorf("tried %d times under one document", tried)
	}
	b.trusts(t, withEditors(2, "an"))
	b.scan(t, 5)
	if _, err := os.Lstat(filepath.Join(dir, "trust.json")); tried != 2 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("tried %d times, %v", tried, err)
	}
}

// A version from the future is taken when the clock has come to it.
func TestInboxTriesAFutureVersionAgain(t *testing.T) {
	b := newBench(t, t.TempDir())
	ahead := uint64(b.clock.stamp().Wall.Add(49 * time.Hour).UnixMilli())
	deliver(t, b, approved(list(ahead)))
	b.scan(t, 10)
	wantShows(t, b, "nothing")
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "playlist-future" {
		t.Errorf("incidents: %+v", in)
	}
	b.clock.advance(time.Hour)
	b.scan(t, 1)
	if a := b.orders(t); len(a) == 0 || !a[len(a)-1].Accepted {
		t.Errorf("orders: %+v", a)
	}
}

func TestInboxTriesAgainWhenThereIsRoom(t *testing.T) {
	b := newBench(t, t.TempDir())
	// 1 MiB is the store's limit; the two do not fit together, and the first is collected only later.
	first, second := film(700_000), film(800_000)
	if err := b.air(list(1, first), first); err != nil {
		t.Fatal(err)
	}
	if err := b.air(list(2)); err != nil {
		t.Fatal(err)
	}
	deliver(t, b, approved(list(3, second)), second)
	b.scan(t, 5)
	wantShows(t, b, "version 2, 1 clips")
	b.clock.advance(3 * time.Hour)
	b.scan(t, 3)
	wantShows(t, b, "version 3, 2 clips")
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "content-full" {
		t.Errorf("incidents: %+v", in)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	b := newBench(t, t.TempDir())
	deliver(t, b, approved(list(1, picture(1))), picture(1))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- b.inbox.Run(ctx, time.Millisecond) }()
	go func() { ended <- b.library.Run(ctx, time.Hour) }() // woken, not waited for
	const want = "version 1, 2 clips"
	for deadline := time.After(10 * time.Second); b.shows() != want; {
		select {
		case <-b.library.Changed():
		case <-deadline:
			t.Fatalf("shows %s", b.shows())
		}
	}
	stop()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}
