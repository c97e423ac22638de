package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"bangtin/internal/control/local"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/wire"
)

// A demo is one run of the demonstration. Everything it makes is in one folder below the temporary one.
type demo struct {
	bin    string // folder of the programs
	lasts  time.Duration
	device string
	out    io.Writer

	mu    sync.Mutex // guards out
	dir   string
	port  int
	shown bool // the daemon was started
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

var errInterrupted = errors.New("interrupted before the show began")

// run sets the scene and shows it. It returns errInterrupted when ctx ended before there was anything to judge.
func (d *demo) run(ctx context.Context) error {
	err := d.perform(ctx)
	if err != nil && !d.shown && errors.Is(ctx.Err(), context.Canceled) {
		return errInterrupted
	}
	return err
}

func (d *demo) perform(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bangtin-demo-")
	if err != nil {
		return err
	}
	d.dir = dir
	defer os.RemoveAll(dir)
	d.bin, err = filepath.Abs(d.bin)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nBảng Tin: one display runs its day\n%s\n\n", dir)

	d.say("keys", "an editor, an approver, a power officer, the centre, and two keepers of the trust document")
	if err := d.makeTrust(ctx); err != nil {
		return err
	}
	d.say("playlist", "texts in Vietnamese, English and Khmer, a picture and a film with sound: approved by two people")
	if err := d.makePlaylist(ctx); err != nil {
		return err
	}
	centre, err := d.openCentre()
	if err != nil {
		return err
	}
	defer centre.close()
	d.say("broker", fmt.Sprintf("tls://127.0.0.1:%d, certificates on both sides", d.port))
	if err := d.prepare(); err != nil {
		return err
	}
	return d.show(ctx, centre)
}

// prepare fills the data folder as an installer with a USB stick would.
func (d *demo) prepare() error {
	for _, f := range []string{"data", "run"} {
		if err := os.MkdirAll(d.path(f), 0o700); err != nil {
			return err
		}
	}
	trust, err := os.ReadFile(d.path("trust.json"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path("data", "trust.json"), trust, 0o600); err != nil {
		return err
	}
	if err := os.Rename(d.path("stick"), d.path("data", "inbox")); err != nil {
		return err
	}
	if err := d.forge(); err != nil {
		return err
	}
	return d.siteFile(time.Now())
}

// forge writes a playlist whose title was changed after it was signed, for the visitor to try.
func (d *demo) forge() error {
	good, err := os.ReadFile(d.path("data", "inbox", "playlist.json"))
	if err != nil {
		return err
	}
	i := strings.Index(string(good), `"payload"`) + len(`"payload": "`) + 40
	bad := append([]byte(nil), good...)
	if bad[i] == 'A' {
		bad[i] = 'B'
	} else {
		bad[i] = 'A'
	}
	return os.WriteFile(d.path("forged.json"), bad, 0o600)
}

// show runs the daemon until the time is over or Ctrl-C, and judges.
func (d *demo) show(ctx context.Context, centre *centre) error {
	daemon, err := d.startDaemon()
	if err != nil {
		return err
	}
	d.shown = true
	over := make(<-chan time.Time)
	if d.lasts > 0 {
		over = time.After(d.lasts)
	}
	d.hints(daemon.cmd.Process.Pid)
	watching, enough := context.WithCancel(ctx)
	defer enough()
	go d.watchItems(watching)
	var died error
	select {
	case <-ctx.Done():
	case <-over:
	case died = <-daemon.exited:
		daemon.exited <- died
	}
	if err := daemon.stop(); err != nil {
		return fmt.Errorf("the daemon did not end well: %w\n%s", err, d.logTail())
	}
	if died != nil {
		return fmt.Errorf("the daemon ended by itself: %w\n%s", died, d.logTail())
	}
	return d.summary(centre)
}

// watchItems tells what plays, item by item. The state at the broker is for what changes slowly.
func (d *demo) watchItems(ctx context.Context) {
	var last string
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answer, err := local.Ask(ctx, d.path("run", "control.sock"), local.Request{Do: local.Status})
		if err != nil {
			continue // not up yet, or on its way down
		}
		var s wire.State
		if err := json.Unmarshal(answer.State, &s); err != nil {
			d.say("status", err.Error())
			continue
		}
		if now := strings.TrimSpace(s.Player.State + " " + s.Player.Item); now != last {
			last = now
			d.say("player", now)
		}
	}
}

func (d *demo) hints(daemon int) {
	bangtind := fmt.Sprintf("%s --site %s", filepath.Join(d.bin, "bangtind"), d.path("site.toml"))
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, `
Three things to try in a second terminal:

 1. switch the panel off as a border guard would, and read why it is dark
      %s off --for 1m --reason "BĐBP đề nghị"
      %s status
 2. kill the player; the picture comes back by itself, and the seconds are in the books
      pkill -9 -P %d mpv
      %s verify
 3. put a playlist that was changed after it was signed into the inbox; it is refused, the good one plays on
      cp %s %s

`, bangtind, bangtind, daemon, bangtind, d.path("forged.json"), d.path("data", "inbox", "playlist.json"))
}

// say prints one line with the time.
func (d *demo) say(what, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, "%s  %-9s %s\n", time.Now().Format("15:04:05"), what, text)
}

// bangtin runs the department's tool.
func (d *demo) bangtin(ctx context.Context, args ...string) error {
	return run(ctx, filepath.Join(d.bin, "bangtin"), append([]string{"--lang", "en"}, args...)...)
}

func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot run %s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// A process is the daemon.
type process struct {
	cmd    *exec.Cmd
	exited chan error // one deep
}

// startDaemon starts bangtind. It dies with us, however we end: the kernel ties it to the thread that started it,
// which is therefore kept.
func (d *demo) startDaemon() (*process, error) {
	log, err := os.Create(d.path("bangtind.log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(d.bin, "bangtind"), "--site", d.path("site.toml"), "--simulate", "--verbose")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	p := &process{cmd: cmd, exited: make(chan error, 1)}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.exited <- cmd.Wait()
		}
		log.Close()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("cannot start the daemon: %w", err)
	}
	d.say("daemon", fmt.Sprintf("bangtind --simulate, process %d", cmd.Process.Pid))
	return p, nil
}

// stop asks the daemon to end and waits; one that does not is killed.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(15 * time.Second):
		err := p.cmd.Process.Kill()
		<-p.exited // killed: that it did not end well is said below
		return errors.Join(errors.New("it did not end within 15 s"), err)
	}
}

func (d *demo) logTail() string {
	raw, err := os.ReadFile(d.path("bangtind.log"))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-3000):])
}

// certify makes the broker's and the display's certificates of one authority.
func (d *demo) certify() (*brokertest.CA, brokertest.Pair, error) {
	ca, err := brokertest.NewCA("Bảng Tin demo")
	if err != nil {
		return nil, brokertest.Pair{}, err
	}
	if err := os.MkdirAll(d.path("data"), 0o700); err != nil {
		return nil, brokertest.Pair{}, err
	}
	if _, err := ca.IssueFiles(d.path("data"), "device", brokertest.Leaf{CommonName: d.device}); err != nil {
		return nil, brokertest.Pair{}, err
	}
	server, err := ca.Issue(brokertest.Leaf{CommonName: "broker", Hosts: []string{"127.0.0.1"}})
	return ca, server, err
}
