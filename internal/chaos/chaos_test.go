package chaos_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A form says how much of everything.
type form struct {
	displays   int
	daemons    int           // so many of them are cmd/bangtind itself, with mpv
	kills      int           // of the broker, and of the centre
	up         time.Duration // the longest that either runs before it is killed
	down       time.Duration // the longest that it is away
	backlog    int           // records with which each display begins
	rate       time.Duration // mean time between two writes of a display
	firstLimit int           // MiB that the centre's database may have at first; 0 is no limit
	full       time.Duration // how long it is full
	commands   time.Duration // mean time between two commands
	brief      bool          // some commands expire in seconds: what nobody heard of ends two minutes later
	patience   time.Duration // for everything to settle
}

// short is what every run of the tests does, full what `make chaos` does.
func short() form {
	return form{displays: 4, kills: 5, up: 4 * time.Second, down: 2 * time.Second, backlog: 300, rate: 60 * time.Millisecond,
		firstLimit: 1, full: 2 * time.Second, commands: 200 * time.Millisecond, patience: 3 * time.Minute}
}

func full() form {
	return form{displays: 20, daemons: 3, kills: 50, up: 7 * time.Second, down: 3 * time.Second, backlog: 500, rate: 150 * time.Millisecond,
		full: 15 * time.Second, commands: 150 * time.Millisecond, brief: true, patience: 10 * time.Minute}
}

// Counts of what was done to the world.
type counts struct{ cuts, hangs, displays atomic.Int64 }

// TestChaos kills, cuts off and fills up at random, then lets everything run and compares the books: every record that
// was made is in the centre exactly once, and every command ended, the same at both ends, and was done at most once.
// BANGTIN_CHAOS=full is the long form; BANGTIN_CHAOS_DAEMONS says how many of the displays are cmd/bangtind itself;
// BANGTIN_CHAOS_SEED repeats the dice of a run, though not its moments.
func TestChaos(t *testing.T) {
	f := short()
	if os.Getenv("BANGTIN_CHAOS") == "full" {
		f = full()
	}
	if n, err := strconv.Atoi(os.Getenv("BANGTIN_CHAOS_DAEMONS")); err == nil {
		f.daemons = n
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("BANGTIN_CHAOS_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("seed %d", seed)
	w := newWorld(t, f)
	stop := w.run()
	t.Cleanup(stop)
	t.Cleanup(func() { w.tell() })
	o := newOperator(w, seed)
	ctx, cancel := context.WithCancel(t.Context())
	var part sync.WaitGroup
	part.Go(func() { _ = o.link.Run(ctx) })
	t.Cleanup(func() { cancel(); part.Wait() })

	began := time.Now()
	var n counts
	w.rage(ctx, o, seed, &n)
	raged := time.Since(began)
	w.settle(o)
	settled := time.Since(began) - raged
	w.judge(o)
	w.keepCount()
	stop()
	w.faults()
	w.verify()
	w.report(o, &n, raged, settled)
}

// rage returns when broker and centre have been killed as often as is asked for and the database was full once.
func (w *world) rage(ctx context.Context, o *operator, seed uint64, n *counts) {
	ctx, calm := context.WithCancel(ctx)
	defer calm()
	var measured, rest sync.WaitGroup
	measured.Go(func() { w.killing(w.broker, rand.New(rand.NewPCG(seed, 2)), w.beforeBroker) })
	measured.Go(func() { w.killing(w.centre, rand.New(rand.NewPCG(seed, 3)), w.keepCount) })
	measured.Go(w.fillUp)
	rest.Go(func() { w.cutting(ctx, rand.New(rand.NewPCG(seed, 4)), n) })
	rest.Go(func() { w.unplugging(ctx, rand.New(rand.NewPCG(seed, 5)), n) })
	rest.Go(func() { o.work(ctx, w.commands) })
	measured.Wait()
	calm()
	rest.Wait()
}

// killing kills a service as often as is asked for.
func (w *world) killing(s *service, dice *rand.Rand, before func()) {
	for range w.kills {
		time.Sleep(w.up/8 + within(dice, w.up*7/8))
		s.kills <- kill{before: before, pause: within(dice, w.down)}
	}
}

// beforeBroker has the broker write down its sessions now and then, so that it comes back with old ones rather than none.
func (w *world) beforeBroker() {
	if rand.IntN(2) == 0 {
		w.broker.signal(syscall.SIGUSR1)
		time.Sleep(rand.N(300 * time.Millisecond))
	}
}

// cutting breaks links and has them hang.
func (w *world) cutting(ctx context.Context, dice *rand.Rand, n *counts) {
	every := 6 * time.Second / time.Duration(len(w.links)) // each link that often
	for pause(ctx, within(dice, 2*every)) {
		link := w.links[dice.IntN(len(w.links))]
		if dice.IntN(3) == 0 {
			link.hang(within(dice, 4*time.Second))
			n.hangs.Add(1)
			continue
		}
		link.cut(within(dice, time.Second))
		n.cuts.Add(1)
	}
}

// unplugging kills displays.
func (w *world) unplugging(ctx context.Context, dice *rand.Rand, n *counts) {
	every := 20 * time.Second / time.Duration(len(w.units)) // each display that often
	for pause(ctx, within(dice, 2*every)) {
		u := w.units[dice.IntN(len(w.units))]
		select {
		case u.process.kills <- kill{pause: within(dice, 2*time.Second)}:
			n.displays.Add(1)
		case <-ctx.Done():
		}
	}
}

// fillUp gives the centre's database no more room at a moment in the middle, and room again when it was seen to be full
// for a while.
func (w *world) fillUp() {
	for w.firstLimit == 0 && w.centre.killed.Load() < int64(w.kills/3) {
		time.Sleep(100 * time.Millisecond)
	}
	w.limit(1)
	end := time.Now().Add(w.patience)
	for seen := time.Duration(0); seen < w.full; {
		if time.Now().After(end) {
			w.Error("the database was never full")
			break
		}
		w.reload()
		began := time.Now()
		time.Sleep(200 * time.Millisecond)
		if now := w.count(); now != nil && now["bangtin_database_writable"] == 0 {
			seen += time.Since(began)
		}
	}
	w.limit(0)
	w.reload()
}

// within is a random duration below d.
func within(dice *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(dice.Int64N(int64(d)))
}
