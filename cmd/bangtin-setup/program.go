package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"bangtin/internal/notice"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const (
	look   = 2 * time.Second  // how often sticks are looked for
	linger = 30 * time.Second // a commissioned display looks for so long: USB is slower than the start
	// readLimit is how long one device may take. A sound stick takes well under a second; the kernel gives up on one
	// that does not answer after 30 s (SCSI's timeout), several times over.
	readLimit = 15 * time.Second
	// doLimit is how long a part of the system may take to be told of what is new.
	doLimit = 10 * time.Second
)

// built is set by the linker, as for bangtind: -X main.built=2027-01-02T03:04:05Z. It is time that is certainly past.
var built = defaultBuilt

const defaultBuilt = "2026-11-01T00:00:00Z"

// buildTime is when this program was made, and the default where the linker was told nonsense.
func buildTime() time.Time {
	for _, text := range []string{built, defaultBuilt} {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// owner is whose the files become: systemd/sysusers.d/bangtin.conf.
const owner = "bangtin"

// Paths are where things lie; in tests, elsewhere.
type Paths struct {
	Blocks      string // of sysfs: a link for each block device
	Devices     string // device nodes
	Data        string // what the display keeps
	ImageTrust  string // the trust document of the image; may be missing
	Notices     string
	Connections string // NetworkManager's keyfiles, in memory
	Timesync    string // drop-ins of systemd-timesyncd, in memory
	Screen      string // the framebuffer
	ScreenLink  string // of sysfs: which device's framebuffer it is
	Fonts       string // folder with NotoSans-Bold.ttf and NotoSans-Regular.ttf
	Mount       string // a folder of this program's own, to mount on
	Daemon      string // bangtind
}

// Controller are the paths of a controller.
func Controller() Paths {
	return Paths{
		Blocks: "/sys/class/block", Devices: "/dev", Data: "/data/bangtin", ImageTrust: "/usr/share/bangtin/trust.json",
		Notices: notice.Dir, Connections: "/run/NetworkManager/system-connections", Timesync: "/run/systemd/timesyncd.conf.d",
		Screen: "/dev/fb0", ScreenLink: "/sys/class/graphics/fb0", Fonts: "/usr/share/fonts/truetype/noto",
		Mount: "/run/bangtin-setup", Daemon: "/usr/bin/bangtind",
	}
}

// Main is the program with its surroundings as fields, so that tests run it in process.
type Main struct {
	Args   []string
	Stdout io.Writer
	Log    *slog.Logger
	Paths  Paths

	Fault  func(label string)                              // called at every labelled write; nil outside of tests
	Notify func(state string)                              // tells systemd; nil is systemd itself
	Do     func(ctx context.Context, argv ...string) error // tells another part of the system; nil runs the program
	Own    func(*os.File) error                            // gives a file to the display's user; nil is that user
	Reader []string                                        // command that reads the device behind it; nil is this program
	Kind   string                                          // the file system of sticks; vfat when empty
	Look   time.Duration                                   // between two looks; look when 0
	Linger time.Duration                                   // linger when 0
	Limit  time.Duration                                   // of reading a device; readLimit when 0
}

// Run does what the arguments say and returns the exit code.
func (m *Main) Run(ctx context.Context) int {
	m.complete()
	var err error
	switch {
	case len(m.Args) == 0:
		m.boot(ctx)
	case len(m.Args) == 2 && m.Args[0] == "read":
		err = m.readDevice(m.Args[1])
	case len(m.Args) == 1 && m.Args[0] == "enrol":
		err = m.enrol(ctx)
	default:
		m.Log.Error("usage: bangtin-setup [read DEVICE | enrol]")
		return exitUsage
	}
	if err != nil {
		m.Log.Error(err.Error())
		return exitFailed
	}
	return exitOK
}

// complete fills in what is so on a controller.
func (m *Main) complete() {
	if m.Notify == nil {
		m.Notify = func(state string) {
			if _, err := daemon.SdNotify(false, state); err != nil {
				m.Log.Warn("cannot notify systemd", "err", err)
			}
		}
	}
	if m.Do == nil {
		m.Do = do
	}
	if m.Own == nil {
		m.Own = giveToDisplay
	}
	if m.Reader == nil {
		m.Reader = []string{"/proc/self/exe", "read"}
	}
	if m.Kind == "" {
		m.Kind = "vfat"
	}
	for _, d := range []struct {
		at *time.Duration
		is time.Duration
	}{{&m.Look, look}, {&m.Linger, linger}, {&m.Limit, readLimit}} {
		if *d.at == 0 {
			*d.at = d.is
		}
	}
}

func do(ctx context.Context, argv ...string) error {
	ctx, cancel := context.WithTimeout(ctx, doLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot do %s: %w: %.300q", filepath.Base(argv[0]), err, out)
	}
	return nil
}

func giveToDisplay(f *os.File) error {
	u, err := user.Lookup(owner)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return f.Chown(uid, gid)
}
