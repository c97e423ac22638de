package main_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A hostile world is a display whose broker is the attacker: everything that the department says goes through it, it
// has kept all of it, and it says what it likes. The department's keys it has not, but for those of people who err or
// act alone.
type hostile struct {
	*commanded
	tap   *tap
	watch *watch

	twin    trust.Signer // the editor's second key, as an approver
	second  trust.Signer // another editor
	duc     trust.Signer // holds power too
	keeper  trust.Signer // the first keeper's second key
	seeds   [][]byte     // private keys of these people
	genuine map[string]string
	counted map[string]int // refusals that must be on record, by "reason from source"
	noted   map[string]int // refusals that have a record of their own, by "reason from source"; at least one each
	sent    int
	kinds   map[string]int    // attacks by name
	kept    map[string][]byte // what the broker has heard, by what it is
	version uint64            // of the trust document that stands
	older   [][]byte          // trust documents before it
	marks   int
	heard   int    // batches before the centre was silenced
	logs    string // of the runs that are over
}

func newHostile(t testing.TB) *hostile {
	t.Helper()
	h := &hostile{
		commanded: newCommanded(t), genuine: map[string]string{}, counted: map[string]int{}, noted: map[string]int{},
		kinds: map[string]int{}, kept: map[string][]byte{}, version: 1,
	}
	h.flags = []string{"--debug"}
	d := h.department.Document
	h.twin = h.person(d, trust.RolePlaylist, trust.DutyApprover, "editor")
	h.second = h.person(d, trust.RolePlaylist, trust.DutyEditor, "bien-tap")
	h.duc = h.person(d, trust.RolePower, "", "duc")
	h.keeper = h.person(d, trust.RoleTrust, "", "first")
	h.write(h.document(), "data", "trust.json")
	h.tap = newTap(h.broker, t)
	h.watch = &watch{world: h.world}
	h.centre.SetAnswer(h.honest)
	h.centre.SetTell(h.now)
	return h
}

// person admits a new key to a role and remembers its seed for the search of the logs.
func (h *hostile) person(d *trust.Document, role trust.Role, duty, person string) trust.Signer {
	h.t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	h.seeds = append(h.seeds, private.Seed())
	admit(d, role, duty, trust.NewKey(public, person, person))
	return trust.NewSigner(private)
}

// topic is a name below the display's level.
func topic(name string) string { return "bt/v1/d/" + device + "/" + name }

// say is the department's own word: it may be obeyed, once.
func (h *hostile) say(name string, retained bool, raw []byte) {
	h.t.Helper()
	h.tap.department(name, [][]byte{raw})
	h.genuine[digest(h.t, raw)] = name
	if err := h.centre.Publish(topic(name), retained, raw); err != nil {
		h.t.Fatal(err)
	}
}

// digest names an envelope by its payload.
func digest(t testing.TB, raw []byte) string {
	t.Helper()
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(e.Payload)
	return hex.EncodeToString(sum[:])
}

// next is a version or counter above all before.
func (h *hostile) next() uint64 {
	h.last = max(h.last+1, uint64(time.Now().UnixMilli()))
	return h.last
}

