package fetch_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"bangtin/media"
)

// span is what a request asks for.
func span(r *http.Request, raw []byte) (from, to int) {
	to = len(raw)
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); n == 2 {
		to++
	}
	return from, to
}

// head answers as it should be, with the differences that edit makes.
func head(w http.ResponseWriter, r *http.Request, raw []byte, edit func(h http.Header)) {
	from, to := span(r, raw)
	h := w.Header()
	h.Set("ETag", etagOf(raw))
	h.Set("Content-Length", fmt.Sprint(to-from))
	status := http.StatusOK
	if r.Header.Get("Range") != "" {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(raw)))
	}
	if edit != nil {
		edit(h)
	}
	w.WriteHeader(status)
}

func flush(w http.ResponseWriter) { w.(http.Flusher).Flush() }

// drops gives n bytes and cuts the line.
func drops(n int) deed {
	return func(w http.ResponseWriter, r *http.Request, raw []byte) {
		from, to := span(r, raw)
		head(w, r, raw, nil)
		w.Write(raw[from:min(from+n, to)])
		flush(w)
		panic(http.ErrAbortHandler)
	}
}

// stalls gives n bytes and then nothing.
func stalls(n int) deed {
	return func(w http.ResponseWriter, r *http.Request, raw []byte) {
		from, to := span(r, raw)
		head(w, r, raw, nil)
		w.Write(raw[from:min(from+n, to)])
		flush(w)
		<-r.Context().Done()
	}
}

// says answers with another head and the right body.
func says(edit func(h http.Header)) deed {
	return func(w http.ResponseWriter, r *http.Request, raw []byte) {
		from, to := span(r, raw)
		head(w, r, raw, edit)
		w.Write(raw[from:to])
	}
}

func set(key, value string) deed { return says(func(h http.Header) { h.Set(key, value) }) }

// whole gives the whole file whatever was asked for.
func whole(w http.ResponseWriter, r *http.Request, raw []byte) {
	r.Header.Del("Range")
	honest(w, r, raw)
}

// alters flips a byte of the file at each offset that is in the body.
func alters(offsets ...int) deed {
	return func(w http.ResponseWriter, r *http.Request, raw []byte) {
		raw = bytes.Clone(raw)
		for _, at := range offsets {
			if at < len(raw) {
				raw[at] ^= 0x55
			}
		}
		from, to := span(r, raw)
		head(w, r, raw, func(h http.Header) { h.Del("ETag") })
		w.Write(raw[from:to])
	}
}

func status(code int) deed {
	return func(w http.ResponseWriter, r *http.Request, _ []byte) {
		if code/100 == 3 {
			w.Header().Set("Location", r.URL.Path+"?again")
		}
		http.Error(w, strings.Repeat("no ", 10000), code)
	}
}

// endless has no length and no end.
func endless(w http.ResponseWriter, r *http.Request, raw []byte) {
	head(w, r, raw, func(h http.Header) { h.Del("Content-Length") })
	for r.Context().Err() == nil {
		if _, err := w.Write(raw); err != nil {
			return
		}
	}
}

