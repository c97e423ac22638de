package cec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/cec"
)

// benchRigs is how many pairs of a TV's and a player's adapter the kernel's vivid makes.
const benchRigs = 9

// vivid loads the module, and unloads it with the test.
func vivid(t *testing.T) {
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("not on the bench: BANGTIN_BENCH is not set; make e2e-hal boots it")
	}
	run(t, "modprobe", "vivid", fmt.Sprintf("n_devs=%d", benchRigs))
	t.Cleanup(func() { run(t, "rmmod", "vivid") })
	until(t, "adapters", func() bool { return exists(fmt.Sprintf("/dev/cec%d", 2*benchRigs-1)) })
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// until polls for something that must happen. Only a test that fails waits to the end.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 600 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: not after a minute", what)
}

// A rig is one TV, played by cec-follower, and the adapter that leads to it.
type rig struct {
	t              *testing.T
	tv, out, video string // nodes
	follower       *exec.Cmd
}

// newRig connects the n-th pair and starts its TV with cec-follower's options.
func newRig(t *testing.T, n int, options ...string) *rig {
	r := &rig{t: t, tv: fmt.Sprintf("/dev/cec%d", 2*n), out: fmt.Sprintf("/dev/cec%d", 2*n+1)}
	names, err := filepath.Glob("/sys/class/video4linux/video*/name")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		if b, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(b)) == fmt.Sprintf("vivid-%03d-vid-cap", n) {
			r.video = "/dev/" + filepath.Base(filepath.Dir(path))
		}
	}
	run(t, "v4l2-ctl", "-d", r.video, "-c", fmt.Sprintf("hdmi_%03d_0_is_connected_to=%d", n, n+2))
	run(t, "cec-ctl", "-s", "-d", r.tv, "--tv")
	r.start(options...)
	t.Cleanup(r.stop)
	return r
}

func (r *rig) start(options ...string) {
	r.t.Helper()
	r.follower = exec.Command("cec-follower", append([]string{"-d", r.tv}, options...)...)
	if err := r.follower.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) stop() {
	if r.follower == nil {
		return
	}
	r.follower.Process.Kill() // fails only when it has ended
	r.follower.Wait()         // says that it was killed
	r.follower = nil
}

