package main_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/trust"
)

// An enroller is a centre's office with its HTTPS, which hands out the world's trust document.
type enroller struct {
	w      *world
	dir    string
	office *pki.Office
	codes  *enrol.Codes
	server *httptest.Server
	now    func() time.Time
}

func (w *world) enroller(now func() time.Time) *enroller {
	w.t.Helper()
	e := &enroller{w: w, dir: w.t.TempDir(), codes: enrol.OpenCodes(w.t.TempDir(), now), now: now}
	var err error
	if e.office, err = pki.NewOffice(e.dir, []string{"localhost", "127.0.0.1"}, now); err != nil {
		w.t.Fatal(err)
	}
	e.server = httptest.NewUnstartedServer(enrol.NewServer(enrol.Config{
		Office: e.office, Codes: e.codes, Now: now, Log: slog.New(slog.DiscardHandler), Trust: func() ([]byte, error) { return w.document(), nil },
	}).Handler())
	present := func(*tls.ClientHelloInfo) (*tls.Config, error) { // as it is now: the server's is renewed too
		pair, err := tls.LoadX509KeyPair(filepath.Join(e.dir, "server.pem"), filepath.Join(e.dir, "server.key"))
		return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}, err
	}
	e.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	e.server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: present}
	e.server.StartTLS()
	w.t.Cleanup(e.server.Close)
	return e
}

func (e *enroller) code() string {
	e.w.t.Helper()
	ca, err := e.office.Displays()
	if err != nil {
		e.w.t.Fatal(err)
	}
	code, _, err := e.codes.Make(device, ca.Pin())
	if err != nil {
		e.w.t.Fatal(err)
	}
	return code.String()
}

// bangtind runs the program in process and returns its exit code and all that it said.
func (w *world) bangtind(wall func() time.Time, args ...string) (int, string) {
	w.t.Helper()
	w.siteToml()
	var out bytes.Buffer
	m := &main.Main{Args: append([]string{"--site", w.path("site.toml"), "enrol"}, args...), Stdout: &out, Stderr: &out, Wall: wall}
	return m.Run(w.t.Context()), out.String()
}

// set is what a display has of certificates, and whether they work together.
func (w *world) set() (c *x509.Certificate, err error) {
	w.t.Helper()
	f := pki.Files{CA: w.path("data", "ca.pem"), Certificate: w.path("data", "device.pem"), Key: w.path("data", "device.key")}
	pair, err := f.Pair()
	if err != nil {
		return nil, err
	}
	roots, err := pki.Pool(f.CA)
	if err != nil {
		return nil, err
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: pair.Leaf.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(w.path("data", "trust.json"))
	if err != nil {
		return nil, err
	}
	if _, err := trust.ParseDocument(raw); err != nil {
		return nil, err
	}
	if _, err := os.Stat(w.path("data", "enrolled.json")); err == nil {
		return nil, errors.New("the enrolment is not finished")
	}
	return pair.Leaf, nil
}

func (w *world) without(name string) {
	w.t.Helper()
	if err := os.Remove(w.path("data", name)); err != nil {
		w.t.Fatal(err)
	}
}

// TestEnrolByAClockFarAhead: no certificate lasts so long, and only by getting in the display is told the time.
func TestEnrolByAClockFarAhead(t *testing.T) {
	w := newWorld(t)
	w.without("trust.json")
	e := w.enroller(time.Now)
	ahead := func() time.Time { return time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC) }
	if exit, said := w.bangtind(ahead, "--code", e.code(), "--centre", e.server.URL); exit != 0 || !strings.Contains(said, "is enrolled until") {
		t.Errorf("exit %d: %s", exit, said)
	}
}

