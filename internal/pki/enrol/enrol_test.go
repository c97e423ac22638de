package enrol_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/trust"
)

func TestEnrol(t *testing.T) {
	c := newCentre(t)
	code := c.code(device)
	key, _, csr := newRequest(t, device)
	a, err := c.ask(code, csr)
	c.check(err)
	ca, err := a.CheckAuthority(code)
	c.check(err)
	certificate, err := a.Check(ca, device, &key.PublicKey)
	c.check(err)
	if life := certificate.NotAfter.Sub(c.clock()); life < 729*24*time.Hour {
		t.Errorf("lasts %v", life)
	}
	if _, err := trust.ParseDocument(a.Trust); err != nil {
		t.Error(err)
	}
	// The answer was lost on the way: the same display has it again, nobody else has anything.
	again, err := c.ask(code, csr)
	if err != nil || again.Certificate != a.Certificate {
		t.Errorf("the same request again: %v", err)
	}
	_, _, other := newRequest(t, device)
	c.refused("used code", code, other, http.StatusForbidden)
	c.later(enrol.Lifetime)
	c.refused("used code that has run out", code, csr, http.StatusForbidden)
}

// refused asks and wants a denial of this status.
func (c *centre) refused(what string, code enrol.Code, csr []byte, status int) {
	c.t.Helper()
	a, err := c.ask(code, csr)
	var denial *enrol.Denial
	if a != nil || !errors.As(err, &denial) || denial.Status != status {
		c.t.Errorf("%s: answer %v, error %v, want status %d", what, a != nil, err, status)
	}
}

func TestRefusals(t *testing.T) {
	c := newCentre(t)
	_, _, csr := newRequest(t, device)
	code := c.code(device)
	_, _, second := newRequest(t, "tinh-bien-02")
	c.refused("another display's code", code, second, http.StatusForbidden)
	replaced := code
	code = c.code(device)
	c.refused("a code that was replaced", replaced, csr, http.StatusForbidden)
	c.refused("a guessed code", enrol.NewCode(c.pin()), csr, http.StatusForbidden)
	c.later(enrol.Lifetime)
	c.refused("a code that has run out", code, csr, http.StatusForbidden)
	code = c.code(device)
	c.check(c.codes.Drop(device))
	c.refused("a code that was dropped", code, csr, http.StatusForbidden)

	code = c.code(device)
	c.mu.Lock()
	document := c.trust
	c.trust = nil
	c.mu.Unlock()
	c.refused("no trust document", code, csr, http.StatusInternalServerError)
	c.mu.Lock()
	c.trust = document
	c.mu.Unlock()

	for _, name := range []string{"centre", "operator-truc-ban", "AB", "+", "#", "a/b", "tinh-bien-01\n", strings.Repeat("a", 41)} {
		_, _, csr := newRequest(t, name)
		c.refused("the name "+name, code, csr, http.StatusBadRequest)
	}
	// None of this has used the code up.
	if _, err := c.ask(code, csr); err != nil {
		t.Error(err)
	}
	if said := c.log.String(); strings.Contains(said, strings.ReplaceAll(code.String(), "-", "")[:12]) || strings.Contains(said, code.String()[:14]) {
		t.Error("the log holds a code")
	}
}