func (r *rig) driver(c cec.Config) *cec.Panel {
	c.Device, c.OSDName = r.out, "Bang Tin"
	c.Log = slog.New(slog.NewTextHandler(r.t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	p := cec.New(c)
	r.t.Cleanup(func() { p.Close() })
	return p
}

// status asks the TV by another program, over the same adapter. Empty is no answer.
func (r *rig) status() string {
	r.t.Helper()
	out, err := exec.Command("cec-ctl", "-s", "-d", r.out, "--to", "0", "--give-device-power-status").CombinedOutput()
	if err != nil && len(out) == 0 {
		return ""
	}
	if m := regexp.MustCompile(`pwr-state: (\S+)`).FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return ""
}

// remote presses a key of the TV's own remote.
func (r *rig) remote(key string) {
	r.t.Helper()
	exec.Command("cec-ctl", "-s", "-d", r.out, "--to", "0", "--user-control-pressed", "ui-cmd="+key).Run() // a TV that is gone hears nothing
	exec.Command("cec-ctl", "-s", "-d", r.out, "--to", "0", "--user-control-released").Run()
}

func (r *rig) unplugTV() { run(r.t, "v4l2-ctl", "-d", r.video, "--clear-edid=3") }
func (r *rig) plugTV()   { run(r.t, "v4l2-ctl", "-d", r.video, "--set-edid=pad=3,type=hdmi") }

// observe reads the power and fails on a conclusion that the TV contradicts before and after.
func (r *rig) observe(p *cec.Panel) (hal.Power, error) {
	r.t.Helper()
	before := r.status()
	power, err := p.Power(r.t.Context())
	after := r.status()
	dark := func(s string) bool { return s == "standby" || s == "to-standby" }
	lit := func(s string) bool { return s == "on" || s == "to-on" }
	if power == hal.PowerOn && dark(before) && dark(after) || power == hal.PowerOff && lit(before) && lit(after) {
		r.t.Errorf("WRONG: driver says %v, TV says %s and %s", power, before, after)
	}
	if (err != nil) != (power == hal.PowerUnknown) {
		r.t.Errorf("Power is %v with error %v", power, err)
	}
	return power, err
}

func (r *rig) reaches(p *cec.Panel, want hal.Power) {
	r.t.Helper()
	until(r.t, want.String(), func() bool { power, _ := r.observe(p); return power == want })
}

// command repeats a command until it is acknowledged: on a busy machine the kernel is late at times.
func (r *rig) command(p *cec.Panel, on bool) {
	r.t.Helper()
	until(r.t, "an acknowledgement", func() bool {
		err := p.SetPower(r.t.Context(), on)
		if err != nil {
			r.t.Log(err)
		}
		return err == nil
	})
}

func TestBenchAdapterUnpluggedAndBack(t *testing.T) {
	vivid(t)
	r := newRig(t, 0)
	p := r.driver(cec.Config{})
	r.command(p, true)
	r.reaches(p, hal.PowerOn)

	const bus = "/sys/bus/platform/drivers/vivid/"
	write(t, bus+"unbind", "vivid.0")
	until(t, "node away", func() bool { return !exists(r.out) })
	r.stop()
	if power, err := p.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrPortGone) {
		t.Errorf("Power without an adapter: %v, %v", power, err)
	}
	if err := p.SetPower(t.Context(), true); !errors.Is(err, hal.ErrPortGone) {
		t.Errorf("SetPower without an adapter: %v", err)
	}
	write(t, bus+"bind", "vivid.0")
	until(t, "node back", func() bool { return exists(r.out) })
	again := newRig(t, 0, "--standby")
	if again.out != r.out {
		t.Fatalf("adapter came back as %s", again.out)
	}
	again.reaches(p, hal.PowerOff)
	again.command(p, true)
	again.reaches(p, hal.PowerOn)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o200); err != nil {
		t.Fatal(err)
	}
}

// TestBenchRestartKeepsTheAddress: a program that starts again finds the address that it left.
func TestBenchRestartKeepsTheAddress(t *testing.T) {
	vivid(t)
	r := newRig(t, 0)
	first := r.driver(cec.Config{})
	r.reaches(first, hal.PowerOn)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"Bang Tin": true, "Another": false} {
		if is, err := cec.Claimed(r.out, name); err != nil || is != want {
			t.Errorf("opened as %s it is claimed: %v, %v", name, is, err)
		}
	}
	r.reaches(r.driver(cec.Config{}), hal.PowerOn)
}

func TestBenchTelevisions(t *testing.T) {
	vivid(t)
	var all sync.WaitGroup // not t.Parallel, which allows no more than there are processors
	part := func(name string, f func(t *testing.T)) { all.Go(func() { t.Run(name, f) }) }
	part("obedient, gone and back", benchObedient)
	part("ignores standby", func(t *testing.T) { benchIgnores(t, 1, "--ignore-standby", false) })
	part("ignores view on", func(t *testing.T) { benchIgnores(t, 2, "--ignore-view-on", true) })
	part("compliance", benchCompliance)
	part("toggles by itself", benchToggles)
	for n := 5; n < benchRigs; n++ {
		part(fmt.Sprintf("random %d", n), func(t *testing.T) { benchRandom(t, n) })
	}
	all.Wait()
}

