package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A store is a content server as the centre's, and can misbehave on command.
type store struct {
	mu      sync.Mutex
	files   map[string][]byte
	asked   []string // METHOD name, or METHOD name from whom when the client is nobody
	failure func(w http.ResponseWriter, r *http.Request) bool
}

func (r *region) store() *store {
	r.t.Helper()
	s := &store{files: map[string][]byte{}}
	pair, err := r.broker.CA.Issue(brokertest.Leaf{CommonName: "content", Hosts: []string{"127.0.0.1"}})
	r.check(err)
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	r.check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.broker.CA.PEM)
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{certificate}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert,
	}
	server.StartTLS()
	r.t.Cleanup(server.Close)
	r.operator(server.URL + "/content/")
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/content/")
	s.asked = append(s.asked, r.Method+" "+name)
	if r.TLS.PeerCertificates[0].Subject.CommonName != brokertest.OperatorName {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if s.failure != nil && s.failure(w, r) {
		return
	}
	switch raw, there := s.files[name]; {
	case r.Method == http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if sum := sha256.Sum256(body); err != nil || hex.EncodeToString(sum[:]) != name {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		s.files[name] = body
		w.WriteHeader(http.StatusCreated)
	case there:
		http.ServeContent(w, r, "", morning, bytes.NewReader(raw))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *store) count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.HasPrefix(a, method+" ") {
			n++
		}
	}
	return n
}

// exported makes an exported playlist in @out and a draft in @half.
func (r *region) exported() {
	r.t.Helper()
	r.playlist()
	r.must("playlist approve @pl --key @an.key")
	r.check(os.CopyFS(r.path("half"), os.DirFS(r.path("pl"))))
	r.must("playlist approve @pl --key @binh.key --trust @trust.json")
	r.must("playlist export @pl --out @out --trust @trust.json")
}

func TestPlaylistPublish(t *testing.T) {
	r := newRegion(t)
	r.exported()
	s := r.store()
	first := r.display("tinh-bien-01")
	first.plays(func(name string) { first.now(func(st *wire.State) { st.Player.Playlist = name }) })
	out := r.expect(exitOpen, "playlist publish @out --trust @trust.json --wait --timeout 2s",
		"File 1 of 2 uploaded", "Published for 2 displays: tinh-bien-01 tinh-bien-02", "tinh-bien-01: plays tet-2027@",
		"tinh-bien-02: does not play it yet: the broker has never heard of it", "2 displays: 1 play tet-2027@")
	if strings.Contains(out, "already") || s.count("PUT") != 2 {
		t.Errorf("%d files brought:\n%s", s.count("PUT"), out)
	}
	second := r.display("tinh-bien-02") // comes later, and finds it
	second.plays(func(name string) { second.now(func(st *wire.State) { st.Player.Playlist = name }) })
	r.expect(exitOK, "playlist publish @out/playlist.json --trust @trust.json --wait", "File 2 of 2 is at the centre already", "2 displays: 2 play")
	if s.count("PUT") != 2 {
		t.Errorf("%d files brought: what was there came again", s.count("PUT"))
	}
	code, object, errs := r.say("playlist publish @out --trust @trust.json --display tinh-bien-02 --wait --json")
	var got publishObject
	if code != exitOK || json.Unmarshal([]byte(object), &got) != nil || !slices.Equal(got.Published, []string{"tinh-bien-02"}) ||
		got.Waited == nil || !slices.Equal(got.Waited.Playing, got.Published) || len(got.SHA256) != 64 {
		t.Errorf("exit %d\n%s%s", code, object, errs)
	}
}