func TestBodies(t *testing.T) {
	c := newCentre(t)
	_, _, csr := newRequest(t, device)
	code := c.code(device).String()
	plain := c.with()
	for name, in := range map[string]string{
		"nothing": "", "no JSON": "code", "a list": "[]", "no csr": body(map[string]string{"code": code}), "unknown field": body(map[string]string{"code": code, "csr": string(csr), "role": "centre"}),
		"field twice": `{"code":"a","code":"b","csr":"c"}`, "csr is garbage": body(map[string]string{"code": code, "csr": "-----BEGIN CERTIFICATE REQUEST-----"}),
		"endless": body(map[string]string{"code": code, "csr": strings.Repeat("x", enrol.MaxBody)}), "something behind": body(map[string]string{"code": code, "csr": string(csr)}) + "{}",
	} {
		if status, said := c.post("/enrol", in, plain); status != http.StatusBadRequest || !strings.HasPrefix(said, "cannot ") {
			t.Errorf("%s: %d %q", name, status, said)
		}
	}
	client := c.server.Client()
	client.Transport = &http.Transport{TLSClientConfig: plain, DisableKeepAlives: true}
	for path, want := range map[string]int{"/enrol": http.StatusMethodNotAllowed, "/renew": http.StatusMethodNotAllowed, "/enrol/x": http.StatusNotFound} {
		resp, err := client.Get(c.server.URL + path)
		c.check(err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

// Ten wrong codes and the address waits a minute, whatever it then says.
func TestGuesses(t *testing.T) {
	c := newCentre(t)
	_, _, csr := newRequest(t, device)
	good := c.code(device)
	for range 10 {
		c.refused("a guess", enrol.NewCode(c.pin()), csr, http.StatusForbidden)
	}
	c.refused("one guess more", enrol.NewCode(c.pin()), csr, http.StatusTooManyRequests)
	c.refused("the right code, too late", good, csr, http.StatusTooManyRequests)
	// Another address is not shut out.
	h := c.server.Config.Handler
	for address, want := range map[string]int{"203.0.113.7:4711": http.StatusForbidden, "127.0.0.1:9": http.StatusTooManyRequests, "[2001:db8::1]:1": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPost, "/enrol", strings.NewReader(body(map[string]string{"code": enrol.NewCode(c.pin()).String(), "csr": string(csr)})))
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", address, w.Code, want)
		}
	}
	c.later(time.Minute)
	if _, err := c.ask(good, csr); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestCodesAreBounded(t *testing.T) {
	c := newCentre(t)
	for i := range enrol.MaxCodes {
		c.code("display-" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
	}
	if _, _, err := c.codes.Make(device, c.pin()); !errors.Is(err, enrol.ErrFull) {
		t.Errorf("one more: %v", err)
	}
	c.code("display-aa") // in place of its own
	c.later(enrol.Lifetime)
	c.code(device)
}

// What a display believes: only the server that the code names, whatever its own clock says.
func TestPinnedServer(t *testing.T) {
	c, impostor := newCentre(t), newCentre(t)
	key, _, csr := newRequest(t, device)
	code := c.code(device)
	if _, err := enrol.Ask(t.Context(), impostor.server.URL, code, csr, time.Now(), time.Now()); err == nil || !strings.Contains(err.Error(), "not the one that the code names") {
		t.Errorf("an impostor: %v", err)
	}
	if strings.Contains(impostor.log.String(), "refused") {
		t.Error("the impostor received the request")
	}
	if _, err := enrol.Ask(t.Context(), strings.Replace(c.server.URL, "127.0.0.1", "[::1]", 1), code, csr, time.Now(), time.Now()); err == nil {
		t.Error("a server of another address is believed")
	}
	for _, base := range []string{"", "http://localhost", "https://", "ftp://localhost", "https://user@localhost"} {
		if _, err := enrol.Ask(t.Context(), base, code, csr, time.Now(), time.Now()); err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
	later := time.Now().AddDate(3, 0, 0)
	if _, err := enrol.Ask(t.Context(), c.server.URL, code, csr, later, later); err == nil {
		t.Error("a server whose certificate has run out is believed")
	}
	if _, err := enrol.Ask(t.Context(), c.server.URL, code, csr, time.Unix(0, 0), later); err == nil {
		t.Error("a server whose certificate has run out by the floor is believed, as the clock is in 1970")
	}
	if _, err := enrol.Ask(t.Context(), c.server.URL, code, csr, time.Now().AddDate(73, 0, 0), time.Now()); err != nil {
		t.Errorf("with a clock in 2099: %v", err)
	}
	a, err := enrol.Ask(t.Context(), c.server.URL, code, csr, time.Unix(0, 0), time.Unix(0, 0))
	if err != nil {
		t.Fatalf("with a clock in 1970: %v", err)
	}
	// The answer has to fit too.
	ca, err := a.CheckAuthority(code)
	c.check(err)
	other, _, _ := newRequest(t, device)
	strange, err := pki.ParseCertificate(pemOf(t, impostor, "ca.pem"))
	c.check(err)
	for name, check := range map[string]func() error{
		"another display's":   func() error { _, err := a.Check(ca, "tinh-bien-02", &key.PublicKey); return err },
		"another key's":       func() error { _, err := a.Check(ca, device, &other.PublicKey); return err },
		"another authority's": func() error { _, err := a.Check(strange, device, &key.PublicKey); return err },
		"pin of another":      func() error { _, err := a.CheckAuthority(enrol.NewCode(impostor.pin())); return err },
		"a server's certificate": func() error {
			b := *a
			b.Certificate = string(pemOf(t, c, "server.pem"))
			_, err := b.Check(ca, "localhost", &key.PublicKey)
			return err
		},
		"a certificate for the authority": func() error {
			b := *a
			b.CA = b.Certificate
			_, err := b.CheckAuthority(enrol.NewCode(pki.Pin(mustParse(t, b.Certificate))))
			return err
		},
	} {
		if check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func pemOf(t *testing.T, c *centre, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustParse(t *testing.T, raw string) *x509.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRenew(t *testing.T) {
	c, stranger := newCentre(t), newCentre(t)
	key, pair := c.enrolled(device)
	csr, err := pki.MakeRequest(key, device)
	c.check(err)
	c.later(500 * 24 * time.Hour)
	a, err := enrol.AskRenewal(t.Context(), c.server.URL, csr, c.dial(pair))
	c.check(err)
	ca, err := pki.ParseCertificate(pemOf(t, c, "ca.pem"))
	c.check(err)
	renewed, err := a.Check(ca, device, &key.PublicKey)
	if err != nil || !renewed.NotAfter.After(mustParse(t, string(certificatePEM(pair))).NotAfter) || a.CA != "" || a.Trust != nil {
		t.Errorf("renewed until %v, CA %q, %v", renewed.NotAfter, a.CA, err)
	}
	fresh, _, freshCSR := newRequest(t, device)
	if a, err = enrol.AskRenewal(t.Context(), c.server.URL, freshCSR, c.dial(pair)); err != nil {
		t.Errorf("with another key: %v", err)
	} else if _, err := a.Check(ca, device, &fresh.PublicKey); err != nil {
		t.Error(err)
	}

	_, foreign := stranger.enrolled(device)
	_, other := c.enrolled("tinh-bien-02")
	centre, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "centre.pem"), filepath.Join(c.dir, "centre.key"))
	c.check(err)
	good := body(map[string]string{"csr": string(csr)})
	for name, tt := range map[string]struct {
		conf *tls.Config
		body string
		want int
	}{
		"nobody":              {c.with(), good, http.StatusForbidden},
		"another authority's": {c.with(foreign), good, http.StatusForbidden},
		"another display":     {c.with(other), good, http.StatusForbidden},
		"the centre":          {c.with(centre), good, http.StatusForbidden},
		"with a code":         {c.with(pair), body(map[string]string{"csr": string(csr), "code": c.code(device).String()}), http.StatusBadRequest},
		"garbage":             {c.with(pair), body(map[string]string{"csr": "x"}), http.StatusBadRequest},
	} {
		if status, said := c.post("/renew", tt.body, tt.conf); status != tt.want || said == "" {
			t.Errorf("%s: %d %q, want %d", name, status, said, tt.want)
		}
	}
	if _, err := c.office.RevokeDisplay(device); err != nil {
		t.Fatal(err)
	}
	if status, said := c.post("/renew", good, c.with(pair)); status != http.StatusForbidden || !strings.Contains(said, "revoked") {
		t.Errorf("revoked: %d %q", status, said)
	}
	c.later(300 * 24 * time.Hour)
	if status, _ := c.post("/renew", body(map[string]string{"csr": string(csr)}), c.with(other)); status != http.StatusForbidden {
		t.Errorf("after the certificate has run out: %d", status)
	}
}

func certificatePEM(pair tls.Certificate) []byte {
	return pemEncode(pair.Certificate[0])
}

func TestParseCode(t *testing.T) {
	code := enrol.NewCode("ABCDEFGHIJKLMNOPQRST")
	typed := code.String()
	for _, s := range []string{
		typed, strings.ToLower(typed), strings.ReplaceAll(typed, "-", ""), " " + strings.ReplaceAll(typed, "-", " ") + "\n",
		strings.NewReplacer("O", "0", "I", "1", "B", "8").Replace(typed),
	} {
		if got, err := enrol.ParseCode(s); err != nil || got != code {
			t.Errorf("%q: %v %v", s, got, err)
		}
	}
	if len(typed) != 39 || code.Pin() != "ABCDEFGHIJKLMNOPQRST" {
		t.Errorf("code %q", typed)
	}
	for _, s := range []string{"", "ABCD", typed[:38], typed + "A", strings.Replace(typed, "-", "_", 1), strings.Replace(typed, typed[:1], "9", 1), strings.Repeat("A", 1<<20)} {
		if _, err := enrol.ParseCode(s); err == nil {
			t.Errorf("%.50q is taken for a code", s)
		}
	}
	if one, two := enrol.NewCode(""), enrol.NewCode(""); one == two {
		t.Error("codes repeat")
	}
}

func TestOperatorName(t *testing.T) {
	if cn, err := enrol.OperatorName("truc-ban"); err != nil || cn != "operator-truc-ban" {
		t.Errorf("%q %v", cn, err)
	}
	for _, name := range []string{"", "Trực", "a b", "+", strings.Repeat("a", 32)} {
		if _, err := enrol.OperatorName(name); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}

func FuzzEnrol(f *testing.F) {
	_, _, csr := newRequest(f, device)
	f.Add([]byte(body(map[string]string{"code": enrol.NewCode("ABCDEFGHIJKLMNOPQRST").String(), "csr": string(csr)})))
	f.Add([]byte(`{"csr":"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"}`))
	dir := f.TempDir()
	office, err := pki.NewOffice(dir, []string{"localhost"}, time.Now)
	if err != nil {
		f.Fatal(err)
	}
	h := enrol.NewServer(enrol.Config{
		Office: office, Codes: enrol.OpenCodes(dir, time.Now), Now: time.Now, Log: discard(), Trust: func() ([]byte, error) { return []byte("{}"), nil },
	}).Handler()
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := httptest.NewRequest(http.MethodPost, "/enrol", strings.NewReader(string(raw)))
		r.RemoteAddr = "203.0.113.7:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest && w.Code != http.StatusForbidden && w.Code != http.StatusTooManyRequests {
			t.Errorf("%d for %q", w.Code, raw)
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"certificate":"x","ca":"y","trust":{"payloadType":"a","payload":"","signatures":[]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := enrol.ReadAnswer(raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := enrol.ReadAnswer(again); err != nil {
			t.Errorf("%q is not read again: %v", again, err)
		}
	})
}
