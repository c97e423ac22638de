package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"bangtin/media"
)

func resume(t testing.TB, s *media.Store, c content) *media.Part {
	t.Helper()
	p, err := s.Resume(c.File)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// more writes the next n bytes of c.
func more(t testing.TB, p *media.Part, c content, n int) {
	t.Helper()
	at := p.Size()
	if _, err := p.WriteAt(c.raw[at:at+int64(n)], at); err != nil {
		t.Fatal(err)
	}
}

func TestPartOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	c := film(5000)
	p := resume(t, openStore(t, dir, nil), c)
	more(t, p, c, 3000)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, dir, nil)
	if s.Has(c.File) {
		t.Error("the store has it already")
	}
	p = resume(t, s, c)
	if p.Size() != 3000 {
		t.Fatalf("%d bytes are left of 3000", p.Size())
	}
	if err := p.Finish(context.Background()); !errors.Is(err, media.ErrWrongContent) {
		t.Errorf("finished too soon: %v", err)
	}
	more(t, p, c, int(c.Size)-3000)
	if err := p.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(), p.Drop()); err != nil {
		t.Errorf("after the end: %v", err)
	}
	path, ok := s.Ready(c.File)
	if raw, err := os.ReadFile(path); !ok || err != nil || !bytes.Equal(raw, c.raw) {
		t.Errorf("ready %v, %d bytes, %v", ok, len(raw), err)
	}
	if left := files(t, dir); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