// wish signs an order for the display's power that holds for an hour.
func (h *hostile) wish(state wire.PowerWish, change func(*wire.PowerOrder), signers ...trust.Signer) []byte {
	h.t.Helper()
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	o := wire.PowerOrder{Device: device, Version: h.next(), State: state, Until: &until, Reason: "thử"}
	if change != nil {
		change(&o)
	}
	raw, err := h.department.PowerOrder(o, signers...)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

// dark is a command to go dark for an hour.
func (h *hostile) dark(change func(*wire.Command), signers ...trust.Signer) []byte {
	h.t.Helper()
	return h.command(trust.TypePower, change, signers...)
}

func (h *hostile) command(as trust.Type, change func(*wire.Command), signers ...trust.Signer) []byte {
	h.t.Helper()
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	args, err := json.Marshal(wire.PowerArgs{State: wire.WishBlackout, Until: &until, Reason: "tắt"})
	if err != nil {
		h.t.Fatal(err)
	}
	ctr := h.next()
	c := wire.Command{ID: fmt.Sprintf("hostile-%d", ctr), Counter: ctr, Audience: []string{device}, Expires: until, Kind: wire.DoPower, Args: args}
	if change != nil {
		change(&c)
	}
	if len(signers) == 0 {
		signers = []trust.Signer{h.department.Power}
	}
	return seal(h.t, as, c, signers...)
}

// A standing is everything that a display holds to: what is accepted, and how far its outbox was emptied.
type standing struct {
	facts    map[string]string // settings and counters of the journal
	accepted map[string]string // digests of what was accepted, with what it was
	acked    uint64
}

// standing reads the journal while the daemon runs.
func (h *hostile) standing() standing {
	h.t.Helper()
	s := standing{facts: map[string]string{}, accepted: map[string]string{}}
	db, err := sql.Open("sqlite3", "file:"+h.path("data", "journal.db")+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(h.t.Context(), "SELECT key, value FROM setting UNION ALL SELECT name, CAST(value AS TEXT) FROM counter")
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var value []byte
		if err := rows.Scan(&key, &value); err != nil {
			h.t.Fatal(err)
		}
		if key != "control.panel" { // what the panel has told so far, which goes on by itself
			s.facts[key] = string(value)
		}
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	if err := db.QueryRowContext(h.t.Context(), "SELECT acked FROM chain").Scan(&s.acked); err != nil {
		h.t.Fatal(err)
	}
	records := h.records()
	for _, o := range bodies[journal.Order](h.t, records, journal.KindOrder) {
		if o.Accepted {
			s.accepted[o.Digest] = o.Source
		}
	}
	for _, c := range bodies[journal.Command](h.t, records, journal.KindCommand) {
		s.accepted[c.Digest] = "command " + c.Status
	}
	return s
}

// untouched compares what stands with what stood before attacks, and counts as accepted what the department never said.
func (h *hostile) untouched(phase string, before standing) {
	h.t.Helper()
	after := h.standing()
	if !maps.Equal(before.facts, after.facts) {
		for key := range after.facts {
			if before.facts[key] != after.facts[key] {
				h.t.Errorf("%s: %s went from %.200q to %.200q", phase, key, before.facts[key], after.facts[key])
			}
		}
	}
	if before.acked != after.acked {
		h.t.Errorf("%s: the outbox was emptied from %d to %d", phase, before.acked, after.acked)
	}
	if n := h.accepted(); n > 0 {
		h.t.Errorf("%s: %d accepted", phase, n)
	}
}

// accepted counts everything on record as accepted that the department did not order, or not by the way it took.
func (h *hostile) accepted() int {
	h.t.Helper()
	n := 0
	for digest, what := range h.standing().accepted {
		if _, ok := h.genuine[digest]; !ok {
			h.t.Errorf("accepted: %s %s", what, digest)
			n++
		}
	}
	return n
}

// refused adds up the refusals on record: incidents by "reason from source", and orders that have a record of their own.
func (h *hostile) refused() (counts, orders map[string]int) {
	h.t.Helper()
	counts, orders = map[string]int{}, map[string]int{}
	records := h.records()
	for _, inc := range bodies[journal.Incident](h.t, records, journal.KindIncident) {
		if reason, ok := strings.CutPrefix(inc.Code, "refused-"); ok {
			counts[reason+" "+inc.Detail] += inc.Count
		}
	}
	for _, o := range bodies[journal.Order](h.t, records, journal.KindOrder) {
		if !o.Accepted {
			orders[o.Reason+" from "+o.Source]++
		}
	}
	return counts, orders
}

// A sum is what was refused and how many incidents that took.
type sum struct{ times, incidents int }

// total adds up the refusals on record.
func (h *hostile) total() sum {
	h.t.Helper()
	var s sum
	for _, inc := range bodies[journal.Incident](h.t, h.records(), journal.KindIncident) {
		if strings.HasPrefix(inc.Code, "refused-") {
			s.times, s.incidents = s.times+inc.Count, s.incidents+1
		}
	}
	return s
}

// onRecord wants every refusal on record as often as it was provoked, and no other.
func (h *hostile) onRecord() {
	h.t.Helper()
	counts, orders := h.refused()
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		if counts[kind] != h.counted[kind] {
			h.t.Errorf("%s: %d on record, %d delivered", kind, counts[kind], h.counted[kind])
		}
		h.t.Logf("recorded %4d × %s", counts[kind], kind)
	}
	for kind := range h.counted {
		if counts[kind] == 0 {
			h.t.Errorf("%s: not on record", kind)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(h.noted)) {
		if orders[kind] == 0 {
			h.t.Errorf("%s: no record of its own; there are %v", kind, orders)
		}
		h.t.Logf("recorded %4d × %s (each an order's record)", orders[kind], kind)
	}
}
