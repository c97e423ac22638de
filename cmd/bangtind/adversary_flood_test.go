package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bangtin/internal/trust"
)

const floodRate = 1000 // messages a second

// flood throws garbage at every topic that the display listens to, from no byte to 2 MiB, some of it almost right.
func (h *hostile) flood(r *run) {
	h.t.Helper()
	lasts := floodFor(h.t)
	garbage := h.garbage()
	before, started := h.gauge(r), time.Now()
	h.mark(r, receipt)
	standing := h.standing()
	var thrown, promised atomic.Int64
	var throwers sync.WaitGroup
	for i := range 5 { // four of QoS 0 and one of QoS 1, each a fifth of the rate
		throwers.Go(func() {
			pick := rand.New(rand.NewPCG(uint64(i), 7))
			for n := 0; ; n++ {
				due := started.Add(time.Duration(n) * 5 * time.Second / floodRate)
				if due.Sub(started) >= lasts || time.Since(started) > 2*lasts {
					return
				}
				time.Sleep(time.Until(due))
				g := garbage[pick.IntN(len(garbage))]
				if i > 0 {
					h.centre.Throw(g.topic, g.raw)
					thrown.Add(1)
				} else if h.centre.Publish(g.topic, false, g.raw) == nil {
					promised.Add(1)
				}
			}
		})
	}
	throwers.Wait()
	took := time.Since(started)
	h.t.Logf("flood: %d messages of QoS 0 and %d of QoS 1 in %.1f s: %.0f a second", thrown.Load(), promised.Load(), took.Seconds(),
		float64(thrown.Load()+promised.Load())/took.Seconds())
	if thrown.Load()+promised.Load() == 0 {
		h.t.Error("there was no flood")
	}
	h.sent += int(thrown.Load() + promised.Load())
	h.kinds["flood"]++
	for _, name := range []string{power, playlist, rights, request, receipt, clock} {
		h.remark(r, name)
	}
	h.settledFlood(r, standing, before, took)
}

// settledFlood waits until the counts are on record, and says what the flood did to the display.
func (h *hostile) settledFlood(r *run, standing standing, before gauge, took time.Duration) {
	h.t.Helper()
	after := h.gauge(r)
	standing.acked = h.standing().acked // the centre is honest meanwhile
	h.untouched("flood", standing)
	if !r.alive() {
		h.t.Fatal("the daemon ended")
	}
	h.t.Logf("flood: daemon's largest memory %d MiB before, %d MiB after; %.0f %% of a core; connected anew %d times; journal %d KiB and %d records more",
		before.peak>>20, after.peak>>20, 100*(after.cpu-before.cpu).Seconds()/took.Seconds(), after.connects-before.connects,
		(after.journal-before.journal)>>10, after.records-before.records)
}

// A gauge is what the daemon has used so far.
type gauge struct {
	peak     int64 // bytes
	cpu      time.Duration
	journal  int64 // bytes
	records  int
	connects int
}

func (h *hostile) gauge(r *run) gauge {
	h.t.Helper()
	g := gauge{records: len(h.records()), connects: strings.Count(r.log(), "connected to the broker\"")}
	proc := fmt.Sprintf("/proc/%d/", r.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				h.t.Fatal(err)
			}
			g.peak = kib << 10
		}
	}
	stat, err := os.ReadFile(proc + "stat")
	if err != nil {
		h.t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, f := range fields[11:13] { // user and system time in hundredths of a second
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			h.t.Fatal(err)
		}
		g.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		if info, err := os.Stat(h.path("data", name)); err == nil {
			g.journal += info.Size()
		}
	}
	return g
}

// A piece of garbage and where it goes.
type piece struct {
	topic string
	raw   []byte
}

// garbage is of many sizes, most of them small, and for each topic some that is right but for a bit or a byte.
func (h *hostile) garbage() []piece {
	h.t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	d := h.department
	almost := map[string][]byte{
		power: h.wish("blackout", nil, d.Stranger), request: h.dark(nil, d.Stranger), playlist: h.kept["playlist"],
		rights: h.older[0], receipt: h.kept["receipt"], clock: h.kept["time"],
	}
	var all []piece
	for name, raw := range almost {
		put := func(b []byte) { all = append(all, piece{topic(name), b}) }
		for range 40 {
			put(noise(random.IntN(2 << 10)))
			put([]byte(`{"payloadType":"` + string(trust.TypePower) + `","payload":"` + strings.Repeat("A", random.IntN(2000)) + `","signatures":[]}`))
			bent := bytes.Clone(raw)
			bent[random.IntN(len(bent))] ^= byte(1 << random.IntN(7))
			put(bent)
			put(tampered(h.t, raw, func(d *draft) { d.Signatures[0].Sig[random.IntN(64)] ^= 1 }))
		}
		for _, size := range []int{0, 0, 1, 2, 16 << 10, 32 << 10, 64 << 10, 64 << 10} {
			put(noise(size))
		}
		put(bytes.Repeat([]byte("["), 100<<10))
	}
	all = append(all, piece{topic(power), noise(2 << 20)}, piece{topic(playlist), padded(h.kept["playlist"], 1<<20)})
	return all
}

// remark brings a marker until it comes through: what is full drops it.
func (h *hostile) remark(r *run, name string) {
	h.t.Helper()
	h.marks++
	m, want := marker(h.marks), fmt.Sprintf("marker-%d-end", h.marks)
	for end := time.Now().Add(120 * time.Second); !strings.Contains(r.log(), want); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("nothing comes through on %s two minutes after the flood", name)
		}
		if err := h.centre.Publish(topic(name), false, m); err != nil {
			h.t.Fatal(err)
		}
	}
}
