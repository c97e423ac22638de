package depot_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/centre/depot"
)

func TestContentThereAndBack(t *testing.T) {
	r := newRig(t)
	operator, display := r.as(r.operators.client("operator-truc-ban")), r.as(r.displays.client("tinh-bien-01"))
	film := make([]byte, 3*64<<10+17)
	rand.Read(film)
	path := "/content/" + sum(film)
	if got := display.status("GET", path, nil); got != http.StatusNotFound {
		t.Errorf("before: %d", got)
	}
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		if got := operator.status("PUT", path, film); got != want {
			t.Errorf("PUT: %d, want %d", got, want)
		}
	}
	status, header, got := display.do("GET", path, nil)
	if status != http.StatusOK || !bytes.Equal(got, film) || header.Get("ETag") != `"`+sum(film)+`"` {
		t.Errorf("GET: %d, %d bytes, ETag %s", status, len(got), header.Get("ETag"))
	}
	status, _, got = display.do("GET", path, nil, "Range", "bytes=65536-65545", "If-Range", `"`+sum(film)+`"`)
	if status != http.StatusPartialContent || !bytes.Equal(got, film[65536:65546]) {
		t.Errorf("Range: %d, %d bytes", status, len(got))
	}
	status, _, got = display.do("GET", path, nil, "Range", "bytes=65536-65545", "If-Range", `"another"`)
	if status != http.StatusOK || len(got) != len(film) {
		t.Errorf("Range of another file: %d, %d bytes", status, len(got))
	}
	var blocks []byte
	for block := range slices.Chunk(film, 64<<10) {
		s := sha256.Sum256(block)
		blocks = append(blocks, s[:]...)
	}
	if _, _, got := display.do("GET", path+".blocks", nil); !bytes.Equal(got, blocks) {
		t.Errorf("blocks: %d bytes, want %d", len(got), len(blocks))
	}
	// One that was put into the folder by hand has its list computed.
	if err := os.Remove(r.path("content", sum(film)+".blocks")); err != nil {
		t.Fatal(err)
	}
	if _, _, got := display.do("GET", path+".blocks", nil); !bytes.Equal(got, blocks) {
		t.Errorf("computed blocks: %d bytes, want %d", len(got), len(blocks))
	}
}

