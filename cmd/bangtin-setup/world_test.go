package main_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "bangtin/cmd/bangtin-setup"
	"bangtin/image/layout"
	"bangtin/internal/notice"
	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

// patience is how long anything may take before the test gives up on it. It decides nothing else.
const patience = 30 * time.Second

// The test binary is the program too, when this is set: children are real, and can be killed at a labelled write.
const (
	envProgram = "BANGTIN_TEST_SETUP"
	envFolders = "BANGTIN_TEST_FOLDERS" // "devices" are folders that hold what would be mounted
	envKill    = "BANGTIN_TEST_KILL"    // how many labelled writes are reached before SIGKILL
	envPaths   = "BANGTIN_TEST_PATHS"
)

func TestMain(m *testing.M) {
	if os.Getenv(envProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(program(ctx))
}

// program is bangtin-setup as a process.
func program(ctx context.Context) int {
	m := &Main{Args: os.Args[1:], Stdout: os.Stdout, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if err := json.Unmarshal([]byte(os.Getenv(envPaths)), &m.Paths); err != nil {
		panic(err)
	}
	m.Own = func(*os.File) error { return nil }
	m.Do = func(context.Context, ...string) error { return nil }
	m.Kind = os.Getenv("BANGTIN_TEST_KIND")
	m.Look, m.Linger = time.Millisecond, time.Millisecond
	if left := os.Getenv(envKill); left != "" {
		n := 0
		if _, err := fmt.Sscan(left, &n); err != nil {
			panic(err)
		}
		m.Fault = func(string) {
			if n--; n < 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
	if os.Getenv(envFolders) != "" && len(m.Args) == 2 {
		return m.ReadFolder(m.Args[1])
	}
	return m.Run(ctx)
}

// A world is a controller in a folder: sysfs, device nodes that are folders, and all that the program writes.
type world struct {
	t     *testing.T
	paths Paths
	log   *lines
	done  *lines // what other parts of the system were told
	told  *lines // what systemd was told
	fault func(string)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	p := Paths{
		Blocks: root + "/sys/class/block", Devices: root + "/dev", Data: root + "/data", ImageTrust: root + "/usr/trust.json",
		Notices: root + "/run/notices", Connections: root + "/run/nm", Timesync: root + "/run/time",
		Screen: root + "/dev/fb0", ScreenLink: root + "/sys/class/graphics/fb0", Fonts: "/usr/share/fonts/truetype/noto",
		Mount: root + "/run/mount", Daemon: root + "/usr/bangtind",
	}
	for _, dir := range []string{p.Blocks, p.Devices, p.Data, root + "/usr", p.Connections, p.Timesync, p.Mount, root + "/sys/devices"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &world{t: t, paths: p, log: &lines{}, done: &lines{}, told: &lines{}}
}

// lines is a log that several write to.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// env is what a child of the test needs to be the program in this world.
func (w *world) env(more ...string) []string {
	raw, err := json.Marshal(w.paths)
	if err != nil {
		w.t.Fatal(err)
	}
	return append(append(os.Environ(), envProgram+"=1", envFolders+"=1", envPaths+"="+string(raw)), more...)
}

func (w *world) main(args ...string) *Main {
	w.t.Helper()
	var assignments []string
	for _, e := range w.env() {
		if strings.HasPrefix(e, "BANGTIN_TEST_") {
			assignments = append(assignments, e)
		}
	}
	reader := append(append([]string{"/usr/bin/env"}, assignments...), os.Args[0], "read")
	return &Main{
		Args: args, Stdout: w.log, Log: slog.New(slog.NewTextHandler(w.log, nil)), Paths: w.paths, Fault: w.fault,
		Notify: func(state string) { fmt.Fprintln(w.told, state) },
		Do: func(_ context.Context, argv ...string) error {
			fmt.Fprintln(w.done, strings.Join(argv, " "))
			return nil
		},
		Own: func(*os.File) error { return nil }, Reader: reader, Look: time.Millisecond, Linger: time.Millisecond, Limit: patience,
	}
}

// plug makes a block device of sysfs. below is where it hangs; attributes are of the disk.
func (w *world) plug(name, below string, attributes map[string]string) {
	w.t.Helper()
	root := filepath.Dir(filepath.Dir(w.paths.Blocks))
	device := filepath.Join(root, "devices", below, name)
	w.write(filepath.Join(device, "size"), "2048\n")
	for key, value := range attributes {
		w.write(filepath.Join(device, key), value+"\n")
	}
	if err := os.Symlink(device, filepath.Join(w.paths.Blocks, name)); err != nil {
		w.t.Fatal(err)
	}
}

// stick plugs a USB stick in, whose one partition holds these files.
func (w *world) stick(name string, files map[string][]byte) {
	w.t.Helper()
	for file, data := range files {
		w.write(filepath.Join(w.paths.Devices, name, stick.Folder, file), string(data))
	}
	w.plug(name, "pci/usb1/1-1/block", map[string]string{"removable": "1"})
}

// boot lays files on the boot partition.
func (w *world) boot(files map[string][]byte) {
	w.t.Helper()
	for file, data := range files {
		w.write(filepath.Join(w.paths.Devices, "nvme0n1p1", stick.Folder, file), string(data))
	}
	esp, _ := layout.Find(layout.ESP, "")
	links := filepath.Join(w.paths.Devices, "disk/by-partuuid")
	if err := os.MkdirAll(links, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink("../../nvme0n1p1", filepath.Join(links, esp.GUID)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// run runs the program to its end.
func (w *world) run(args ...string) int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return w.main(args...).Run(ctx)
}

// runUntil runs the program until a notice of the part has the code, and ends it.
func (w *world) runUntil(part, code string) notice.Notice {
	w.t.Helper()
	return w.until(w.main(), part, code)
}

func (w *world) until(m *Main, part, code string) notice.Notice {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	ended := make(chan int, 1)
	go func() { ended <- m.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for {
		n := w.notice(part)
		if n.Code == code && strings.Contains(w.told.String(), "READY=1") {
			return n
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("no notice %s: %+v\n%s", code, n, w.log)
		case status := <-ended:
			ended <- status
			if n := w.notice(part); n.Code == code {
				return n
			}
			w.t.Fatalf("ended with %d and no notice %s: %+v\n%s", status, code, w.notice(part), w.log)
		case <-time.After(time.Millisecond):
		}
	}
}

func (w *world) notice(part string) notice.Notice {
	all, err := notice.All(w.paths.Notices)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range all {
		if n.Part == part {
			return n
		}
	}
	return notice.Notice{}
}

func (w *world) kept(name string) string {
	data, err := os.ReadFile(filepath.Join(w.paths.Data, name))
	if err != nil {
		return ""
	}
	return string(data)
}

// signer makes the same key from the same name.
func signer(name string) trust.Signer {
	return trust.NewSigner(ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32.32s", name))))
}
