package chaos_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/wire"
)

// settle waits until every command is settled and every outbox empty, with nobody disturbing any more.
func (w *world) settle(o *operator) {
	w.Helper()
	for _, l := range w.links {
		l.cut(0)
	}
	for _, u := range w.units {
		u.renewed = time.Now()
	}
	o.relieve()
	end := time.Now().Add(w.patience)
	for ; ; time.Sleep(200 * time.Millisecond) {
		w.reload() // its limit may have been set while it could not be told
		open := w.openAtCentre()
		waiting := w.waiting()
		if o.unsettled() == 0 && len(open) == 0 && waiting == 0 {
			break
		}
		if time.Now().After(end) {
			w.Fatalf("not settled in %s: %d commands pursued, %d records wait, open at the centre: %v", w.patience, o.unsettled(), waiting, open)
		}
		w.renew(open)
	}
}

// renew cuts the displays off that have open commands, now and then: one that comes back is sent what is open.
func (w *world) renew(open []string) {
	for _, u := range w.units {
		every := 5 * time.Second
		if u.daemon {
			every = 3 * time.Minute // more than it takes to come back
		}
		mine := func(at string) bool { return strings.HasPrefix(at, u.id) }
		if time.Since(u.renewed) > every && slices.ContainsFunc(open, mine) {
			u.link.cut(0)
			u.renewed = time.Now()
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
		if !u.daemon {
			u.process.signal(syscall.SIGUSR1)
		}
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
		w.brought(u, b)
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
		if k := string(kind); !u.daemon && (did[k] > begun[k] || did[k] < done[k]) {
			w.Errorf("%s: %d times %s for %d commands, %d of them done", u.id, did[k], k, begun[k], done[k])
		}
	}
}

// keptUploads is fewer than the centre keeps of one display.
const keptUploads = 10

// brought wants at the centre what displays say they brought there, the newest of it.
func (w *world) brought(u *unit, b *book) {
	w.Helper()
	for _, e := range b.sent[max(0, len(b.sent)-keptUploads):] {
		raw, err := os.ReadFile(filepath.Join(w.dir, "uploads", u.id, e.Name))
		if sum := sha256.Sum256(raw); err != nil || hex.EncodeToString(sum[:]) != e.SHA256 {
			w.Errorf("%s brought %s to the centre, where it is not, or not as it was: %v", u.id, e.Name, err)
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
			ends[strings.TrimSpace(v.status+" "+reason(steps[len(steps)-1]))]++
		case known:
			if !wire.CommandStatus(v.status).Final() || v.status == string(wire.Done) {
				w.Errorf("%s: command %s (%s) is %+v at the centre and the display has no record of it", s.device, s.ID, s.Kind, v)
			}
			ends[strings.TrimSpace(v.status+" "+s.reason)+", no record"]++
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

// reason is why a command did not end well; of one that did, the record says what was asked.
func reason(c journal.Command) string {
	if c.Status == string(wire.Done) {
		return ""
	}
	return c.Reason
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
		report, err := sqlite.Verify(w.Context(), u.path("journal.db"), u.key().Public().(ed25519.PublicKey))
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
		if v := w.totals[name]; v > 0 && strings.Contains(name, "_total") {
			w.Logf("  %s %.0f", name, v)
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
