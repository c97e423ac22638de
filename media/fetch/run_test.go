package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/media"
	"bangtin/media/fetch"
)

// A process that ends in the middle goes on where it was, and asks for no byte twice.
func TestRestartInTheMiddle(t *testing.T) {
	c := film(dice(10), 900*kib+1)
	o := newOrigin(t, c)
	var offsets []string
	o.rule = func(*http.Request) deed { return stalls(250 * kib) }
	dir := t.TempDir()
	var taken int64
	for life := range 3 {
		r := newRig(t, o, dir, c.File)
		r.until("another 250 KiB", func() bool { return r.fetcher.Taken() >= 250*kib })
		taken += r.fetcher.Taken()
		left := parts(t, dir)
		if len(left) != 1 {
			t.Fatalf("life %d left %v", life, left)
		}
		if info, err := os.Stat(left[0]); err != nil || info.Size() != taken {
			t.Errorf("life %d took %d bytes: %v %v", life, taken, info, err)
		}
	}
	o.mu.Lock()
	o.rule = nil
	o.mu.Unlock()
	r := newRig(t, o, dir, c.File)
	if err := r.ends(c); err != nil {
		t.Fatal(err)
	}
	if taken += r.fetcher.Taken(); taken != c.Size {
		t.Errorf("took %d bytes of %d", taken, c.Size)
	}
	for _, a := range o.requests() {
		offsets = append(offsets, strings.TrimPrefix(a, c.SHA256))
	}
	if got, want := strings.Join(offsets, ","), ", bytes=256000-921600, bytes=512000-921600, bytes=768000-921600"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// What a power cut left of a part may be anything: it is mended, not fetched anew.
func TestTornPart(t *testing.T) {
	c := film(dice(11), 900*kib+1)
	for name, tear := range map[string]func(raw []byte) []byte{
		"zeros at its end":   func(raw []byte) []byte { clear(raw[700*kib : 740*kib]); return raw[:740*kib] },
		"zeros in a whole":   func(raw []byte) []byte { clear(raw[100*kib : 120*kib]); return raw },
		"whole and right":    func(raw []byte) []byte { return raw },
		"nothing":            func([]byte) []byte { return nil },
		"all but the last":   func(raw []byte) []byte { return raw[:len(raw)-1] },
		"longer than it can": func(raw []byte) []byte { return append(raw, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			torn := tear(bytes.Clone(c.raw))
			if err := os.WriteFile(filepath.Join(dir, c.SHA256+".part"), torn, 0o600); err != nil {
				t.Fatal(err)
			}
			r := newRig(t, newOrigin(t, c), dir, c.File)
			if err := r.ends(c); err != nil {
				t.Fatal(err)
			}
			left := len(c.raw) - len(torn)
			if left < 0 {
				left = len(c.raw)
			}
			if most := int64(left + 2*media.BlockSize + 32*15); r.fetcher.Taken() > most {
				t.Errorf("took %d bytes, want at most %d", r.fetcher.Taken(), most)
			}
		})
	}
}

// A file that is not wanted any more is not fetched to its end, and leaves nothing.
func TestUnwanted(t *testing.T) {
	c, next := film(dice(12), 900*kib), film(dice(13), 64*kib)
	o := newOrigin(t, c, next)
	release := make(chan struct{})
	o.script = []deed{func(w http.ResponseWriter, r *http.Request, raw []byte) {
		head(w, r, raw, nil)
		w.Write(raw[:200*kib])
		flush(w)
		<-release
		for at := 200 * kib; at < len(raw) && r.Context().Err() == nil; at += kib {
			if _, err := w.Write(raw[at:min(at+kib, len(raw))]); err != nil {
				return
			}
			flush(w)
			time.Sleep(time.Millisecond) // a slow link
		}
	}}
	r := newRig(t, o, t.TempDir(), c.File)
	released := false
	r.until("the next file", func() bool {
		if !released && r.fetcher.Taken() >= 200*kib {
			r.shelf.want(next.File)
			close(release)
			released = true
		}
		_, known := r.shelf.outcome(next.File)
		return known
	})
	r.has(next)
	if _, known := r.shelf.outcome(c.File); known || r.fetcher.Taken() >= c.Size {
		t.Errorf("fetched to its end: %d bytes", r.fetcher.Taken())
	}
}

// A file that cannot be had does not keep the others.
func TestOneAbsentFile(t *testing.T) {
	absent, a, b := film(dice(14), 64*kib), film(dice(15), 70*kib), film(dice(16), 80*kib)
	o := newOrigin(t, a, b)
	r := newRig(t, o, t.TempDir(), absent.File, a.File, b.File)
	r.until("two files", func() bool { return len(r.shelf.Missing()) == 1 })
	r.has(a)
	r.has(b)
	r.until("what is wrong", func() bool { return strings.Contains(r.fetcher.Trouble(), "404") })
	o.put(t, absent)
	r.until("the third", func() bool { return len(r.shelf.Missing()) == 0 })
	r.has(absent)
}

// A full disk and a read-only one are the library's to record; they are tried again, and nothing is lost.
func TestStoreInTheWay(t *testing.T) {
	c := film(dice(17), 300*kib)
	var mu sync.Mutex
	var free int64
	s := openStore(t, t.TempDir(), func(o *media.StoreOptions) {
		o.Free = func(string) (int64, error) {
			mu.Lock()
			defer mu.Unlock()
			return free, nil
		}
	})
	o := newOrigin(t, c)
	r := &rig{t: t, store: s, shelf: newShelf(c.File)}
	r.fetcher = r.build(o, quick())
	r.until("no room", func() bool { err, _ := r.shelf.outcome(c.File); return errors.Is(err, media.ErrStoreFull) })
	if asked := o.requests(); len(asked) != 0 {
		t.Errorf("asked for %v without room", asked)
	}
	mu.Lock()
	free = 1 << 30
	mu.Unlock()
	r.until("room", func() bool { err, known := r.shelf.outcome(c.File); return known && err == nil })
}

func TestReadOnlyStore(t *testing.T) {
	c := film(dice(18), 300*kib)
	s := openStore(t, t.TempDir(), func(o *media.StoreOptions) {
		o.Free = func(string) (int64, error) { return 0, syscall.EROFS }
	})
	r := &rig{t: t, store: s, shelf: newShelf(c.File)}
	o := newOrigin(t, c)
	r.fetcher = r.build(o, quick())
	r.until("read-only", func() bool { err, _ := r.shelf.outcome(c.File); return errors.Is(err, media.ErrReadOnly) })
	if asked := o.requests(); len(asked) != 0 {
		t.Errorf("asked for %v", asked)
	}
}

// roundTrip answers without a network, so that time is virtual.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
}