// longer goes on behind what its length promised.
func longer(w http.ResponseWriter, r *http.Request, raw []byte) {
	conn, out, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	from, to := span(r, raw)
	line := "200 OK"
	if r.Header.Get("Range") != "" {
		line = "206 Partial Content"
	}
	fmt.Fprintf(out, "HTTP/1.1 %s\r\nContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\n\r\n", line, to-from, from, to-1, len(raw))
	out.Write(raw[from:to])
	out.Write(bytes.Repeat([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"), 100))
	out.Flush()
}

const kib = 1 << 10

// Each kind of wrong answer, to the first request or to one that resumes after 100 KiB, costs no byte of the file
// that would have to be fetched again.
func TestMisbehaviour(t *testing.T) {
	c := film(dice(1), 300*kib+7)
	size := int64(len(c.raw))
	dropped := drops(100 * kib)
	tests := []struct {
		name   string
		script []deed
		more   int64 // bytes beyond the file's
	}{
		{"none", nil, 0},
		{"drops before the head", []deed{func(http.ResponseWriter, *http.Request, []byte) { panic(http.ErrAbortHandler) }}, 0},
		{"drops", []deed{dropped, drops(50 * kib), drops(0), drops(1)}, 0},
		{"stalls", []deed{dropped, stalls(50 * kib)}, 0},
		{"stalls before the head", []deed{func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() }}, 0},
		{"ends a chunk early", []deed{dropped, says(func(h http.Header) { h.Set("Content-Length", fmt.Sprint(len(c.raw)-100*kib)) })}, 0},
		{"shorter than the file", []deed{set("Content-Length", fmt.Sprint(size-1))}, 0},
		{"longer than the file", []deed{func(w http.ResponseWriter, r *http.Request, raw []byte) { honest(w, r, append(bytes.Clone(raw), 'x')) }}, 0},
		{"without a length, endless", []deed{endless, dropped, endless}, 0},
		{"goes on behind its length", []deed{longer}, 0},
		{"goes on behind its range", []deed{dropped, longer}, 0},
		{"part of the file for the whole", []deed{func(w http.ResponseWriter, r *http.Request, raw []byte) {
			r.Header.Set("Range", "bytes=0-99")
			honest(w, r, raw)
		}}, 0},
		{"whole file for a range", []deed{dropped, whole}, 0},
		{"range of another start", []deed{dropped, set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", size-1, size))}, 0},
		{"range of another end", []deed{dropped, set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", 100*kib, size-2, size))}, 0},
		{"range of another total", []deed{dropped, set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", 100*kib, size-1, size+1))}, 0},
		{"range without a total", []deed{dropped, set("Content-Range", fmt.Sprintf("bytes %d-%d/*", 100*kib, size-1))}, 0},
		{"no range in a partial answer", []deed{dropped, says(func(h http.Header) { h.Del("Content-Range") })}, 0},
		{"two ranges", []deed{dropped, says(func(h http.Header) { h.Add("Content-Range", h.Get("Content-Range")) })}, 0},
		{"another tag in a range", []deed{dropped, set("ETag", `"other"`)}, 0},
		{"the file replaced and back", []deed{dropped, func(w http.ResponseWriter, r *http.Request, raw []byte) {
			honest(w, r, append(bytes.Clone(raw[:len(raw)-1]), '!')) // If-Range makes it 200
		}}, 0},
		{"range not satisfiable", []deed{dropped, status(http.StatusRequestedRangeNotSatisfiable)}, 0},
		{"compressed", []deed{set("Content-Encoding", "gzip"), set("Content-Encoding", "br")}, 0},
		{"compressed under way", []deed{set("Transfer-Encoding", "gzip"), set("Transfer-Encoding", "chunked")}, 0},
		{"redirects", []deed{status(302), status(307), status(304)}, 0},
		{"refuses", []deed{status(404), status(403), status(410), status(400)}, 0},
		{"fails", []deed{status(500), status(503), status(429), status(502)}, 0},
		{"a head without end", []deed{says(func(h http.Header) { h.Set("X", strings.Repeat("x", 1<<20)) })}, 0},
		{"alters a byte", []deed{alters(70_000)}, 32*5 + 64*kib},
		{"alters the last, short block", []deed{alters(300*kib + 3)}, 32*5 + 44*kib + 7},
		{"alters two blocks apart", []deed{alters(0, 200*kib)}, 32*5 + 128*kib},
		{"alters the repair too", []deed{alters(70_000), honest, alters(70_001)}, 2 * (32*5 + 64*kib)},
		{"drops in a repair", []deed{alters(130_000), honest, drops(40 * kib)}, 2*32*5 + 64*kib},
		{"alters the list too", []deed{alters(70_000), alters(0)}, 2*32*5 + 2*64*kib},
		{"a list of another length", []deed{alters(70_000), set("Content-Length", "159")}, 32*5 + 64*kib},
		{"no list at first", []deed{alters(70_000), status(404), status(404)}, 32*5 + 64*kib},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t, c)
			o.script = tt.script
			r := newRig(t, o, t.TempDir(), c.File)
			if err := r.ends(c); err != nil {
				t.Fatal(err)
			}
			if got := r.fetcher.Taken(); got != size+tt.more {
				t.Errorf("took %d bytes, want %d and %d more; asked: %q", got, size, tt.more, o.requests())
			}
			if trouble := r.fetcher.Trouble(); trouble != "" {
				t.Errorf("trouble: %s", trouble)
			}
		})
	}
}

// What a server can cost that never gives the file is bounded, and ends as one refusal.
func TestHopeless(t *testing.T) {
	c := film(dice(2), 300*kib+7)
	other := film(dice(3), 300*kib+7)
	size := int64(len(c.raw))
	list := int64(32 * 5)
	always := func(d deed) func(*http.Request) deed { return func(*http.Request) deed { return d } }
	file := func(d deed) func(*http.Request) deed {
		return func(r *http.Request) deed {
			if strings.HasSuffix(r.URL.Path, media.BlocksSuffix) {
				return honest
			}
			return d
		}
	}
	lists := func(bad, d deed) func(*http.Request) deed {
		return func(r *http.Request) deed {
			if strings.HasSuffix(r.URL.Path, media.BlocksSuffix) {
				return d
			}
			return bad
		}
	}
	as := func(raw []byte) deed {
		return func(w http.ResponseWriter, r *http.Request, _ []byte) { honest(w, r, raw) }
	}
	liar := func(w http.ResponseWriter, r *http.Request, raw []byte) {
		honest(w, r, bytes.Repeat([]byte{7}, len(raw)))
	}
	tests := []struct {
		name string
		rule func(*http.Request) deed
		most int64 // bytes
	}{
		{"another file and its list", lists(as(other.raw), as(mustBlocks(t, other.raw))), size + list},
		{"another file and the right list", file(as(other.raw)), size + 9*list + 8*64*kib},
		{"the right file but one byte, and a list that lies", lists(alters(9), liar), size + 9*list + 8*64*kib},
		{"another file and no list", lists(as(other.raw), status(404)), 2*size + 1<<20},
		{"another length", always(func(w http.ResponseWriter, r *http.Request, raw []byte) { honest(w, r, raw[1:]) }), 0},
		{"redirects", always(status(302)), 0},
		{"endless", always(endless), 0},
		{"compressed", always(set("Content-Encoding", "gzip")), 0},
		{"a byte altered whenever it is asked for", file(alters(70_000)), size + 9*list + 8*64*kib},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t, c)
			o.rule = tt.rule
			r := newRig(t, o, t.TempDir(), c.File)
			if err := r.ends(c); !errors.Is(err, media.ErrWrongContent) {
				t.Fatalf("ended with %v", err)
			}
			if got := r.fetcher.Taken(); got > tt.most {
				t.Errorf("took %d bytes of %d, want at most %d", got, size, tt.most)
			}
			if left := parts(t, r.dir); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			t.Logf("%d requests, %d bytes: %s", len(o.requests()), r.fetcher.Taken(), r.fetcher.Trouble())
		})
	}
}

// A list that lies about a right file is never asked for; one that lies about a wrong one is only a hint.
func TestListThatAlwaysLiesDoesNotHinder(t *testing.T) {
	c := film(dice(4), 300*kib+7)
	o := newOrigin(t, c)
	o.script = []deed{alters(70_000)}
	o.rule = func(r *http.Request) deed {
		if strings.HasSuffix(r.URL.Path, media.BlocksSuffix) {
			return alters(32) // the very entry of the block that is damaged
		}
		return honest
	}
	r := newRig(t, o, t.TempDir(), c.File)
	if err := r.ends(c); err != nil {
		t.Fatal(err)
	}
	if got, want := r.fetcher.Taken(), c.Size+32*5+64*kib; got != want {
		t.Errorf("took %d bytes, want %d", got, want)
	}
}

// A server that knows no ranges and a link that drops: it is begun anew a bounded number of times.
func TestServerWithoutRanges(t *testing.T) {
	c := film(dice(5), 300*kib+7)
	for _, tt := range []struct {
		name  string
		drops []deed
		ok    bool
	}{
		{"dropped once", []deed{drops(100 * kib)}, true},
		{"dropped twice", []deed{drops(100 * kib), whole, whole, whole, whole, drops(200 * kib)}, true},
		{"dropped each time", []deed{drops(100 * kib), whole, whole, whole, whole, drops(9 * kib), whole, whole, whole, whole, drops(150 * kib)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t, c)
			o.script = tt.drops
			o.rule = func(*http.Request) deed { return whole }
			r := newRig(t, o, t.TempDir(), c.File)
			if err := r.ends(c); (err == nil) != tt.ok {
				t.Fatal(err)
			}
			if got := r.fetcher.Taken(); got > 2*c.Size {
				t.Errorf("took %d bytes", got)
			}
		})
	}
}

func mustBlocks(t testing.TB, raw []byte) []byte {
	t.Helper()
	list, err := media.Blocks(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
