package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/control/local"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/site"
)

// version and built are set by the linker: -X main.version=… -X main.built=2027-01-02T03:04:05Z. The build time
// is the first floor of the clock.
var (
	version = "development"
	built   = "2026-11-01T00:00:00Z"
)

// Main is the program with its surroundings as fields, so that tests run it in process.
type Main struct {
	Args   []string
	Stdin  io.Reader // who commissions the display; nil is nobody
	Stdout io.Writer
	Stderr io.Writer
	Wall   func() time.Time         // the system clock
	Fault  func(label string)       // called at every labelled write; nil outside of tests
	Getenv func(name string) string // for the language alone; nil is an empty environment

	notices string // the folder of notices; notice.Dir when empty

	sys string // where sysfs is mounted; "/sys" when empty
	// rewire puts a bench's parts beside those of the site file, or in their place, before any is used; fire as in wireUp.
	// Nil outside of tests.
	rewire func(w *wired, fire func() bool)
	// nowhere has the display show its picture nowhere, whatever panel the site file names; false outside of tests.
	nowhere bool

	site     string
	check    bool
	simulate bool
	player   string // socket of bangtin-player; mpv is a child of this process when empty
	verbose  bool
	debug    bool
}

// system is what the clock is built on. The monotonic time is that of Wall too, so that a test may make all of time
// run faster.
func (m *Main) system() control.System {
	start := m.Wall()
	return control.System{
		Wall: m.Wall, Mono: func() time.Duration { return m.Wall().Sub(start) }, Synced: control.KernelSynchronised,
	}
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	// exitUntried: nothing failed, and not everything was tried.
	exitUntried = 3
)

// Run does what the arguments say and returns the exit code.
func (m *Main) Run(ctx context.Context) int {
	verb, rest, err := m.parse()
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage
	}
	s, err := site.Read(m.site)
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	switch {
	case m.check:
		if err := rehearse(s); err != nil {
			fmt.Fprintln(m.Stderr, err)
			return exitFailed
		}
		fmt.Fprintf(m.Stdout, "%s: %s, %s: site file is valid\n", m.site, s.ID, s.Gate)
		if s.Panel.Driver != site.Sim {
			fmt.Fprintln(m.Stdout, heeded(s))
		}
	case verb == "":
		err = m.display(ctx, s)
	case verb == "verify":
		err = m.verify(ctx, s)
	case verb == "enrol":
		return m.enrol(ctx, s, rest)
	case verb == "smoke-test":
		return m.smokeTest(ctx, s, rest)
	case verb == "smoke":
		return m.smoke(ctx, s, rest)
	default:
		return m.local(ctx, s, verb, rest)
	}
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	return exitOK
}

func (m *Main) parse() (verb string, rest []string, err error) {
	flags := flag.NewFlagSet("bangtind", flag.ContinueOnError)
	flags.SetOutput(m.Stderr)
	flags.StringVar(&m.site, "site", "/var/lib/bangtin/site.toml", "the display's site file")
	flags.BoolVar(&m.check, "check", false, "validate the site file and exit")
	flags.BoolVar(&m.simulate, "simulate", false, "put a simulated panel and sensors in place of the hardware")
	flags.StringVar(&m.player, "player", "", "the `socket` behind which mpv runs as another user; without it mpv is the daemon's child")
	flags.BoolVar(&m.verbose, "verbose", false, "log what is normal too")
	flags.BoolVar(&m.debug, "debug", false, "log each message that is refused, and why, too")
	flags.Usage = func() {
		fmt.Fprintln(m.Stderr, "usage: bangtind [flags] [enrol|verify|smoke-test|smoke|status|on|off|schedule|clear-fire]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(m.Args); err != nil {
		return "", nil, err
	}
	if flags.NArg() == 0 {
		return "", nil, nil
	}
	return flags.Arg(0), flags.Args()[1:], nil
}

func (m *Main) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case m.debug:
		level = slog.LevelDebug
	case m.verbose:
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(m.Stderr, &slog.HandlerOptions{Level: level}))
}

// verify checks the journal while the daemon runs or not, and prints one line for each finding.
func (m *Main) verify(ctx context.Context, s *site.Site) error {
	key, err := loadKey(filepath.Join(s.Data, journalKeyFile))
	if err != nil {
		return err
	}
	report, err := sqlite.Verify(ctx, filepath.Join(s.Data, journalFile), publicOf(key))
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Fprintln(m.Stdout, f)
	}
	if len(report.Findings) > 0 {
		return fmt.Errorf("cannot vouch for the journal: %d findings in %d records", len(report.Findings), report.Records)
	}
	fmt.Fprintf(m.Stdout, "%d records, %d to %d, acknowledged up to %d: no edit, removal or reordering found\n",
		report.Records, report.First, report.Last, report.Acked)
	return nil
}

// local is a client of the running daemon.
func (m *Main) local(ctx context.Context, s *site.Site, verb string, args []string) int {
	flags := flag.NewFlagSet("bangtind "+verb, flag.ContinueOnError)
	flags.SetOutput(m.Stderr)
	r := local.Request{Do: local.Verb(verb)}
	if r.Do == local.On || r.Do == local.Off {
		flags.StringVar(&r.For, "for", "30m", "how long, 1m to 24h")
	}
	if r.Do != local.Status {
		flags.StringVar(&r.Reason, "reason", "", "who asks for it and why")
	}
	if r.Do == local.ClearFire {
		flags.BoolVar(&r.DespiteSilentSmoke, "despite-silent-smoke", false, "also while a smoke detector says nothing; it is in the record")
	}
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return exitUsage
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := local.Ask(ctx, s.Socket, r)
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	if answer.Note != "" {
		fmt.Fprintln(m.Stderr, answer.Note)
	}
	var state any
	if err := json.Unmarshal(answer.State, &state); err != nil {
		fmt.Fprintln(m.Stderr, "cannot read the daemon's answer:", err)
		return exitFailed
	}
	pretty := json.NewEncoder(m.Stdout)
	pretty.SetIndent("", "  ")
	pretty.SetEscapeHTML(false)
	if err := pretty.Encode(state); err != nil {
		return exitFailed
	}
	return exitOK
}