// virtual runs a Fetcher with its default patience for a while on the virtual clock and returns when it asked.
func virtual(t *testing.T, lasts time.Duration, files []media.File, answer func(r *http.Request) (*http.Response, error)) (asked []time.Duration, names []string, s *shelf) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s = newShelf(files...)
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked, names = append(asked, time.Since(began)), append(names, filepath.Base(r.URL.Path))
			return answer(r)
		})}
		f := fetch.New(fetch.Options{
			URL: "https://centre.example/", Client: client, Library: s, Store: openStore(t, dir, nil), Log: slog.New(slog.DiscardHandler),
		})
		ctx, stop := context.WithTimeout(t.Context(), lasts)
		defer stop()
		if err := f.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	return asked, names, s
}

// A server that does not serve is asked after 5 s, then ever more seldom, and never more seldom than every 10 minutes.
func TestPausesGrow(t *testing.T) {
	c := film(dice(20), 64*kib)
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"nobody answers": func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") },
		"503":            func(*http.Request) (*http.Response, error) { return respond(503, ""), nil },
		"404":            func(*http.Request) (*http.Response, error) { return respond(404, ""), nil },
	} {
		t.Run(name, func(t *testing.T) {
			asked, _, _ := virtual(t, 24*time.Hour, []media.File{c.File}, answer)
			if len(asked) < 24*6 || len(asked) > 24*12+10 {
				t.Errorf("asked %d times in a day", len(asked))
			}
			for i := range asked[1:] {
				pause := asked[i+1] - asked[i]
				low, high := min(5*time.Second<<min(i, 10), 10*time.Minute)/2, min(5*time.Second<<min(i, 10), 10*time.Minute)
				if pause < max(low, 5*time.Second) || pause > high {
					t.Errorf("pause %d is %v, want %v to %v", i, pause, low, high)
				}
			}
		})
	}
}

