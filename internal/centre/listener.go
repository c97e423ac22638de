package centre

import (
	"context"
	"maps"
	"slices"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const (
	watchEvery  = 5 * time.Second
	statesEvery = time.Minute // between two writings of what displays said last
	maxKept     = 8 << 10     // bytes of a state that is kept; with seven sensors it has about 620

	// A display asks once for a while when it starts and then rarely.
	timeBurst = 5.0
	timeEvery = 10 * time.Second // after the burst

	maxQuestion = 10 * time.Second // a display believes no answer to an older one
)

// listen works through everything but records.
func (c *Centre) listen(ctx context.Context) error {
	watch, states := time.NewTicker(watchEvery), time.NewTicker(statesEvery)
	defer watch.Stop()
	defer states.Stop()
	for {
		select {
		case <-c.talk.ready:
			for range maxGroup {
				j, ok := c.talk.next()
				if !ok {
					break
				}
				c.hearOut(j)
			}
			c.talk.more()
		case <-watch.C:
			c.look()
		case <-states.C:
			c.putStates()
		case <-ctx.Done():
			return ctx.Err()
		}
		c.listened.Store(int64(c.cfg.Mono()))
	}
}

// hearOut does what a message asks. Its place with the broker is freed at once, but for what has to be written first.
func (c *Centre) hearOut(j job) {
	topics, err := wire.NewTopics(j.device)
	if err != nil || len(j.payload) == 0 { // an order without anything in it is none, and is repaired
		c.refuse(BadMessage, j.ack)
		return
	}
	var reason Refusal
	switch j.topic {
	case topics.Conn():
		reason = c.conn(j)
	case topics.State():
		reason = c.state(j)
	case topics.TimeRequest():
		reason = c.time(j, topics)
	case topics.CommandAck():
		reason = c.answer(j)
	case topics.CommandRequest():
		if reason = c.command(j); reason == "" {
			return // acknowledged when it is written
		}
	case topics.DesiredPower(), topics.DesiredPlaylist(), topics.DesiredTrust():
		change, why := c.order(j)
		if change != nil {
			c.put(j, *change)
			return // acknowledged when it is written
		}
		reason = why
	default:
		reason = BadTopic
	}
	if reason != "" {
		c.cfg.Log.Debug("message refused", "topic", j.topic, "reason", reason)
		c.refuse(reason, j.ack)
		return
	}
	j.ack()
}

func (c *Centre) conn(j job) Refusal {
	conn, err := wire.ParseConn(j.payload)
	if err != nil {
		return BadMessage
	}
	c.mu.Lock()
	c.watch.Connection(j.device, c.moment(), conn.State, j.retained)
	c.mu.Unlock()
	if conn.State == wire.Online {
		for _, command := range c.live.of(j.device) {
			if err := c.sendAgain(command); err != nil {
				c.cfg.Log.Error("cannot send a command again", "display", j.device, "err", err)
			}
		}
	}
	return ""
}

func (c *Centre) state(j job) Refusal {
	s, err := wire.ParseState(j.payload)
	if err != nil {
		return BadMessage
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.moment()
	sure := s.Time.Trust == "synchronised" && !j.retained
	c.watch.Reported(j.device, now, Report{
		Dark: s.Dark(), Retained: j.retained, Outbox: s.Outbox.Depth, Offset: now.Wall.Sub(s.At), Sure: sure,
	})
	if len(j.payload) <= maxKept && !j.retained {
		c.states[j.device] = store.State{Device: j.device, Heard: now.Wall, Body: j.payload}
	}
	return ""
}

// putStates writes the states that changed since the last time, some at a time.
func (c *Centre) putStates() {
	c.mu.Lock()
	changed := slices.Collect(maps.Values(c.states))
	clear(c.states)
	c.mu.Unlock()
	for some := range slices.Chunk(changed, maxGroup) {
		c.put(job{}, store.Change{States: some})
	}
}

// time answers with the signed time, unless the display asks too often, its question is old, or the centre's own clock
// is doubted or kept by nobody.
func (c *Centre) time(j job, topics wire.Topics) Refusal {
	request, err := wire.ParseTimeRequest(j.payload)
	if err != nil {
		return BadMessage
	}
	if !c.mayAsk(j.device) {
		return TooOften
	}
	if c.cfg.Mono()-j.arrived > maxQuestion {
		return TooLate
	}
	now := c.cfg.Wall().UTC()
	if c.doubtful() || !c.cfg.Kept() || now.Before(c.cfg.Built) {
		return ClockUnsure
	}
	signed, err := c.seal(trust.TypeTime, wire.TimeReply{Device: j.device, Nonce: request.Nonce, Time: now})
	if err != nil {
		c.cfg.Log.Error("cannot tell the time", "err", err)
		return ""
	}
	c.cfg.Metrics.timesTold.Inc()
	c.cfg.Send(topics.TimeReply(), signed)
	return ""
}

func (c *Centre) mayAsk(device string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, now := c.peers[device], c.cfg.Mono()
	if p == nil {
		return false
	}
	p.allowance = min(timeBurst, p.allowance+(now-p.asked).Seconds()/timeEvery.Seconds())
	p.asked = now
	if p.allowance < 1 {
		return false
	}
	p.allowance--
	return true
}

func (c *Centre) doubtful() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch.Doubtful()
}

// look raises and clears what is dark, and ends commands that nobody answered.
func (c *Centre) look() {
	c.mu.Lock()
	incidents := c.watch.Tick(c.moment())
	counts := c.watch.Counts()
	c.mu.Unlock()
	for _, i := range incidents {
		c.tell(i) // at once, whether or not it can be written
		c.put(job{}, store.Change{Incident: &i})
	}
	for _, again := range c.live.due(c.cfg.Mono()) {
		if err := c.sendAgain(again); err != nil {
			c.cfg.Log.Error("cannot send a command again", "display", again.Device, "err", err)
		}
	}
	for _, a := range c.live.expire(c.cfg.Wall()) {
		c.put(job{}, store.Change{Answer: &a})
	}
	c.cfg.Metrics.looked(counts, c.live.count(), c.talk.depth()+c.writes.depth())
}
