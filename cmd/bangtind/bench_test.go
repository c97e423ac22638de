package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMinuteOfPlaying plays for a minute with the program as it is shipped and says what that costs, beside mpv
// in the same run: resident memory, processor time, and bytes that reach the disk.
func BenchmarkMinuteOfPlaying(b *testing.B) {
	for b.Loop() {
		minuteOfPlaying(b)
	}
}

func minuteOfPlaying(b *testing.B) {
	program := filepath.Join(b.TempDir(), "bangtind")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("cannot build: %v\n%s", err, out)
	}
	w := newWorld(b)
	volatile, err := os.MkdirTemp("/dev/shm", "bangtind-") // /run is in memory on a controller
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(volatile)
	if err := os.Symlink(volatile, w.path("run")); err != nil {
		b.Fatal(err)
	}
	w.seconds = 10
	w.inbox(w.approved(10))
	r := w.startProgram(program)
	w.until("on air", playing(10))
	daemon := r.cmd.Process.Pid
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(daemon), "mpv").Output()
	if err != nil {
		b.Fatalf("cannot find mpv: %v", err)
	}
	mpv, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		b.Fatal(err)
	}
	before, mpvBefore := costOf(b, daemon), costOf(b, mpv)
	time.Sleep(time.Minute)
	after, mpvAfter := costOf(b, daemon), costOf(b, mpv)
	r.stop()
	const mb = 1 << 20
	b.ReportMetric(float64(after.resident)/mb, "MB-RSS")
	b.ReportMetric(float64(mpvAfter.resident)/mb, "MB-RSS-mpv")
	b.ReportMetric(after.cpu-before.cpu, "cpu-s/min")
	b.ReportMetric(mpvAfter.cpu-mpvBefore.cpu, "cpu-s/min-mpv")
	b.ReportMetric(float64(after.written-before.written)*60/mb, "MB-written/h")
	b.ReportMetric(0, "ns/op")
	if info, err := os.Stat(program); err == nil {
		b.ReportMetric(float64(info.Size())/mb, "MB-program")
	}
}

// A cost is what the kernel says of a process.
type cost struct {
	resident int64   // bytes
	written  int64   // bytes sent to storage since its start
	cpu      float64 // seconds since its start
}

func costOf(b *testing.B, pid int) cost {
	b.Helper()
	var c cost
	c.resident = field(b, pid, "status", "VmRSS:") * 1024
	c.written = field(b, pid, "io", "write_bytes:")
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name before it may hold blanks
	words := strings.Fields(rest)
	for _, w := range words[11:13] { // utime and stime in ticks of 1/100 s, proc(5)
		ticks, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		c.cpu += float64(ticks) / 100
	}
	return c
}

func field(b *testing.B, pid int, file, key string) int64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			n, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatalf("%s of process %d has no %s", file, pid, key)
	return 0
}
