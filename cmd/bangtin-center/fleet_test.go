package main_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/fleet"
)

// TestFleet lets more and more displays report: each with mutual TLS and a chain of records of its own, a heartbeat a minute,
// a play every 30 s and each record sent at once, which is twenty times as many messages as displays of the field send. It
// prints what that costs at each size, and how long it takes until all are there when the power comes back everywhere.
// BANGTIN_FLEET lists the sizes and BANGTIN_FLEET_STEADY says how long each is watched; `make bench-fleet` sets them. That a
// record is lost is what can fail.
func TestFleet(t *testing.T) {
	t.Parallel()
	b := &fleetBench{region: newRegion(t), tally: &tally{}, play: 30 * time.Second, steady: time.Minute}
	if v, err := time.ParseDuration(os.Getenv("BANGTIN_FLEET_STEADY")); err == nil {
		b.steady = v
	}
	sizes := b.sizes(os.Getenv("BANGTIN_FLEET"))
	b.idle = b.costs()
	b.certify(slices.Max(sizes))
	t.Logf("%6s %5s %9s %5s | %8s %8s %8s | %-30s | %-30s | %s", "N", "load", "records", "lost", "ack p50", "p99", "max",
		"broker: CPU %, ms/h and KiB each", "centre", "generator")
	b.start(sizes[0])
	for _, n := range sizes {
		b.start(n - len(b.running))
		b.watch(n)
	}
	b.stop()
	for _, n := range sizes {
		if n >= 2000 || n == sizes[0] {
			b.powerUp(n)
		}
	}
	b.verify()
}

// A fleetBench is a growing fleet.
type fleetBench struct {
	*region
	tally        *tally
	play, steady time.Duration
	displays     []*simulated
	running      []context.CancelFunc
	parts        sync.WaitGroup
	idle         [3]cost
	short        bool
}

// sizes reads a list such as 500,1000. Without one a small fleet in a hurry shows that all of this works.
func (b *fleetBench) sizes(list string) []int {
	if list == "" {
		b.short, b.play, b.steady = true, time.Second, 2*time.Second
		return []int{10, 20}
	}
	var sizes []int
	for _, word := range strings.Split(list, ",") {
		sizes = append(sizes, must(strconv.Atoi(word))(b.t))
	}
	slices.Sort(sizes)
	return sizes
}

func (b *fleetBench) certify(n int) {
	b.t.Helper()
	for i := range n {
		b.displays = append(b.displays, b.newDisplay(i, b.tally))
	}
}

// start powers up n further displays at once, and waits until all that run are online.
func (b *fleetBench) start(n int) {
	b.t.Helper()
	for range n {
		d := b.displays[len(b.running)]
		ctx, cancel := context.WithCancel(context.Background())
		b.running = append(b.running, cancel)
		b.parts.Go(func() {
			if err := d.run(ctx, b.play, b.pace); err != nil {
				b.t.Error(err)
			}
		})
	}
	b.waitFor("all are online", func() bool { return b.tally.online.Load() == int64(len(b.running)) })
}

// pace hurries the small fleet; any other has the settings of the field.
func (b *fleetBench) pace(c *fleet.Config) {
	if b.short {
		c.Pace.Retry = fleet.Backoff{Min: 100 * time.Millisecond, Max: time.Second}
		c.Heartbeat = time.Second
	}
}

// stop leaves nothing in an outbox whose display is gone.
func (b *fleetBench) stop() {
	b.drain()
	for _, cancel := range b.running {
		cancel()
	}
	b.parts.Wait()
	b.running = nil
	b.tally.paused.Store(false)
}

// drain has no more plays made until all that were made are acknowledged.
func (b *fleetBench) drain() {
	b.t.Helper()
	b.tally.paused.Store(true)
	b.waitFor("the outboxes are empty", func() bool { return b.waiting() == 0 })
}

// waitFor is patient: thousands of handshakes on two processors take their time.
func (b *fleetBench) waitFor(what string, holds func() bool) {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not in 5 minutes: %s; %d of %d online, %d records wait", what, b.tally.online.Load(), len(b.running), b.waiting())
		}
	}
}

// waiting are the records that no acknowledgement has removed yet.
func (b *fleetBench) waiting() int {
	n := 0
	for _, d := range b.displays {
		d.mu.Lock()
		n += len(d.pending)
		d.mu.Unlock()
	}
	return n
}

func (b *fleetBench) costs() [3]cost {
	return [3]cost{costOf(b.t, b.broker.cmd.Process.Pid), costOf(b.t, b.centre.cmd.Process.Pid), costOf(b.t, os.Getpid())}
}

// watch prints what n displays cost while nothing else happens.
func (b *fleetBench) watch(n int) {
	b.t.Helper()
	b.waitFor("the outboxes are empty", func() bool { return b.waiting() < n/10+1 })
	b.tally.cut()
	made, before, began := b.tally.made.Load(), b.costs(), time.Now()
	time.Sleep(b.steady)
	after, took := b.costs(), time.Since(began)
	b.drain()
	b.tally.paused.Store(false)
	acked, _ := b.tally.cut()
	if online := b.tally.online.Load(); online != int64(n) {
		b.t.Errorf("%d of %d are online", online, n)
	}
	var each [3]string
	for i := range each {
		cpu := after[i].cpu - before[i].cpu
		each[i] = fmt.Sprintf("%5.1f %%  %7.0f ms/h  %6.1f KiB", 100*cpu.Seconds()/took.Seconds(), float64(cpu.Milliseconds())/float64(n)*float64(time.Hour)/float64(took),
			float64(after[i].resident-b.idle[i].resident)/1024/float64(n))
	}
	b.t.Logf("%6d %5s %9d %5d | %8s %8s %8s | %s | %s | %s", n, machineLoad(b.t), b.tally.made.Load()-made, b.waiting(),
		short(rank(acked, 50)), short(rank(acked, 99)), short(rank(acked, 100)), each[0], each[1], each[2])
}

func short(d time.Duration) string { return d.Round(100 * time.Microsecond).String() }

// rank is the smallest value that percent of all do not exceed.
func rank(d []time.Duration, percent int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

// powerUp starts n displays at the same moment, as when the power comes back to a region, each with a record to tell.
func (b *fleetBench) powerUp(n int) {
	b.t.Helper()
	b.tally.cut()
	before, began := b.costs(), time.Now()
	b.start(n)
	online := time.Since(began)
	b.drain()
	after := b.costs()
	_, births := b.tally.cut()
	b.t.Logf("power-up of %d: online p50 %s, p99 %s, all after %s; all records acknowledged after %s; CPU of the broker %s, the centre %s, the generator %s; load %s",
		n, short(rank(births, 50)), short(rank(births, 99)), short(online), short(time.Since(began)), after[0].cpu-before[0].cpu,
		after[1].cpu-before[1].cpu, after[2].cpu-before[2].cpu, machineLoad(b.t))
	b.stop()
}

// verify compares what was made with what the centre has.
func (b *fleetBench) verify() {
	b.t.Helper()
	b.centre.stop()
	report := must(store.Verify(b.t.Context(), b.path("center.db")))(b.t)
	made := b.tally.made.Load()
	if !report.OK() || int64(report.Records) != made || report.Displays != len(b.displays) {
		b.t.Errorf("%d records made by %d displays, %+v", made, len(b.displays), report)
	}
	b.t.Logf("%d records made, %d collected from %d displays, %d findings", made, report.Records, report.Displays, report.Found)
}