func benchObedient(t *testing.T) {
	r := newRig(t, 0, "--standby")
	p := r.driver(cec.Config{})
	r.reaches(p, hal.PowerOff)
	r.command(p, true)
	r.reaches(p, hal.PowerOn)
	r.remote("power-off-function")
	r.reaches(p, hal.PowerOff)
	r.command(p, true)
	r.reaches(p, hal.PowerOn)

	r.unplugTV()
	if power, err := p.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrSilent) {
		t.Errorf("Power without a physical address: %v, %v, want unknown and ErrSilent", power, err)
	}
	if err := p.SetPower(t.Context(), false); !errors.Is(err, hal.ErrSilent) {
		t.Errorf("standby without a physical address: %v, want ErrSilent", err)
	}
	if err := p.SetPower(t.Context(), true); err != nil {
		t.Errorf("a wake without a physical address: %v", err)
	}
	r.plugTV()
	r.reaches(p, hal.PowerOn)
	r.command(p, false)
	r.reaches(p, hal.PowerOff)
	r.unplugTV()
	if err := p.SetPower(t.Context(), true); err != nil {
		t.Errorf("a wake without a physical address: %v", err)
	}
	r.plugTV()
	r.reaches(p, hal.PowerOn)
}

// benchIgnores drives a TV that acknowledges each second command and does nothing.
func benchIgnores(t *testing.T, n int, option string, on bool) {
	start := []string{option, "2"}
	if on {
		start = append(start, "--standby")
	}
	r := newRig(t, n, start...)
	p := r.driver(cec.Config{})
	from, to := hal.PowerOn, hal.PowerOff
	if on {
		from, to = to, from
	}
	r.reaches(p, from)
	commands, reached := 0, 0
	for range 2 {
		for power := from; power != to; { // as a keeper does
			if commands++; commands > 8 {
				t.Fatalf("%d commands, and the TV obeyed %d", commands, reached)
			}
			if err := p.SetPower(t.Context(), on); err != nil {
				t.Log(err) // a busy machine
			}
			for end := time.Now().Add(12 * time.Second); time.Now().Before(end) && power != to; {
				power, _ = r.observe(p)
			}
		}
		reached++
		r.command(p, !on)
		r.reaches(p, from)
	}
	if commands == reached {
		t.Errorf("the TV obeyed all of %d commands, which is not what %s makes", commands, option)
	}
}

// benchToggles only watches a TV that somebody switches every 15 s.
func benchToggles(t *testing.T) {
	r := newRig(t, 4, "--toggle-power-status", "15")
	p := r.driver(cec.Config{})
	for range 2 {
		r.reaches(p, hal.PowerOff)
		r.reaches(p, hal.PowerOn)
	}
}

// benchRandom takes 50 steps with one TV: commands, its remote, its cable, and time.
func benchRandom(t *testing.T, n int) {
	r := newRig(t, n)
	p := r.driver(cec.Config{SettleOn: time.Second, SettleOff: time.Second})
	dice := rand.New(rand.NewPCG(2026, uint64(n)))
	gone := false
	seen := map[string]int{}
	for range 50 {
		switch roll := dice.IntN(12); {
		case roll < 3:
			p.SetPower(t.Context(), true) // a TV that is gone does not answer
		case roll < 6:
			p.SetPower(t.Context(), false)
		case roll < 7:
			r.remote("power-off-function")
		case roll < 8:
			r.remote("power-on-function")
		case roll < 9:
			r.remote("power-toggle-function")
		case gone:
			r.plugTV()
			gone = false
		case roll < 10 && dice.IntN(2) == 0:
			r.unplugTV()
			gone = true
		default:
			time.Sleep(time.Duration(dice.IntN(3000)) * time.Millisecond)
		}
		power, _ := r.observe(p)
		seen[power.String()]++
	}
	t.Logf("50 steps, conclusions: %v", seen)
}

// benchCompliance lets cec-compliance, as a TV, judge the driver.
func benchCompliance(t *testing.T) {
	r := newRig(t, 3)
	p := r.driver(cec.Config{})
	r.reaches(p, hal.PowerOn)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var out lines
	judge := exec.CommandContext(ctx, "cec-compliance", "-d", r.tv, "-r", "4", "-t", "10", "-C", "never")
	judge.Stdout, judge.Stderr = &out, &out
	err := judge.Run()
	t.Logf("cec-compliance: %v\n%s", err, out.String())
	if !strings.Contains(out.String(), "Failed: 0") {
		t.Error("cec-compliance finds failures")
	}
}

// lines collects output of a program.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
