package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/fetch"
)

// quick is a Fetcher's patience for tests.
func quick() fetch.Times {
	return fetch.Times{
		Idle: 3 * time.Second, Turn: time.Minute, Poll: 20 * time.Millisecond,
		RetryMin: time.Millisecond, RetryMax: 4 * time.Millisecond, Refused: time.Hour,
	}
}

// A content is a file with its description.
type content struct {
	media.File
	raw []byte
}

// film has the first bytes of an MP4 and noise after them.
func film(r *rand.Rand, size int) content {
	raw := make([]byte, size)
	noise := rand.NewChaCha8([32]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
	noise.Read(raw)
	copy(raw, "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41")
	sum := sha256.Sum256(raw)
	return content{media.File{SHA256: hex.EncodeToString(sum[:]), Size: int64(size), Type: "video/mp4"}, raw}
}

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// A shelf is a library without playlists: it misses what it was told to, until that was added.
type shelf struct {
	wanted chan struct{}

	mu      sync.Mutex
	missing []media.File
	said    map[string]error // the last thing heard of a file, by SHA-256
	heard   chan struct{}
}

func newShelf(files ...media.File) *shelf {
	return &shelf{wanted: make(chan struct{}, 1), missing: files, said: map[string]error{}, heard: make(chan struct{}, 1000)}
}

func (s *shelf) Missing() []media.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.missing)
}

func (s *shelf) Wanted() <-chan struct{} { return s.wanted }

func (s *shelf) Added(_ context.Context, f media.File, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said[f.SHA256] = err
	if err == nil {
		s.missing = slices.DeleteFunc(s.missing, func(m media.File) bool { return m == f })
	}
	select {
	case s.heard <- struct{}{}:
	default:
	}
	if err != nil {
		return &media.Refusal{Reason: media.ReasonDamaged, Detail: err.Error()}
	}
	return nil
}

func (s *shelf) outcome(f media.File) (err error, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err, known = s.said[f.SHA256]
	return err, known
}

func (s *shelf) want(files ...media.File) {
	s.mu.Lock()
	s.missing = files
	s.mu.Unlock()
	s.wanted <- struct{}{}
}

// An origin serves content over TLS. What it does in place of answering right is scripted by request.
type origin struct {
	*httptest.Server
	mu     sync.Mutex
	files  map[string][]byte // by name
	script []deed            // for the next requests; honest after them
	rule   func(r *http.Request) deed
	asked  []string // "name range", in order
}

// A deed answers one request for what raw holds.
type deed func(w http.ResponseWriter, r *http.Request, raw []byte)

func newOrigin(t testing.TB, contents ...content) *origin {
	t.Helper()
	o := &origin{files: map[string][]byte{}}
	for _, c := range contents {
		o.put(t, c)
	}
	o.Server = httptest.NewUnstartedServer(o)
	o.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	o.StartTLS()
	t.Cleanup(o.Close)
	return o
}

func (o *origin) put(t testing.TB, c content) {
	t.Helper()
	list, err := media.Blocks(bytes.NewReader(c.raw))
	if err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.files[c.SHA256], o.files[c.SHA256+media.BlocksSuffix] = c.raw, list
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	o.mu.Lock()
	raw, ok := o.files[name]
	o.asked = append(o.asked, strings.TrimSpace(name+" "+r.Header.Get("Range")))
	do := deed(honest)
	if len(o.script) > 0 {
		do, o.script = o.script[0], o.script[1:]
	} else if o.rule != nil {
		do = o.rule(r)
	}
	o.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	do(w, r, raw)
}

func (o *origin) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

func etagOf(raw []byte) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(raw))[:20] + `"` }

func honest(w http.ResponseWriter, r *http.Request, raw []byte) {
	w.Header().Set("ETag", etagOf(raw))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(raw))
}

// client trusts the origin.
func (o *origin) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(o.Certificate())
	d := &tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	return fetch.NewClient(func(ctx context.Context, network, address string) (net.Conn, error) {
		return d.DialContext(ctx, network, address)
	})
}

// A rig is a Fetcher on a real store.
type rig struct {
	t       testing.TB
	dir     string
	store   *media.Store
	shelf   *shelf
	fetcher *fetch.Fetcher
}

func openStore(t testing.TB, dir string, edit func(*media.StoreOptions)) *media.Store {
	t.Helper()
	o := media.StoreOptions{Dir: dir, Total: 1 << 30, Reserve: 1 << 20}
	if edit != nil {
		edit(&o)
	}
	s, err := media.OpenStore(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRig(t testing.TB, o *origin, dir string, files ...media.File) *rig {
	t.Helper()
	r := &rig{t: t, dir: dir, store: openStore(t, dir, nil), shelf: newShelf(files...)}
	r.fetcher = r.build(o, quick())
	return r
}

func (r *rig) build(o *origin, times fetch.Times) *fetch.Fetcher {
	return fetch.New(fetch.Options{
		URL: o.URL + "/content/", Client: o.client(), Library: r.shelf, Store: r.store, Log: slog.New(slog.DiscardHandler), Times: times,
	})
}

// until runs the Fetcher until ok, which is asked at each thing the shelf hears and every few milliseconds.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.fetcher.Run(ctx) }()
	limit := time.After(60 * time.Second)
	look := time.NewTicker(3 * time.Millisecond)
	defer look.Stop()
	for seen := false; !seen; {
		select {
		case <-limit:
			seen = true
			r.t.Errorf("not seen in 60 s: %s; trouble: %s", what, r.fetcher.Trouble())
		case <-r.shelf.heard:
			seen = ok()
		case <-look.C:
			seen = ok()
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		r.t.Errorf("Run ended with %v", err)
	}
}

// ends runs until the file is verified or refused, and returns which.
func (r *rig) ends(c content) error {
	r.t.Helper()
	r.until("the end of a file", func() bool { _, known := r.shelf.outcome(c.File); return known })
	err, _ := r.shelf.outcome(c.File)
	if err == nil {
		r.has(c)
	} else if _, ready := r.store.Ready(c.File); ready {
		r.t.Error("refused, and ready")
	}
	return err
}

func (r *rig) has(c content) {
	r.t.Helper()
	p, ok := r.store.Ready(c.File)
	if !ok {
		r.t.Error("not ready")
		return
	}
	if raw, err := os.ReadFile(p); err != nil || !bytes.Equal(raw, c.raw) {
		r.t.Errorf("%d other bytes, %v", len(raw), err)
	}
	if left := parts(r.t, r.dir); len(left) > 0 {
		r.t.Errorf("left: %v", left)
	}
}

func parts(t testing.TB, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "*.part"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}
