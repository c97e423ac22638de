package centre

import (
	"context"
	"errors"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const (
	maxGroup      = 512     // changes of one transaction
	maxGroupBytes = 4 << 20 // of the records in them, which may be many times their messages
	turn          = time.Second

	// While the database takes nothing, changes that nobody sends again are held; the oldest go first. What displays
	// said of themselves last is not held: it comes again within minutes.
	maxBacklog      = 1000
	maxBacklogBytes = 64 << 20

	// maxHeld commands stay unacknowledged with the broker meanwhile. It leaves 1000 messages open: were they all
	// commands, nothing else would come. One more is refused, counted and named in the log.
	maxHeld = 256
)

// A group is what one transaction writes, and who waits for it.
type group struct {
	changes []store.Change
	jobs    []job // of each change
}

// write is the only writer of the store.
func (c *Centre) write(ctx context.Context) error {
	tick := time.NewTicker(turn)
	defer tick.Stop()
	for {
		select {
		case <-c.writes.ready:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.written.Store(int64(c.cfg.Mono()))
		if g := c.gather(); len(g.changes) > 0 {
			c.commit(ctx, g)
		}
	}
}

// gather takes what waits, bounded, and refuses what cannot be read.
func (c *Centre) gather() group {
	var g group
	for _, j := range c.backlog {
		g.add(*j.change, j)
	}
	c.backlog = nil
	defer c.writes.more()
	for bytes := 0; len(g.changes) < maxGroup && bytes < maxGroupBytes; {
		j, ok := c.writes.next()
		if !ok {
			break
		}
		if j.change != nil {
			g.add(*j.change, j)
			continue
		}
		batch, err := ReadBatch(j.device, j.payload)
		if err != nil {
			c.cfg.Log.Debug("batch refused", "display", j.device, "err", err)
			c.refuse(BrokenBatch, j.ack)
			continue
		}
		for _, r := range batch.Records {
			bytes += len(r.Body)
		}
		g.add(store.Change{Batch: batch}, j)
	}
	return g
}

func (g *group) add(change store.Change, j job) {
	g.changes = append(g.changes, change)
	g.jobs = append(g.jobs, j)
}

// commit writes the group, tells the broker, and acknowledges.
func (c *Centre) commit(ctx context.Context, g group) {
	began := c.cfg.Mono()
	outcomes, err := c.cfg.Store.Write(ctx, c.cfg.Wall(), g.changes)
	switch {
	case ctx.Err() != nil:
		return // nothing was said to anybody: the broker still has the messages
	case err == nil:
		c.cfg.Metrics.committed(c.cfg.Mono() - began)
		c.recovered()
		c.settle(g, outcomes)
	case !errors.Is(err, store.ErrUnfit):
		c.failed(g, err)
	case len(g.changes) == 1:
		c.unfit(g, err)
	default: // one of them is what the database cannot take
		for i := range g.changes {
			c.commit(ctx, group{changes: g.changes[i : i+1], jobs: g.jobs[i : i+1]})
		}
	}
}

// failed holds what nobody sends again, commands with their places at the broker, and frees the places of the rest:
// displays send it again.
func (c *Centre) failed(g group, err error) {
	if !c.full {
		c.full = true
		c.cfg.Log.Error("cannot write: records are not acknowledged, displays keep them", "err", err)
	}
	c.cfg.Metrics.writable(false)
	held := 0
	for i, j := range g.jobs {
		change := g.changes[i]
		switch {
		case change.Batch != nil:
			c.refuse(NotWritten, j.ack)
		case change.States != nil:
		case change.Command != nil && held >= maxHeld:
			c.cfg.Log.Error("command is not kept: too many wait for the database", "display", j.device, "id", change.Command.ID)
			c.refuse(NotWritten, j.ack)
		default:
			if change.Command != nil {
				held++
			}
			j.change = &change
			c.backlog = append(c.backlog, j)
		}
	}
	c.trim()
}

// trim gives up the oldest of the backlog where it has too many changes, or too large ones.
func (c *Centre) trim() {
	bytes, keep := 0, len(c.backlog)
	for keep > 0 && len(c.backlog)-keep < maxBacklog {
		j := c.backlog[keep-1]
		if bytes += len(j.payload); bytes > maxBacklogBytes {
			break
		}
		keep--
	}
	for _, j := range c.backlog[:keep] {
		if j.change.Order != nil {
			c.standing.forget(*j.change.Order)
		}
		if j.ack != nil {
			j.ack()
		}
	}
	c.cfg.Metrics.dropped(keep)
	c.backlog = c.backlog[keep:]
}

// unfit gives up a single change that the database can never take.
func (c *Centre) unfit(g group, err error) {
	c.cfg.Log.Error("cannot write a change: it is given up", "display", g.jobs[0].device, "err", err)
	if g.changes[0].Batch == nil {
		c.cfg.Metrics.dropped(1)
	}
	c.refuse(NotWritten, g.jobs[0].ack)
}

func (c *Centre) recovered() {
	c.cfg.Metrics.writable(true)
	if c.full {
		c.full = false
		c.cfg.Log.Warn("the database takes records again")
	}
}

// settle is called when the group is safe from a power cut.
func (c *Centre) settle(g group, outcomes []store.Outcome) {
	last := map[string]int{} // of each display the last batch: one acknowledgement tells of those before it
	for i, o := range outcomes {
		j := g.jobs[i]
		if j.ack != nil {
			j.ack()
		}
		for _, incident := range o.Incidents {
			c.tell(incident)
		}
		for _, a := range o.Settled {
			c.live.settled(a)
		}
		if g.changes[i].Batch == nil {
			continue
		}
		c.cfg.Metrics.collected(o)
		if o.Refused != "" {
			c.refuse(Refusal(o.Refused), nil)
			continue
		}
		last[j.device] = i
	}
	for device, i := range last {
		if err := c.acknowledge(device, outcomes[i]); err != nil {
			c.cfg.Log.Error("cannot acknowledge records", "display", device, "err", err)
			continue
		}
		c.cfg.Metrics.acknowledged(c.cfg.Mono() - g.jobs[i].arrived)
	}
}

// acknowledge signs what is committed. It names the batch's own last record, not the newest one the centre has: a
// display refuses the head of what it did not just send.
func (c *Centre) acknowledge(device string, o store.Outcome) error {
	topics, err := wire.NewTopics(device)
	if err != nil {
		return err
	}
	signed, err := c.seal(trust.TypeCollect, wire.RecordsAck{Device: device, UptoSeq: o.Upto, Head: o.Head.String()})
	if err != nil {
		return err
	}
	c.cfg.Send(topics.EventsAck(), signed)
	return nil
}

func (c *Centre) seal(t trust.Type, message any) ([]byte, error) {
	payload, err := wire.Encode(message)
	if err != nil {
		return nil, err
	}
	e := &trust.Envelope{Type: t, Payload: payload}
	if err := e.Sign(c.cfg.Signer); err != nil {
		return nil, err
	}
	return e.Marshal()
}

// put has a change of the centre's own written.
func (c *Centre) put(j job, change store.Change) {
	j.change = &change
	if reason := c.writes.put(j); reason != "" {
		c.refuse(reason, j.ack)
	}
}

// tell writes an incident to the log, where somebody may see it at once.
func (c *Centre) tell(i store.Incident) {
	c.cfg.Metrics.incident(i.Code, i.Over)
	c.cfg.Log.Warn("incident", "display", i.Device, "code", i.Code, "over", i.Over, "detail", i.Detail,
		"since", stamp(i.Since), "heard", stamp(i.Heard))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}