func TestPartIsMended(t *testing.T) {
	s := openStore(t, t.TempDir(), nil)
	c := film(5000)
	p := resume(t, s, c)
	bad := bytes.Clone(c.raw)
	bad[4000] ^= 1
	if _, err := p.WriteAt(bad, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.Finish(context.Background()); !errors.Is(err, media.ErrWrongContent) {
		t.Fatalf("finished: %v", err)
	}
	if _, err := p.WriteAt(c.raw[3990:4010], 3990); err != nil {
		t.Fatal(err)
	}
	if err := p.Finish(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Ready(c.File); !ok {
		t.Error("not ready")
	}
}

func TestPartOfWrongType(t *testing.T) {
	s := openStore(t, t.TempDir(), nil)
	c := describe("video/mp4", []byte("#EXTM3U\nfile:///etc/passwd\n"))
	p := resume(t, s, c)
	more(t, p, c, int(c.Size))
	if err := p.Finish(context.Background()); !errors.Is(err, media.ErrWrongContent) {
		t.Errorf("finished: %v", err)
	}
	if err := p.Drop(); err != nil {
		t.Error(err)
	}
}

func TestPartIsWrittenWithinItsBounds(t *testing.T) {
	s := openStore(t, t.TempDir(), nil)
	c := film(500)
	p := resume(t, s, c)
	more(t, p, c, 100)
	for _, tt := range []struct {
		n   int
		off int64
	}{{1, 101}, {1, -1}, {int(c.Size) - 99, 100}, {1, c.Size}} {
		if _, err := p.WriteAt(make([]byte, tt.n), tt.off); err == nil {
			t.Errorf("wrote %d bytes at %d", tt.n, tt.off)
		}
	}
	if p.Size() != 100 {
		t.Errorf("%d bytes, want 100", p.Size())
	}
	if err := p.Drop(); err != nil {
		t.Error(err)
	}
}

func TestPartHasOneWriter(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, nil)
	c := film(5000)
	p := resume(t, s, c)
	more(t, p, c, 10)
	if _, err := s.Resume(c.File); !errors.Is(err, media.ErrBusy) {
		t.Errorf("a second writer: %v", err)
	}
	if _, err := s.Collect(nil); err != nil {
		t.Error(err)
	}
	if err := put(s, c); err != nil { // a stick is faster
		t.Fatal(err)
	}
	more(t, p, c, int(c.Size)-10)
	if err := p.Finish(context.Background()); err != nil {
		t.Errorf("after a stick brought it: %v", err)
	}
	if left := files(t, dir); len(left) != 1 || left[0] != c.SHA256 {
		t.Errorf("left: %v", left)
	}
}

func TestPartThatCannotBeOne(t *testing.T) {
	c := film(500)
	for name, make := range map[string]func(path string) error{
		"longer than the file": func(path string) error { return os.WriteFile(path, append(bytes.Clone(c.raw), 0), 0o600) },
		"a link":               func(path string) error { return os.Symlink("/etc/passwd", path) },
		"a folder":             func(path string) error { return os.Mkdir(path, 0o700) },
		"finished but unnamed": func(path string) error { return os.WriteFile(path, nil, 0o444) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := make(filepath.Join(dir, c.SHA256+".part")); err != nil {
				t.Fatal(err)
			}
			s := openStore(t, dir, nil)
			p := resume(t, s, c)
			if p.Size() != 0 {
				t.Errorf("%d bytes", p.Size())
			}
			more(t, p, c, int(c.Size))
			if err := p.Finish(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	s := openStore(t, t.TempDir(), nil)
	for _, f := range []media.File{{SHA256: "../x", Size: 1}, {SHA256: c.SHA256}, {SHA256: c.SHA256, Size: media.MaxVideo + 1}} {
		if _, err := s.Resume(f); !errors.Is(err, media.ErrWrongContent) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestPartsAreCollected(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, nil)
	kept, old, whole := film(900), film(1500), film(3000)
	for _, c := range []content{kept, old} {
		p := resume(t, s, c)
		more(t, p, c, 100)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(s, whole); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, whole.SHA256+".part"), []byte("of the same file"))
	freed, err := s.Collect(map[string]bool{kept.SHA256: true, whole.SHA256: true})
	if err != nil || freed != 116 {
		t.Errorf("freed %d bytes, %v", freed, err)
	}
	want := []string{kept.SHA256 + ".part", whole.SHA256}
	if slices.Sort(want); !slices.Equal(files(t, dir), want) {
		t.Errorf("left: %v", files(t, dir))
	}
}

// A part takes its room from the start, and what it has already is not counted twice.
func TestPartsCount(t *testing.T) {
	a, b := film(3000), film(6000)
	for name, edit := range map[string]func(dir string) func(*media.StoreOptions){
		"total": func(string) func(*media.StoreOptions) {
			return func(o *media.StoreOptions) { o.Total = a.Size + b.Size - 1 }
		},
		"reserve": func(dir string) func(*media.StoreOptions) {
			return func(o *media.StoreOptions) {
				o.Reserve, o.Free = 1000, func(string) (int64, error) { return 999 + a.Size + b.Size - taken(t, dir), nil }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir, edit(dir))
			p := resume(t, s, b)
			if err := put(s, a); !errors.Is(err, media.ErrStoreFull) {
				t.Errorf("beside an open part: %v", err)
			}
			more(t, p, b, int(b.Size)-10)
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, dir, edit(dir))
			p = resume(t, s, b) // 10 bytes fit
			if err := put(s, a); !errors.Is(err, media.ErrStoreFull) {
				t.Errorf("beside a resumed part: %v", err)
			}
			if err := p.Drop(); err != nil {
				t.Fatal(err)
			}
			if err := put(s, a); err != nil {
				t.Errorf("after it was dropped: %v", err)
			}
			if _, err := s.Resume(b.File); !errors.Is(err, media.ErrStoreFull) {
				t.Errorf("beside a file: %v", err)
			}
		})
	}
}

func taken(t testing.TB, dir string) (sum int64) {
	for _, name := range files(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// A replaced playlist's parts go as its files do, and a stick that brings a file makes its part needless.
func TestLibraryCollectsParts(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	begun := func(c content) {
		p := resume(t, b.store, c)
		more(t, p, c, 100)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.air(list(1, picture(1)), picture(1)), b.library.Step(ctx)); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(3 * time.Hour)
	if _, err := b.library.Offer(ctx, approved(list(2, film(900), film(1500))), "inbox"); err != nil {
		t.Fatal(err)
	}
	begun(film(900))
	begun(film(1500))
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if got := len(files(t, filepath.Join(b.dir, "content"))); got != 3 {
		t.Errorf("%d files, want one and two parts", got)
	}
	if err := b.add(film(900)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.library.Offer(ctx, approved(list(3, film(900))), "inbox"); err != nil {
		t.Fatal(err)
	}
	if err := b.library.Step(ctx); err != nil { // which switches
		t.Fatal(err)
	}
	b.clock.advance(3 * time.Hour)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, filepath.Join(b.dir, "content")) {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("left: %s", name)
		}
	}
	wantShows(t, b, "version 3, 2 clips")
}

// Whoever waits for Wanted hears of a new playlist and of a file found damaged.
func TestWanted(t *testing.T) {
	b := newBench(t, t.TempDir())
	heard := func(why string) {
		t.Helper()
		select {
		case <-b.library.Wanted():
		default:
			t.Error("not told:", why)
		}
	}
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	heard("a new playlist")
	if err := os.Remove(filepath.Join(b.dir, "content", picture(1).SHA256)); err != nil {
		t.Fatal(err)
	}
	if err := b.library.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	heard("a file that is gone")
}

func TestBlocks(t *testing.T) {
	for _, size := range []int{0, 1, media.BlockSize - 1, media.BlockSize, media.BlockSize + 1, 3 * media.BlockSize, 3*media.BlockSize + 7} {
		raw := bytes.Repeat([]byte{1, 2, 3}, size)[:size]
		var want []byte
		for rest := raw; len(rest) > 0; rest = rest[min(len(rest), media.BlockSize):] {
			sum := sha256.Sum256(rest[:min(len(rest), media.BlockSize)])
			want = append(want, sum[:]...)
		}
		got, err := media.Blocks(iotest.OneByteReader(bytes.NewReader(raw)))
		if err != nil || !bytes.Equal(got, want) || len(got) != media.BlocksLen(int64(size)) {
			t.Errorf("%d bytes: a list of %d, want %d, %v", size, len(got), len(want), err)
		}
	}
	broken := errors.New("cannot read")
	if _, err := media.Blocks(io.MultiReader(bytes.NewReader(make([]byte, 99)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}