// TestEnrolByACodeThatNobodySees: the code comes by standard input, one line of it.
func TestEnrolByACodeThatNobodySees(t *testing.T) {
	w := newWorld(t)
	w.without("trust.json")
	w.siteToml()
	e := w.enroller(time.Now)
	try := func(in io.Reader) (int, string) {
		var out bytes.Buffer
		m := &main.Main{
			Args:  []string{"--site", w.path("site.toml"), "enrol", "--code", "-", "--centre", e.server.URL},
			Stdin: in, Stdout: &out, Stderr: &out, Wall: time.Now,
		}
		return m.Run(t.Context()), out.String()
	}
	for name, in := range map[string]io.Reader{
		"nobody": nil, "nothing": strings.NewReader(""), "an empty line": strings.NewReader("\n"), "no end": endless{},
	} {
		if exit, said := try(in); exit != 1 || !strings.Contains(said, "cannot read the code") {
			t.Errorf("%s: exit %d: %s", name, exit, said)
		}
	}
	if exit, said := try(strings.NewReader(e.code() + "\nmore\n")); exit != 0 || !strings.Contains(said, "is enrolled until") {
		t.Fatalf("exit %d: %s", exit, said)
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func TestEnrol(t *testing.T) {
	w := newWorld(t)
	w.without("trust.json")
	e := w.enroller(time.Now)
	code := e.code()
	dead := func() time.Time { return time.Unix(1000, 0) } // a clock whose battery died
	if exit, said := w.bangtind(dead, "--code", strings.ToLower(code), "--centre", e.server.URL); exit != 0 || !strings.Contains(said, "is enrolled until") {
		t.Fatalf("exit %d: %s", exit, said)
	}
	first, err := w.set()
	if err != nil || first.Subject.CommonName != device {
		t.Fatal(first, err)
	}
	info, err := os.Stat(w.path("data", "device.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v %v", info.Mode(), err)
	}
	key := must(os.ReadFile(w.path("data", "device.key")))
	// The answer was lost: the same code and key once more. Then anew, with another code and the same key.
	for _, next := range []func() string{func() string { return code }, e.code} {
		if exit, said := w.bangtind(time.Now, "--code", next(), "--centre", e.server.URL); exit != 0 {
			t.Errorf("again: exit %d: %s", exit, said)
		}
	}
	if c, err := w.set(); err != nil || c.SerialNumber.Cmp(first.SerialNumber) == 0 || !bytes.Equal(key, must(os.ReadFile(w.path("data", "device.key")))) {
		t.Errorf("enrolled anew: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What goes wrong changes nothing that works.
func TestEnrolRefusals(t *testing.T) {
	w := newWorld(t)
	e, impostor := w.enroller(time.Now), w.enroller(time.Now)
	if exit, said := w.bangtind(time.Now, "--code", e.code(), "--centre", e.server.URL); exit != 0 {
		t.Fatal(said)
	}
	before := w.snapshot()
	good := e.code()
	stick := w.path("answer.json")
	if err := os.WriteFile(stick, []byte(`{"certificate":"x","ca":"y","trust":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		exit int
		said string
		args []string
	}{
		"no code":             {2, "usage", nil},
		"both ways":           {2, "usage", []string{"--code", good, "--csr-out", "x"}},
		"not a code":          {1, "eight groups", []string{"--code", "ABCD", "--centre", e.server.URL}},
		"nobody says where":   {1, "--centre", []string{"--code", good}},
		"an impostor":         {1, "not the one that the code names", []string{"--code", good, "--centre", impostor.server.URL}},
		"a guessed code":      {1, "refuses", []string{"--code", "AAAA-AAAA-AAAA-" + good[15:], "--centre", e.server.URL}},
		"garbage on a stick":  {1, "authority", []string{"--code", good, "--from", stick}},
		"nothing on a stick":  {1, "cannot read", []string{"--code", good, "--from", w.path("none")}},
		"nobody at this port": {1, "cannot ask", []string{"--code", good, "--centre", "https://127.0.0.1:1"}},
	} {
		if exit, said := w.bangtind(time.Now, tt.args...); exit != tt.exit || !strings.Contains(said, tt.said) {
			t.Errorf("%s: exit %d, want %d and %q: %s", name, exit, tt.exit, tt.said, said)
		}
	}
	if after := w.snapshot(); after != before {
		t.Error("a refusal changed a file")
	}
}

// snapshot is all that enrolment may write.
func (w *world) snapshot() string {
	w.t.Helper()
	var all strings.Builder
	for _, name := range []string{"ca.pem", "device.pem", "device.key", "trust.json"} {
		all.Write(must(os.ReadFile(w.path("data", name))))
	}
	return all.String()
}

func TestEnrolByStick(t *testing.T) {
	w := newWorld(t)
	e := w.enroller(time.Now)
	if exit, said := w.bangtind(time.Now, "--csr-out", w.path("request.pem")); exit != 0 {
		t.Fatal(said)
	}
	request := must(os.ReadFile(w.path("request.pem")))
	if block, _ := pem.Decode(request); block == nil || strings.Contains(string(request), "PRIVATE") {
		t.Fatalf("on the stick: %s", request)
	}
	code := e.code()
	server := enrol.NewServer(enrol.Config{Office: e.office, Codes: e.codes, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Trust: func() ([]byte, error) { return w.document(), nil }})
	answer, err := server.Enrol(code, string(request))
	if err != nil {
		t.Fatal(err)
	}
	w.write([]byte(`{"certificate":`+quote(answer.Certificate)+`,"ca":`+quote(answer.CA)+`,"trust":`+string(answer.Trust)+`}`), "answer.json")
	if exit, said := w.bangtind(time.Now, "--code", code, "--from", w.path("answer.json")); exit != 0 {
		t.Fatal(said)
	}
	if _, err := w.set(); err != nil {
		t.Error(err)
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, "\n", `\n`) + `"` }

// The centre's word alone changes no trust document that is there.
func TestEnrolKeepsTrust(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	before := must(os.ReadFile(w.path("data", "trust.json")))
	e := other.enroller(time.Now) // hands out another department's document
	if exit, said := w.bangtind(time.Now, "--code", e.code(), "--centre", e.server.URL); exit != 0 || !strings.Contains(said, "as it was before") {
		t.Fatalf("exit %d: %s", exit, said)
	}
	if !bytes.Equal(before, must(os.ReadFile(w.path("data", "trust.json")))) {
		t.Error("the trust document was replaced")
	}
}

// Killed between any two steps of a second enrolment, with another centre, a display has all of the old set or, once
// somebody looks again, all of the new.
func TestEnrolSurvivesKill(t *testing.T) {
	for _, at := range []string{"enrol-note#1", "enrol-file#1", "enrol-file#2", "enrol-done#1"} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t)
			first, second := w.enroller(time.Now), w.enroller(time.Now)
			if exit, said := w.bangtind(time.Now, "--code", first.code(), "--centre", first.server.URL); exit != 0 {
				t.Fatal(said)
			}
			old := must(w.set())
			cmd := exec.CommandContext(t.Context(), os.Args[0], "--site", w.path("site.toml"), "enrol", "--code", second.code(), "--centre", second.server.URL)
			cmd.Env = append(os.Environ(), envDaemonSet, "BANGTIN_TEST_KILL="+at)
			if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("not killed: %v %s", err, out)
			}
			// The next start of the program finishes what was begun; here a request for a stick, which enrols nobody.
			if exit, said := w.bangtind(time.Now, "--csr-out", w.path("request.pem")); exit != 0 {
				t.Fatal(said)
			}
			c, err := w.set()
			if err != nil {
				t.Fatal(err)
			}
			if isOld := c.Equal(old); isOld != (at == "enrol-note#1") {
				t.Errorf("the old set: %v", isOld)
			}
		})
	}
}

const envDaemonSet = "BANGTIN_TEST_DAEMON=1"
