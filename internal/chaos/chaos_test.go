package chaos_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/journal/sqlite"
	"bangtin/internal/wire"
)

// A form says how much of everything.
type form struct {
	displays   int
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
	return form{displays: 20, kills: 50, up: 7 * time.Second, down: 3 * time.Second, backlog: 500, rate: 150 * time.Millisecond,
		full: 15 * time.Second, commands: 150 * time.Millisecond, brief: true, patience: 10 * time.Minute}
}

// Counts of what was done to the world.
type counts struct{ cuts, hangs, displays atomic.Int64 }

// TestChaos kills, cuts off and fills up at random, then lets everything run and compares the books: every record that
// was made is in the centre exactly once, and every command ended, the same at both ends, and was done at most once.
// BANGTIN_CHAOS=full is the long form; BANGTIN_CHAOS_SEED repeats the dice of a run, though not its moments.
func TestChaos(t *testing.T) {
	f := short()
	if os.Getenv("BANGTIN_CHAOS") == "full" {
		f = full()
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
		if w.count()["bangtin_database_writable"] == 0 && w.count() != nil {
			seen += time.Since(began)
		}
	}
	w.limit(0)
	w.reload()
}

// settle waits until every command is settled and every outbox empty, with nobody disturbing any more.
func (w *world) settle(o *operator) {
	w.Helper()
	for _, l := range w.links {
		l.cut(0)
	}
	end := time.Now().Add(w.patience)
	for disturbed := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		w.reload() // its limit may have been set while it could not be told
		open := w.openAtCentre()
		waiting := w.waiting()
		if o.pending() == 0 && len(open) == 0 && waiting == 0 {
			break
		}
		if time.Now().After(end) {
			w.Fatalf("not settled in %s: %d commands pursued, %d records wait, open at the centre: %v", w.patience, o.pending(), waiting, open)
		}
		if time.Since(disturbed) > 5*time.Second { // a display that comes back is sent what is open
			disturbed = time.Now()
			for _, u := range w.units {
				if slices.ContainsFunc(open, func(at string) bool { return strings.HasPrefix(at, u.id) }) {
					u.link.cut(0)
				}
			}
		}
	}
}

// openAtCentre lists commands without a final status.
func (w *world) openAtCentre() []string {
	var open []string
	for key, v := range w.verdicts() {
		if !wire.CommandStatus(v.status).Final() {
			open = append(open, fmt.Sprintf("%s %.8s %s", key[0], key[1], v.status))
		}
	}
	return open
}

// waiting counts the records in all outboxes, after the displays were asked to be quiet.
func (w *world) waiting() (n uint64) {
	for _, u := range w.units {
		u.process.signal(syscall.SIGUSR1)
		d, err := u.depth()
		w.check(err)
		n += d
	}
	return n
}

// judge compares the books while the displays stand still.
func (w *world) judge(o *operator) {
	w.Helper()
	end := time.Now().Add(w.patience)
	for {
		w.signal(syscall.SIGSTOP)
		if w.waiting() == 0 {
			break
		}
		w.signal(syscall.SIGCONT) // a record was made just now
		if time.Now().After(end) {
			w.Fatal("the displays do not come to rest")
		}
		time.Sleep(300 * time.Millisecond)
	}
	books := map[string]*book{}
	collected := w.collected()
	for _, u := range w.units {
		b, err := u.book()
		w.check(err)
		books[u.id] = b
		w.compare(u.id, b.lines, collected[u.id])
		w.doneOnce(u, b)
	}
	w.ended(o, books)
}

func (w *world) signal(what syscall.Signal) {
	for _, u := range w.units {
		u.process.signal(what)
	}
}

// compare wants the same records in the same order, each once, in one chain.
func (w *world) compare(id string, made, got []line) {
	w.Helper()
	if !slices.Equal(made, got) {
		at := 0
		for at < min(len(made), len(got)) && made[at] == got[at] {
			at++
		}
		w.Errorf("%s made %d records and the centre has %d; they differ from number %d on", id, len(made), len(got), at+1)
	}
}

