package control

import (
	"slices"
	"strings"
	"sync"
	"time"

	"bangtin/internal/journal"
)

// refusalKinds bounds how many different refusals are told apart in a minute; the rest counts as "other".
const refusalKinds = 64

// refusals counts what was not obeyed. A flood becomes one incident for each reason and minute. Safe for
// concurrent use.
type refusals struct {
	mu    sync.Mutex
	since time.Time // process time of the first one not yet told
	count map[refusal]int
}

type refusal struct{ reason, source string }

func newRefusals() *refusals { return &refusals{count: map[refusal]int{}} }

func (r *refusals) add(reason, source string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.count) == 0 {
		r.since = time.Now()
	}
	k := refusal{reason, source}
	if _, known := r.count[k]; !known && len(r.count) >= refusalKinds {
		k = refusal{"other", "various"}
	}
	r.count[k]++
}

// minute returns what was refused, once a minute after the first of them.
func (r *refusals) minute() []journal.Incident {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.count) == 0 || time.Since(r.since) < time.Minute {
		return nil
	}
	return r.tell()
}

// rest returns what was refused since the last minute that was told: the daemon stops.
func (r *refusals) rest() []journal.Incident {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tell()
}

// tell makes incidents of the counts and begins anew. The caller holds mu.
func (r *refusals) tell() []journal.Incident {
	var out []journal.Incident
	for k, n := range r.count {
		out = append(out, journal.Incident{
			Class: journal.Cyber, Code: "refused-" + k.reason, Detail: "from " + k.source, Count: n,
		})
	}
	slices.SortFunc(out, func(a, b journal.Incident) int {
		return strings.Compare(a.Code+a.Detail, b.Code+b.Detail)
	})
	r.count = map[refusal]int{}
	return out
}

// tellRefusals hands over what was refused in the minute that is not over: an attack is on record whenever it came.
func (c *Control) tellRefusals() {
	at := c.cfg.Clock.Stamp()
	var entries []journal.Entry
	for _, inc := range c.refusals.rest() {
		entries = append(entries, c.incident(at, inc))
	}
	c.recorder.put(c.heartbeat(), entries...)
}