// A server that hangs is given up after 30 s, headers and all.
func TestSilentServer(t *testing.T) {
	c := film(dice(21), 64*kib)
	var waited []time.Duration
	virtual(t, time.Hour, []media.File{c.File}, func(r *http.Request) (*http.Response, error) {
		at := time.Now()
		<-r.Context().Done()
		waited = append(waited, time.Since(at))
		return nil, r.Context().Err()
	})
	for i, w := range waited[:len(waited)-1] {
		if w != 30*time.Second {
			t.Errorf("request %d waited %v", i, w)
		}
	}
}

// drip gives a few bytes each interval.
type drip struct {
	ctx   context.Context
	bytes int
	every time.Duration
}

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(d.every):
		return min(d.bytes, len(p)), nil
	}
}
func (d drip) Close() error { return nil }

// A server that gives single bytes to keep us is as good as one that hangs; a slow one gets an hour a turn.
func TestDrip(t *testing.T) {
	a, b := film(dice(22), 2048*kib), film(dice(23), 2048*kib)
	for _, tt := range []struct {
		name  string
		bytes int
		every time.Duration
		most  int // requests in 3 h
		least int
	}{{"a byte in ten seconds", 1, 10 * time.Second, 3 * 60, 20}, {"sixty bytes a second", 600, 10 * time.Second, 4, 3}} {
		t.Run(tt.name, func(t *testing.T) {
			asked, names, _ := virtual(t, 3*time.Hour, []media.File{a.File, b.File}, func(r *http.Request) (*http.Response, error) {
				resp := respond(200, "")
				if at, _ := span(r, a.raw); at > 0 {
					resp.StatusCode = 206
					resp.Header.Set("Content-Range", strings.Replace(r.Header.Get("Range"), "=", " ", 1)+"/2097152")
					resp.ContentLength = int64(2048*kib - at)
				} else {
					resp.ContentLength = 2048 * kib
				}
				resp.Body = drip{r.Context(), tt.bytes, tt.every}
				return resp, nil
			})
			if len(asked) > tt.most || len(asked) < tt.least {
				t.Errorf("asked %d times, want %d to %d", len(asked), tt.least, tt.most)
			}
			if names[0] == names[1] {
				t.Error("the second file had no turn")
			}
		})
	}
}

// A file that was refused is left alone for hours, others are not.
func TestRefusedFileIsTriedMuchLater(t *testing.T) {
	bad, good := film(dice(24), 64*kib), film(dice(25), 64*kib)
	var tries []time.Duration
	asked, names, s := virtual(t, 5*24*time.Hour, []media.File{bad.File, good.File}, func(r *http.Request) (*http.Response, error) {
		if filepath.Base(r.URL.Path) == good.SHA256 {
			return respond(200, string(good.raw)), nil
		}
		return respond(200, string(bad.raw)+"x"), nil
	})
	for i, at := range asked {
		if names[i] == bad.SHA256 && (len(tries) == 0 || at-tries[len(tries)-1] > 30*time.Minute) {
			tries = append(tries, at)
		}
	}
	for i := range tries[1:] {
		if pause := tries[i+1] - tries[i]; pause < 3*time.Hour || pause > 25*time.Hour {
			t.Errorf("tried again after %v", pause)
		}
	}
	if len(tries) < 5 || len(tries) > 14 {
		t.Errorf("%d efforts in five days", len(tries))
	}
	if err, known := s.outcome(good.File); !known || err != nil {
		t.Errorf("the other file: %v", err)
	}
	if err, _ := s.outcome(bad.File); !errors.Is(err, media.ErrWrongContent) {
		t.Errorf("the bad file: %v", err)
	}
}