// doneOnce compares what a display did with what it recorded.
func (w *world) doneOnce(u *unit, b *book) {
	w.Helper()
	did, err := u.effects()
	w.check(err)
	begun, done := map[string]int{}, map[string]int{}
	for digest, steps := range b.commands {
		kind := steps[0].Kind
		begun[kind]++
		if steps[len(steps)-1].Status == string(wire.Done) {
			done[kind]++
		}
		if len(steps) != 2 || steps[0].Status != string(wire.Received) || !wire.CommandStatus(steps[1].Status).Final() {
			w.Errorf("%s: the records of command %.8s (%s) are %+v", u.id, digest, kind, steps)
		}
		if n := did["upload "+steps[0].ID]; n > 1 {
			w.Errorf("%s did command %s %d times", u.id, steps[0].ID, n)
		}
	}
	for _, kind := range []wire.CommandKind{wire.DoIdentify, wire.DoRestartPlayer, wire.DoReboot} {
		if k := string(kind); did[k] > begun[k] || did[k] < done[k] {
			w.Errorf("%s: %d times %s for %d commands, %d of them done", u.id, did[k], k, begun[k], done[k])
		}
	}
}

// ended wants of every command the same end at both sides. One that nobody but its sender ever heard of must have
// expired, so that nobody will obey it.
func (w *world) ended(o *operator, books map[string]*book) {
	w.Helper()
	verdicts := w.verdicts()
	ends := map[string]int{}
	for _, s := range o.all {
		steps := books[s.device].commands[s.digest]
		v, known := verdicts[[2]string{s.device, s.digest}]
		switch {
		case len(steps) > 0:
			if last := steps[len(steps)-1].Status; v.status != last || v.source != 2 {
				w.Errorf("%s: command %s (%s) is %s at the display and %+v at the centre", s.device, s.ID, s.Kind, last, v)
			}
			ends[v.status]++
		case known:
			if !wire.CommandStatus(v.status).Final() || v.status == string(wire.Done) {
				w.Errorf("%s: command %s (%s) is %+v at the centre and the display has no record of it", s.device, s.ID, s.Kind, v)
			}
			ends[v.status+", no record"]++
		case s.answer == wire.Rejected || s.answer == wire.Expired:
			ends[string(s.answer)+", its sender alone heard"]++
		case time.Now().After(s.Expires) && s.answer == "":
			ends[fmt.Sprintf("expired on the way, broker took it: %t", s.taken)]++
		default:
			w.Errorf("%s: command %s (%s) never ended: its sender heard %q", s.device, s.ID, s.Kind, s.answer)
		}
	}
	w.Logf("%d commands: %v", len(o.all), ends)
}

// faults wants that nothing ended by itself.
func (w *world) faults() {
	for _, s := range w.services() {
		for _, f := range s.faults {
			w.Errorf("%s; its log ends with\n%s", f, tail(s.log))
		}
	}
}

// verify has both sides' books checked by the programs that check them in the field.
func (w *world) verify() {
	out, err := exec.Command(w.path("bangtin-center"), "--dir", w.dir, "verify").CombinedOutput()
	if err != nil {
		w.Errorf("bangtin-center verify: %v\n%s", err, out)
	}
	w.Logf("bangtin-center verify: %s", strings.TrimSpace(string(out)))
	for _, u := range w.units {
		report, err := sqlite.Verify(w.Context(), filepath.Join(u.dir, "journal.db"), u.key.Public().(ed25519.PublicKey))
		if err != nil || !report.OK() {
			w.Errorf("journal of %s: %v %v", u.id, err, report.Findings)
		}
	}
}

func (w *world) report(o *operator, n *counts, raged, settled time.Duration) {
	kinds, records := map[string]int{}, 0
	for _, u := range w.units {
		b, err := u.book()
		w.check(err)
		records += len(b.lines)
		for k, many := range b.kinds {
			kinds[k] += many
		}
	}
	reboots := 0
	for _, u := range w.units {
		if did, err := u.effects(); err == nil {
			reboots += did["reboot"]
		}
	}
	w.Logf("%d displays; SIGKILL: broker %d, centre %d, displays %d, reboots %d; links cut %d, hung %d; %s of chaos, settled %s later",
		len(w.units), w.broker.killed.Load(), w.centre.killed.Load(), n.displays.Load(), reboots, n.cuts.Load(), n.hangs.Load(),
		raged.Round(time.Second), settled.Round(100*time.Millisecond))
	w.Logf("%d records made and collected %v; sent again after their end: %d commands", records, kinds, o.again)
	for _, name := range slices.Sorted(maps.Keys(w.totals)) {
		if v := w.totals[name]; v > 0 && !strings.Contains(name, "_bucket") && !strings.Contains(name, "displays") {
			w.Logf("  %s %g", name, v)
		}
	}
}

// tell shows the ends of the logs when something failed.
func (w *world) tell() {
	if !w.Failed() {
		return
	}
	for _, s := range w.services() {
		w.Logf("%s: ... %s", s.name, tail(s.log))
	}
}

func tail(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2000):])
}

// within is a random duration below d.
func within(dice *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(dice.Int64N(int64(d)))
}