func TestPlaylistPublishRefuses(t *testing.T) {
	r := newRegion(t)
	r.exported()
	s := r.store()
	tests := map[string]struct {
		line    string
		code    int
		word    string
		failure func(w http.ResponseWriter, r *http.Request) bool
	}{
		"one signature":     {"@half --trust @trust.json", exitFailed, "is not approved", nil},
		"no trust document": {"@out", exitUsage, "--trust", nil},
		"no such folder":    {"@none --trust @trust.json", exitFailed, "@none", nil},
		"some other file":   {"@trust.json --trust @trust.json", exitFailed, "is not the folder of a playlist", nil},
		"not its audience":  {"@out --trust @trust.json --display ha-tien-01", exitUsage, "audience", nil},
		"says it is another": {"@out --trust @trust.json", exitFailed, "422", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return true
			}
			return false
		}},
		"not allowed": {"@out --trust @trust.json", exitFailed, "403", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusForbidden)
			return true
		}},
		"sent elsewhere": {"@out --trust @trust.json", exitFailed, "302", func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusFound)
			return true
		}},
		"always failing": {"@out --trust @trust.json", exitFailed, "503", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}},
		"another size": {"@out --trust @trust.json", exitFailed, "under this name", func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Length", "7")
			return r.Method == http.MethodHead
		}},
		"steers the terminal": {"@out --trust @trust.json", exitFailed, "\ufffd[2J", func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "\x1b[2J"+strings.Repeat("x", 1<<20))
			return true
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r.t = t
			s.mu.Lock()
			s.failure, s.asked = tt.failure, nil
			s.mu.Unlock()
			code, out, errs := r.say("playlist publish " + tt.line)
			if code != tt.code || !strings.Contains(errs, tt.word) || strings.Contains(out, "Published") || len(errs) > 4000 {
				t.Errorf("exit %d, want %d and %q\n%s%s", code, tt.code, tt.word, out, errs)
			}
			if n := s.count("HEAD") + s.count("PUT"); n > 2*maxAttempts {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestUploadGoesOnAfterFailures(t *testing.T) {
	r := newRegion(t)
	r.exported()
	s := r.store()
	n := 0
	s.failure = func(w http.ResponseWriter, _ *http.Request) bool {
		if n++; n%2 == 0 {
			return false
		}
		panic(http.ErrAbortHandler) // the link breaks
	}
	r.expect(exitOK, "playlist publish @out --trust @trust.json", "Published for 2 displays")
	if len(s.files) != 2 {
		t.Errorf("%d files at the centre", len(s.files))
	}
}

func TestTrustPublish(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	r.await(s)
	r.expect(exitOK, "trust publish @trust.json --first", "Published for 1 displays: tinh-bien-01")
	r.eventually("the display has it", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.trusts) == 1 && bytes.Equal(s.trusts[0], r.read("trust.json"))
	})
	if code, _, errs := r.say("trust publish @trust.json --previous @trust.json"); code != exitFailed || !strings.Contains(errs, "not newer") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	r.expect(exitOK, "trust publish @trust.json --first --display ha-tien-01", "Published for 1 displays: ha-tien-01")
	if code, _, errs := r.say("trust publish @an.pub --first"); code != exitFailed || !strings.Contains(errs, "not a signed file") {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// Before the old keys are struck somebody has to know that every display has the new ones.
func TestTrustPublishWaits(t *testing.T) {
	r := newRegion(t)
	first, second := r.display("tinh-bien-01"), r.display("tinh-bien-02")
	r.await(first)
	r.await(second)
	first.now(func(st *wire.State) { st.TrustVersion = r.doc.Version + 3 }) // a newer one will do
	second.now(func(st *wire.State) { st.TrustVersion = r.doc.Version - 1 })
	r.awaitState(first, func(st wire.State) bool { return st.TrustVersion > 0 })
	r.expect(exitOpen, "trust publish @trust.json --first --wait --timeout 1s", "tinh-bien-01: goes by trust document", "tinh-bien-02: does not go by it yet",
		"2 displays: 1 go by trust document", "1 not yet")
	second.now(func(st *wire.State) { st.TrustVersion = r.doc.Version })
	r.expect(exitOK, "trust publish @trust.json --first --wait", "tinh-bien-02: goes by trust document", "2 displays: 2 go by")
	code, object, errs := r.say("trust publish @trust.json --first --display tinh-bien-02 --wait --json")
	var got publishObject
	if code != exitOK || json.Unmarshal([]byte(object), &got) != nil || got.Waited == nil || got.Waited.Playing != nil ||
		!slices.Equal(got.Waited.Holding, []string{"tinh-bien-02"}) {
		t.Errorf("exit %d\n%s%s", code, object, errs)
	}
}

// The newest document that any display goes by is what the others are measured by.
func TestWatchShowsWhoIsBehindWithTheTrustDocument(t *testing.T) {
	r := newRegion(t)
	first, second := r.display("tinh-bien-01"), r.display("tinh-bien-02")
	first.now(func(st *wire.State) { st.TrustVersion = 4 })
	second.now(func(st *wire.State) { st.TrustVersion = 3 })
	r.awaitState(first, func(st wire.State) bool { return st.TrustVersion == 4 })
	r.awaitState(second, func(st wire.State) bool { return st.TrustVersion == 3 })
	out := r.expect(exitFailed, "watch --once --window 00:00-00:01", "goes by trust document 3, others by 4 already")
	if strings.Contains(out, "tinh-bien-01 ") {
		t.Errorf("the newest is told of too:\n%s", out)
	}
}

// What replaces nothing that displays hold is not put there for them to refuse for ever.
func TestTrustPublishAsksWhatItReplaces(t *testing.T) {
	d := newDesk(t)
	d.trust()
	for _, line := range []string{"trust publish @trust.json", "trust publish @trust.json --first --previous @trust.json"} {
		d.refuses(line, exitUsage, "--previous, --first", "only one")
	}
}

// An order that holds until it is replaced waits at the broker, also for a display that is away.
func TestPowerPublish(t *testing.T) {
	r := newRegion(t)
	const order = "power --display tinh-bien-01 --reason bão --key @duc.key --trust @trust.json"
	d := *r.desk
	d.now = time.Now()
	d.must(order + " --state off --until +2h --out @order.json")
	r.expect(exitOK, "power publish @order.json --trust @trust.json", "Published for 1 displays: tinh-bien-01")
	s := r.display("tinh-bien-01") // comes later
	r.eventually("the display has it", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.orders) == 1 && s.orders[0].State == wire.WishOff
	})
	d.now = time.Now().Add(-2 * time.Hour)
	d.must(order + " --state off --until +1h --out @past.json")
	d.now = time.Now()
	d.makeKey("stranger", "nguoi.la", "Người Lạ")
	d.must("power --display tinh-bien-01 --reason bão --key @stranger.key --state schedule --out @strange.json")
	d.must("send reboot --display tinh-bien-01 --key @duc.key --out @command.json")
	for line, words := range map[string]string{
		"power publish @past.json":                        "is past",
		"power publish @strange.json --trust @trust.json": "unknown keys",
		"power publish @command.json":                     "is not a power order",
		"power publish @trust.json":                       "is not a power order",
		"power publish @an.pub":                           "is not a signed file",
	} {
		if code, out, errs := r.say(line); code != exitFailed || out != "" || !strings.Contains(errs, words) {
			t.Errorf("%s: exit %d, not %q\n%s%s", line, code, words, out, errs)
		}
	}
}

