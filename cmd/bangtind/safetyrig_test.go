package main_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/hal/haltest/panelproc"
)

// A rigged display is a daemon whose panel is a process on a serial line and whose smoke detector, one thermometer and
// relay are a rig's; a second thermometer is a chip in a sysfs of the test's own. Nothing joins the relay to the panel:
// what the panel does, it does because it was told.
type rigged struct {
	*world
	panel *panelproc.Panel
	run   *run
	conn  net.Conn

	mu     sync.Mutex
	events []event
	news   chan struct{} // one deep
}

// An event is what a bench told.
type event struct {
	at   time.Time
	what string
}

// warm is the temperature of a cabinet in the sun, in °C: low enough not to be dimmed, and so near to the fire's that
// the thermometer in sysfs is believed again 4 s after it.
const (
	warm  = 55
	blaze = 80
)

func newRigged(t *testing.T, w *world, panel *panelproc.Panel, protocol string) *rigged {
	t.Helper()
	d := &rigged{world: w, panel: panel, news: make(chan struct{}, 1)}
	w.site.driver, w.site.port = protocol, panel.Path
	w.site.tables = "[temperature]\nback = \"hwmon:lm75:temp1\"\n"
	if err := os.MkdirAll(d.chip(), 0o755); err != nil {
		t.Fatal(err)
	}
	w.write([]byte("lm75\n"), "sys", "class", "hwmon", "hwmon0", "name")
	d.chipSays(warm)
	return d
}

func (d *rigged) chip() string { return d.path("sys", "class", "hwmon", "hwmon0") }

// chipSays replaces the file, so that no reader sees half of it.
func (d *rigged) chipSays(celsius int) {
	d.t.Helper()
	d.write([]byte(strconv.Itoa(celsius*1000)+"\n"), "sys", "new")
	if err := os.Rename(d.path("sys", "new"), filepath.Join(d.chip(), "temp1_input")); err != nil {
		d.t.Fatal(err)
	}
}

// begin starts the daemon and goes to its bench.
func (d *rigged) begin() {
	d.t.Helper()
	socket := d.path("rig.sock")
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
	d.run = d.start("BANGTIN_TEST_RIG=" + d.dir)
	var err error
	for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if d.conn, err = net.Dial("unix", socket); err == nil {
			go d.listen(d.conn)
			return
		}
	}
	d.t.Fatal(err)
}

func (d *rigged) listen(conn net.Conn) {
	for s := bufio.NewScanner(conn); s.Scan(); {
		stamp, what, _ := strings.Cut(s.Text(), " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			panic(err)
		}
		d.mu.Lock()
		d.events = append(d.events, event{at, what})
		d.mu.Unlock()
		select {
		case d.news <- struct{}{}:
		default:
		}
	}
}

// since is the first event of that name not before a moment.
func (d *rigged) since(at time.Time, what string) (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.what == what && !e.at.Before(at) {
			return e.at, true
		}
	}
	return time.Time{}, false
}

// await waits for it. The limit is no measure of speed: only a test that fails anyway waits for it.
func (d *rigged) await(at time.Time, what string) time.Time {
	d.t.Helper()
	for end := time.After(45 * time.Second); ; {
		if at, ok := d.since(at, what); ok {
			return at
		}
		select {
		case <-d.news:
		case <-end:
			d.t.Fatalf("not seen in 45 s: %s", what)
		}
	}
}

// forget drops the events so far.
func (d *rigged) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = nil
}

// tell gives the bench a line and returns when it began to hold.
func (d *rigged) tell(line string) time.Time {
	d.t.Helper()
	before := time.Now()
	if _, err := fmt.Fprintln(d.conn, line); err != nil {
		d.t.Fatal(err)
	}
	return d.await(before, "told "+line)
}

// dark is when the panel's picture went out first, not before a moment.
func (d *rigged) dark(since time.Time) (time.Time, bool) {
	for _, line := range d.panel.Events() {
		stamp, ok := strings.CutPrefix(line, "power off ")
		if at, err := time.Parse(time.RFC3339Nano, stamp); ok && err == nil && !at.Before(since) {
			return at, true
		}
	}
	return time.Time{}, false
}

// players are the processes of mpv that the daemon runs.
func (d *rigged) players() []int {
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		d.t.Fatal(err)
	}
	var all []int
	for _, path := range entries {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// "pid (comm) state ppid …"
		pid, rest, _ := strings.Cut(string(raw), " (")
		name, rest, _ := strings.Cut(rest, ") ")
		words := strings.Fields(rest)
		if len(words) < 2 || words[1] != strconv.Itoa(d.run.cmd.Process.Pid) || name != "mpv" {
			continue
		}
		if n, err := strconv.Atoi(pid); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// hang stops mpv, and returns what lets it go on. The daemon kills one that hangs for long.
func (d *rigged) hang() (resume func()) {
	stopped := d.players()
	for _, pid := range stopped {
		syscall.Kill(pid, syscall.SIGSTOP) // it may have ended since
	}
	return func() {
		for _, pid := range stopped {
			syscall.Kill(pid, syscall.SIGCONT)
		}
	}
}

// standing is a setting of the journal, empty when it has none.
func (w *world) standing(key string) string {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+w.path("data", "journal.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var value string
	err = db.QueryRowContext(w.t.Context(), "SELECT value FROM setting WHERE key = ?", key).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		w.t.Fatal(err)
	}
	return value
}

// onItsOwnDisk puts a disk of its own under the data folder, or says why not.
func (w *world) onItsOwnDisk() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("a disk of its own needs root")
	}
	data := w.path("data")
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=8g"); err != nil { // a limit; content keeps 1 GiB free
		return fmt.Errorf("cannot mount here: %w", err)
	}
	w.t.Cleanup(func() {
		if err := unix.Unmount(data, unix.MNT_DETACH); err != nil {
			w.t.Error(err)
		}
	})
	if err := os.MkdirAll(w.path("data", "inbox", "content"), 0o755); err != nil {
		return err
	}
	w.write(w.document(), "data", "trust.json")
	return nil
}

// fill leaves not one byte on the disk.
func (w *world) fill() {
	w.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(w.path("data"), &s); err != nil {
		w.t.Fatal(err)
	}
	size := fmt.Sprintf("size=%d", (s.Blocks-s.Bfree)*uint64(s.Bsize))
	if err := unix.Mount("", w.path("data"), "", unix.MS_REMOUNT, size); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.path("data", "one"), []byte("1"), 0o600); err == nil {
		w.t.Fatal("the disk is not full")
	}
}

// blackHole takes connections and never says a word.
func blackHole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		var all []net.Conn // kept, or they would be closed
		for {
			conn, err := l.Accept()
			if err != nil {
				for _, c := range all {
					c.Close()
				}
				return
			}
			all = append(all, conn)
		}
	}()
	return fmt.Sprintf("tls://localhost:%d", l.Addr().(*net.TCPAddr).Port)
}
