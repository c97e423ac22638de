package main_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/control/local"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

const device = "tinh-bien-01"

// A world is one display's folder together with the department that its trust document knows.
type world struct {
	t          testing.TB
	dir        string
	department *brokertest.Department
	site       siteFile
	seconds    int      // each item of a playlist is shown so long
	flags      []string // of the daemon, besides the site file
}

// A siteFile is what differs between the sites of these tests.
type siteFile struct {
	windows, driver, port, input, broker, content string

	tables string // besides
}

func newWorld(t testing.TB) *world {
	t.Helper()
	department, err := brokertest.NewDepartment()
	if err != nil {
		t.Fatal(err)
	}
	// A socket's path holds 107 bytes: t.TempDir() is too deep for one.
	dir, err := os.MkdirTemp("", "bangtind-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, dir: dir, department: department, seconds: 3, flags: []string{"--verbose"}, site: siteFile{windows: "00:00-24:00", driver: "sim"}}
	if err := os.MkdirAll(w.path("data", "inbox", "content"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.write(w.document(), "data", "trust.json")
	return w
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

func (w *world) write(data []byte, parts ...string) {
	w.t.Helper()
	if err := os.WriteFile(w.path(parts...), data, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// document is the trust document as the department's tool would have written it.
func (w *world) document() []byte {
	w.t.Helper()
	raw, err := w.department.Document.Seal(w.department.Keepers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

func (w *world) siteToml() {
	s := fmt.Sprintf("[site]\nid = %q\ngate = \"Cửa khẩu thử nghiệm\"\ndata = %q\nsocket = %q\n[schedule]\nwindows = [%q]\npanel_lead = \"60s\"\n[panel]\ndriver = %q\n",
		device, w.path("data"), w.path("run", "control.sock"), w.site.windows, w.site.driver)
	if w.site.port != "" {
		s += fmt.Sprintf("port = %q\nset_id = 1\n", w.site.port)
	}
	if w.site.input != "" {
		s += fmt.Sprintf("input = %q\n", w.site.input)
	}
	if w.site.driver == "sim" { // else TestMain has it so
		s += "[output]\nvideo = \"null\"\n"
	}
	if w.site.broker != "" {
		s += fmt.Sprintf("[broker]\nurl = %q\nheartbeat = \"10s\"\ngather = \"0s\"\n", w.site.broker)
	}
	if w.site.content != "" {
		s += fmt.Sprintf("[content]\nurl = %q\n", w.site.content)
	}
	s += w.site.tables
	w.write([]byte(s), "site.toml")
}

// playlist signs a playlist of one picture and two texts with the given keys and puts its file into the inbox.
func (w *world) playlist(version uint64, signers ...trust.Signer) []byte {
	w.t.Helper()
	var picture bytes.Buffer
	img := image.NewRGBA(image.Rect(0, 0, 64, 36))
	img.Set(int(version%64), 0, color.White) // each version has its own file
	if err := png.Encode(&picture, img); err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256(picture.Bytes())
	name := hex.EncodeToString(sum[:])
	w.write(picture.Bytes(), "data", "inbox", "content", name)
	item := func(id string) media.Item {
		return media.Item{
			ID: id, Title: id, Category: media.EssentialInfo, Language: media.Vietnamese, Seconds: w.seconds,
			Source:      media.Source{Type: media.Agency, Organisation: "Sở", Document: "1/TB"},
			Contributor: "Ban biên tập", Rights: "tự sản xuất", Editor: "editor", Approver: "approver", NonSecret: true,
		}
	}
	hinh, mot, hai := item("hinh"), item("mot"), item("hai")
	hinh.Kind, hinh.File = media.Picture, &media.File{SHA256: name, Size: int64(picture.Len()), Type: "image/png"}
	for _, text := range []*media.Item{&mot, &hai} {
		text.Kind = media.TextCard
		text.Text = &media.Text{Heading: "Thông báo", Body: "Nội dung", Foreground: "#ffffff", Background: "#003366"}
	}
	payload, err := json.Marshal(media.Playlist{
		ID: "thu-nghiem", Version: version, Title: "Thử nghiệm", Audience: []string{device},
		Created: time.Now().UTC().Truncate(time.Second), Items: []media.Item{hinh, mot, hai},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := brokertest.Seal(trust.TypePlaylist, payload, signers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// approved is a playlist as it should be signed.
func (w *world) approved(version uint64) []byte {
	return w.playlist(version, w.department.Editor, w.department.Approver)
}

func (w *world) inbox(raw []byte) { w.write(raw, "data", "inbox", "playlist.json") }

// A run is one process of the daemon.
type run struct {
	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{}
	mu     sync.Mutex
	output bytes.Buffer
}

func (r *run) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.Write(p)
}

func (r *run) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

// start runs this test binary as the daemon, in a process of its own.
func (w *world) start(env ...string) *run {
	w.t.Helper()
	return w.startProgram(os.Args[0], append(env, "BANGTIN_TEST_DAEMON=1")...)
}

// startProgram runs a daemon in a process of its own. It is killed when the test ends, if it still lives.
func (w *world) startProgram(path string, env ...string) *run {
	w.t.Helper()
	w.siteToml()
	r := &run{t: w.t, cmd: exec.Command(path, append([]string{"--site", w.path("site.toml")}, w.flags...)...), exited: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), env...)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	r.cmd.WaitDelay = time.Second // mpv may hold the pipe a moment longer than a killed daemon
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		r.cmd.Wait() // how it ended is read from ProcessState
		close(r.exited)
	}()
	w.t.Cleanup(func() {
		r.cmd.Process.Kill()
		<-r.exited
		if w.t.Failed() {
			w.t.Logf("the daemon said:\n%s", r.log())
		}
	})
	return r
}

// stop ends the daemon in good order.
func (r *run) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-r.exited:
	case <-time.After(30 * time.Second):
		r.t.Fatal("the daemon did not end")
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		r.t.Fatalf("the daemon ended with %d", code)
	}
}

func (r *run) alive() bool {
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// ask talks to the daemon's socket.
func (w *world) ask(r local.Request) (*wire.State, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	a, err := local.Ask(ctx, w.path("run", "control.sock"), r)
	if err != nil {
		return nil, err
	}
	var s wire.State
	return &s, json.Unmarshal(a.State, &s)
}

// until waits for the state to be as wanted and fails with the last one.
func (w *world) until(what string, ok func(*wire.State) bool) *wire.State {
	w.t.Helper()
	var last *wire.State
	var err error
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var s *wire.State
		if s, err = w.ask(local.Request{Do: local.Status}); err == nil {
			if last = s; ok(s) {
				return s
			}
		}
	}
	raw, _ := json.MarshalIndent(last, "", " ")
	w.t.Fatalf("not seen in 45 s: %s; last error %v, last state %s", what, err, raw)
	return nil
}

func playing(version uint64) func(*wire.State) bool {
	return func(s *wire.State) bool {
		return s.Player.State == "playing" && strings.HasSuffix(s.Player.Playlist, fmt.Sprintf("@%d", version)) && s.Panel.Power == "on"
	}
}

// verified opens the journal after the daemon ended, has it verified, and returns every record.
func (w *world) verified() []journal.Record {
	w.t.Helper()
	seed, err := os.ReadFile(w.path("data", "keys", "journal.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	report, err := sqlite.Verify(w.t.Context(), w.path("data", "journal.db"), key.Public().(ed25519.PublicKey))
	if err != nil || !report.OK() {
		w.t.Fatalf("journal: %v %v", err, report.Findings)
	}
	return w.records()
}

// records reads every record, while the daemon runs or not.
func (w *world) records() []journal.Record {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+w.path("data", "journal.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(w.t.Context(), "SELECT seq, boot, mono, wall, trust, kind, body, hash FROM record ORDER BY seq")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var records []journal.Record
	for rows.Next() {
		var r journal.Record
		var body string
		var hash []byte
		var wall int64
		if err := rows.Scan(&r.Seq, &r.Stamp.Boot, &r.Stamp.Mono, &wall, &r.Stamp.Trust, &r.Kind, &body, &hash); err != nil {
			w.t.Fatal(err)
		}
		r.Stamp.Wall = time.Unix(0, wall).UTC()
		r.Body = json.RawMessage(body)
		copy(r.Hash[:], hash)
		records = append(records, r)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return records
}

// bodies decodes the bodies of all records of one kind.
func bodies[T any](t testing.TB, records []journal.Record, kind journal.Kind) []T {
	t.Helper()
	var out []T
	for _, r := range records {
		if r.Kind != kind {
			continue
		}
		var b T
		if err := json.Unmarshal(r.Body, &b); err != nil {
			t.Fatal(errors.Join(err, fmt.Errorf("record %d", r.Seq)))
		}
		out = append(out, b)
	}
	return out
}