// What is not what its name says, or does not come whole, leaves nothing behind.
func TestContentThatIsRefused(t *testing.T) {
	r := newRig(t)
	operator := r.as(r.operators.client("operator-truc-ban"))
	name := sum([]byte("phim"))
	for _, tt := range []struct {
		what, path string
		body       io.Reader
		want       int
	}{
		{"another hash", "/content/" + name, strings.NewReader("phin"), http.StatusUnprocessableEntity},
		{"no length", "/content/" + name, io.MultiReader(strings.NewReader("phim")), http.StatusLengthRequired},
		{"nothing", "/content/" + name, http.NoBody, http.StatusRequestEntityTooLarge},
		{"another name", "/content/phim.mp4", strings.NewReader("phim"), http.StatusNotFound},
		{"capital letters", "/content/" + strings.ToUpper(name), strings.NewReader("phim"), http.StatusNotFound},
		{"a path", "/content/..%2f..%2fca.pem", strings.NewReader("phim"), http.StatusNotFound},
	} {
		status, _, answer := operator.do("PUT", tt.path, tt.body)
		if status != tt.want {
			t.Errorf("%s: %d, want %d", tt.what, status, tt.want)
		}
		var said struct{ Error string }
		if err := json.Unmarshal(answer, &said); err != nil || !strings.HasPrefix(said.Error, "cannot ") {
			t.Errorf("%s: answer %q", tt.what, answer)
		}
	}
	left, err := os.ReadDir(r.path("content"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Whoever has no good certificate, the wrong one, or one that was revoked a moment ago, may nothing.
func TestWhoMayWhat(t *testing.T) {
	r := newRig(t)
	display, operator := r.displays.client("tinh-bien-01"), r.operators.client("operator-truc-ban")
	stranger := newAuthority(t, "ca")
	body := []byte("phim")
	get, put := "GET /content/"+sum(body), "PUT /content/"+sum(body)
	upload, fetch := "PUT /content/upload/lenh-000001.json", "GET /content/upload/tinh-bien-01/lenh-000001.json"
	tests := []struct {
		who string
		as  *caller
		may []string
	}{
		{"operator", r.as(operator), []string{get, put, fetch}},
		{"display", r.as(display), []string{get, upload}},
		{"nobody", r.as(), nil},
		{"the centre itself", r.as(r.operators.client("centre")), nil},
		{"a display of the department's authority", r.as(r.operators.client("tinh-bien-01")), nil},
		{"an operator of the displays' authority", r.as(r.displays.client("operator-truc-ban")), nil},
		{"a server", r.as(r.displays.issue("tinh-bien-01", x509.ExtKeyUsageServerAuth, 24*time.Hour)), nil},
		{"a stranger", r.as(stranger.client("tinh-bien-01")), nil},
		{"one that has run out", r.as(r.displays.issue("tinh-bien-01", x509.ExtKeyUsageClientAuth, time.Minute)), nil},
		{"a name that is a path", r.as(r.displays.client("../tinh-bien")), nil},
	}
	check := func() {
		t.Helper()
		for _, tt := range tests {
			for _, what := range []string{put, get, upload, fetch} {
				method, path, _ := strings.Cut(what, " ")
				status := tt.as.status(method, path, []byte(`{"ok":1}`))
				if refused := status == http.StatusForbidden; refused == slices.Contains(tt.may, what) {
					t.Errorf("%s, %s: %d", tt.who, what, status)
				}
			}
			if got := tt.as.status("POST", "/enrol", body); got != http.StatusOK {
				t.Errorf("%s: enrolment is for another room to judge: %d", tt.who, got)
			}
		}
	}
	check()
	r.write("crl.pem", append(r.displays.revoke(2, display), r.operators.revoke(2, operator)...))
	tests[0].may, tests[1].may = nil, nil
	check()
	// A list that cannot be read is no list of nobody.
	tests = append(tests, struct {
		who string
		as  *caller
		may []string
	}{"another operator", r.as(r.operators.client("operator-khac")), nil})
	r.write("crl.pem", []byte("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"))
	check()
}

// The server's certificate is renewed without a restart.
func TestRenewedServerCertificate(t *testing.T) {
	r := newRig(t)
	r.own(r.displays.issue("renewed", x509.ExtKeyUsageServerAuth, 24*time.Hour))
	roots := x509.NewCertPool()
	roots.AddCert(r.displays.cert)
	conn, err := tls.Dial("tcp", r.address, &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().PeerCertificates[0].Subject.CommonName; got != "renewed" {
		t.Errorf("still %s", got)
	}
	if conn.ConnectionState().Version != tls.VersionTLS13 {
		t.Error("not TLS 1.3")
	}
}

func TestUploadsAreBounded(t *testing.T) {
	r := newRig(t)
	display, operator := r.as(r.displays.client("tinh-bien-01")), r.as(r.operators.client("operator-truc-ban"))
	jpeg := append([]byte{0xff, 0xd8, 0xff, 0xe0}, "ảnh"...)
	for _, tt := range []struct {
		name string
		body []byte
		want int
	}{
		{"lenh-000001.jpg", []byte("<html>"), http.StatusUnprocessableEntity},
		{"lenh-000001.json", jpeg, http.StatusUnprocessableEntity},
		{"lenh-000001.exe", jpeg, http.StatusNotFound},
		{"..%2flenh-01.jpg", jpeg, http.StatusNotFound},
		{"lenh-000001.jpg", bytes.Repeat(jpeg, 1<<18), http.StatusRequestEntityTooLarge},
		{"lenh-000001.jpg", jpeg, http.StatusCreated},
	} {
		if got := display.status("PUT", "/content/upload/"+tt.name, tt.body); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	_, header, got := operator.do("GET", "/content/upload/tinh-bien-01/lenh-000001.jpg", nil)
	if !bytes.Equal(got, jpeg) || header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%s: %d bytes", header.Get("Content-Type"), len(got))
	}
	for i := range 30 {
		name := fmt.Sprintf("lenh-%06d.json", 100+i)
		if got := display.status("PUT", "/content/upload/"+name, []byte(`{}`)); got != http.StatusCreated {
			t.Fatalf("%s: %d", name, got)
		}
	}
	kept, err := os.ReadDir(r.path("uploads", "tinh-bien-01"))
	if err != nil || len(kept) != 20 {
		t.Fatalf("%d kept, %v", len(kept), err)
	}
	if first := kept[0].Name(); first != "lenh-000110.json" {
		t.Errorf("the oldest kept is %s", first)
	}
}

// What an interrupted upload left goes at the next start, and only that.
func TestDraftsGoAtTheStart(t *testing.T) {
	r := newRig(t)
	r.write("content/.draft-123", []byte("x"))
	r.write("content/"+sum([]byte("phim")), []byte("phim"))
	if _, err := depot.New(r.config); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(r.path("content"))
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// A display that opens many requests and reads none leaves room for others.
func TestOnePersonCannotTakeEveryPlace(t *testing.T) {
	r := newRig(t)
	film := make([]byte, 16<<20)
	rand.Read(film)
	r.write("content/"+sum(film), film)
	greedy := r.as(r.displays.client("tham-lam-01"))
	refused := 0
	for range 12 {
		request, err := http.NewRequest("GET", "https://"+r.address+"/content/"+sum(film), nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := greedy.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() // until the end: none is read
		if response.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused != 4 {
		t.Errorf("%d of 12 refused, want 4", refused)
	}
	if got := r.as(r.displays.client("tinh-bien-01")).status("GET", "/content/"+sum(film), nil); got != http.StatusOK {
		t.Errorf("another display: %d", got)
	}
}