func TestScreenshotIsFetched(t *testing.T) {
	r := newRegion(t)
	s := r.store()
	d := r.display("tinh-bien-01")
	var picture bytes.Buffer
	r.check(jpeg.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 4, 4)), nil))
	d.obey(func(_ int, signed *trust.Verified, c wire.Command) {
		s.mu.Lock()
		s.files["upload/tinh-bien-01/"+c.ID+".jpg"] = picture.Bytes()
		s.mu.Unlock()
		d.answer(signed, c, wire.Done, "", "", "")
	})
	line := "send screenshot --display tinh-bien-01 --key @duc.key --wait --save " + r.path("anh")
	r.expect(exitOK, line, "verified", "1 displays: 1 verified")
	picture.Reset()
	picture.WriteString("<html>not a picture</html>")
	r.expect(exitFailed, line, "not fetched", "1 displays: 0 verified, 0 done, 0 refused, 1 failed")
	all := objects(t, r.expect(exitFailed, line+" --json"))
	last := all[len(all)-2]
	if last["step"] != "failed" || last["by"] != "file" || last["reason"] == "" {
		t.Errorf("the last step is %v", last)
	}
	asked := len(d.heard())
	r.write("file", nil)
	if code, _, errs := r.say(strings.Replace(line, "--save "+r.dir, "--save @file", 1)); code != exitFailed || !strings.Contains(errs, "cannot be written") {
		t.Errorf("exit %d\n%s", code, errs)
	}
	if n := len(d.heard()); n != asked {
		t.Errorf("sent %d times before it was seen that nothing can be saved", n-asked)
	}
}
