package main_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
)

// A full database costs nothing but time: the centre goes on, acknowledges nothing, says so, and takes everything when
// there is room.
func TestFullDatabase(t *testing.T) {
	w := newWorld(t)
	conf := must(os.ReadFile(filepath.Join(w.dir, "center.toml")))(t)
	w.write("center.toml", append(bytes.Clone(conf), "max_database = 1\n"...))
	d := w.display("tinh-bien-01")
	r := w.start()
	w.eventually("a full database is told", func() bool {
		d.remember(200)
		return w.metric("bangtin_database_writable") == "0"
	})
	d.remember(200)
	w.eventually("records wait in the outbox", func() bool { return d.depth() > 0 && w.metric(`bangtin_refusals_total{reason="not-written"}`) != "0" })
	if !r.alive() || !strings.Contains(r.out.String(), "database is full") {
		t.Errorf("alive: %v", r.alive())
	}
	w.write("center.toml", conf)
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.eventually("the outbox is empty", func() bool { return d.depth() == 0 })
	if got := w.metric("bangtin_database_writable"); got != "1" {
		t.Errorf("writable: %q", got)
	}
	r.stop()
	if report := w.verify(); !report.OK() || report.Records != d.made {
		t.Errorf("%d made, %+v", d.made, report)
	}
}

// TestSystemdIsTold reads what the centre says to a notify socket. Nothing has to be there but its folder: no broker.
func TestSystemdIsTold(t *testing.T) {
	w := newWorld(t)
	if err := w.broker.Kill(); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "notify")
	conn := must(net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"}))(t)
	defer conn.Close()
	r := w.start("NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=1000000")
	await := func(want string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for buf := make([]byte, 256); ; {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("systemd was not told %s: %v", want, err)
			}
			if string(buf[:n]) == want {
				return
			}
		}
	}
	await("READY=1")
	await("WATCHDOG=1")
	await("WATCHDOG=1")
	r.stop()
	await("STOPPING=1")
}

// The HTTPS server asks for certificates, and knows who is who.
func TestContentIsServed(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	client := w.client("tinh-bien-01")
	status := func(method, path string, body []byte) int {
		t.Helper()
		request := must(http.NewRequest(method, "https://"+w.listen+path, bytes.NewReader(body)))(t)
		response, err := client.Do(request)
		if err != nil {
			return 0
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	w.eventually("the server answers", func() bool { return status("GET", "/content/"+strings.Repeat("0", 64), nil) != 0 })
	for _, tt := range []struct {
		method, path string
		body         string
		want         int
	}{
		{"GET", "/content/" + strings.Repeat("0", 64), "", http.StatusNotFound},
		{"PUT", "/content/" + strings.Repeat("0", 64), "x", http.StatusForbidden},
		{"PUT", "/content/upload/lenh-000001.json", `{"ok":true}`, http.StatusCreated},
		{"GET", "/content/upload/tinh-bien-01/lenh-000001.json", "", http.StatusForbidden},
		{"POST", "/enrol", "{}", http.StatusBadRequest},
	} {
		if got := status(tt.method, tt.path, []byte(tt.body)); got != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, got, tt.want)
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, "uploads", "tinh-bien-01", "lenh-000001.json")); err != nil {
		t.Error(err)
	}
	r.stop()
}

// A display enrols with a code, with the folder as `bangtin center init` makes it, and is somebody at once.
func TestEnrols(t *testing.T) {
	w := newWorld(t)
	if err := os.RemoveAll(filepath.Join(w.dir, "pki")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"pki", "enrol"} {
		if err := os.Mkdir(filepath.Join(w.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	office := must(pki.NewOffice(filepath.Join(w.dir, "pki"), []string{"127.0.0.1"}, time.Now))(t)
	code, _, err := enrol.OpenCodes(filepath.Join(w.dir, "enrol"), time.Now).Make("tinh-bien-01", must(office.Displays())(t).Pin())
	if err != nil {
		t.Fatal(err)
	}
	r := w.start()
	key, _, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	csr := must(pki.MakeRequest(key, "tinh-bien-01"))(t)
	var answer *enrol.Answer
	w.eventually("the display is enrolled", func() bool {
		answer, err = enrol.Ask(t.Context(), "https://"+w.listen, code, csr, time.Now(), time.Now())
		return err == nil
	})
	ca := must(answer.CheckAuthority(code))(t)
	leaf := must(answer.Check(ca, "tinh-bien-01", &key.PublicKey))(t)
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}}}
	get := func() int {
		t.Helper()
		response, err := client.Get("https://" + w.listen + "/content/" + strings.Repeat("0", 64))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if got := get(); got != http.StatusNotFound {
		t.Errorf("enrolled: %d", got)
	}
	if _, err := office.RevokeDisplay("tinh-bien-01"); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != http.StatusForbidden {
		t.Errorf("revoked: %d", got)
	}
	r.stop()
}

func TestConfigurationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"unknown key", "brokers = \"tls://a:1\"", `key "brokers" does not exist`},
		{"no broker", "", "is not of the form tls://host:port"},
		{"broker in the clear", `broker = "tcp://a:1883"`, "is not of the form tls://host:port"},
		{"metrics for everybody", "broker = \"tls://a:1\"\nmetrics = \":9464\"", "is not a loopback address"},
		{"windows", "broker = \"tls://a:1\"\nwindows = [\"7-11\"]", "is not a window"},
		{"own windows", "broker = \"tls://a:1\"\n[windows_of]\n\"A B\" = [\"07:00-11:00\"]", "cannot use"},
		{"zone", "broker = \"tls://a:1\"\ntimezone = \"Local\"", "is not a time zone"},
		{"too small", "broker = \"tls://a:1\"\nmax_database = -3", "max_database"},
		{"time of nobody", "broker = \"tls://a:1\"\ntime = \"mine\"", `time "mine" is not "kernel" or "trusted"`},
		{"not TOML", "broker =", "cannot use"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "center.toml"), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out := call(t, "--dir", dir, "run")
			if code != 1 || !strings.Contains(out, tt.want) || strings.Count(out, "\n") != 1 {
				t.Errorf("%d: %q", code, out)
			}
		})
	}
}

func TestVerifyAnswersByItsExitCode(t *testing.T) {
	w := newWorld(t)
	d := w.display("tinh-bien-01")
	d.remember(10)
	r := w.start()
	w.eventually("the outbox is empty", func() bool { return d.depth() == 0 })
	if code, out := call(t, "--dir", w.dir, "verify"); code != 0 || !strings.Contains(out, "1 displays, 10 records") {
		t.Errorf("while it runs: %d: %q", code, out)
	}
	r.stop()
	alter(t, filepath.Join(w.dir, "center.db"), "DELETE FROM record WHERE seq = 4")
	if code, out := call(t, "--dir", w.dir, "verify"); code != 1 || !strings.Contains(out, "records 4 to 4 were removed") {
		t.Errorf("altered: %d: %q", code, out)
	}
	for _, wrong := range [][]string{{"--dir", w.dir, "verify", "twice"}, {"sell"}, {"--what"}} {
		if code, _ := call(t, wrong...); code != 2 {
			t.Errorf("%q: %d", wrong, code)
		}
	}
}

// call runs the program to its end.
func call(t *testing.T, args ...string) (int, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "BANGTIN_TEST_CENTRE=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func alter(t *testing.T, path, statement string) {
	t.Helper()
	db := must(sql.Open("sqlite3", path))(t)
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
