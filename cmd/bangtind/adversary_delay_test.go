package main_test

import (
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// TestHeldBackWhileNobodyTellsTheTime: the display has lost its clock, and the broker, which keeps the time from it too,
// brings what it held back. What ended before the floor is refused. What ended after it cannot be known to have ended, and
// is taken, once: DESIGN.md has a command expire by a time that is certainly not too late.
func TestHeldBackWhileNobodyTellsTheTime(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	h.centre.SetTell(func(wire.TimeReply) ([][]byte, error) { return nil, nil })
	list := h.approved(10)
	h.genuine[digest(t, list)] = "inbox"
	h.inbox(list)
	r := h.start("BANGTIN_TEST_WALL=1970-01-01T00:00:10Z|1")
	h.until("on air, by a clock that nobody believes", func(s *wire.State) bool {
		return playing(10)(s) && s.Time.Trust == string(journal.Untrusted)
	})
	before := h.standing()
	old := func(c *wire.Command) {
		made := time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
		until := made.Add(time.Hour)
		c.Counter, c.Expires = uint64(made.UnixMilli()), until
		c.Args = []byte(`{"state":"blackout","until":"` + until.Format(time.RFC3339) + `","reason":"tắt"}`)
	}
	h.deliver(r, []attack{
		{"ended before the floor", request, h.dark(old), "expired", orderRoom},
		{"ended before the floor, for the whole fleet", request, h.command(trust.TypeTrust, func(c *wire.Command) {
			old(c)
			c.ID, c.Audience = "hostile-fleet", []string{wire.Everyone}
		}, h.department.Keepers...), "expired", orderRoom},
	})
	h.untouched("without a clock", before)
	h.until("still on air", playing(10))
	r.stop()
	h.onRecord()
	t.Logf("%d messages, accepted %d", h.sent, h.accepted())
}
