package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"bangtin/internal/fleet/department"
	"bangtin/internal/wire"
)

// maxDisplays bounds a fleet: what a broker says beyond it is passed over.
const maxDisplays = 5000

// A pursuit follows one command at several displays. hear is called by the connection, everything else by one
// goroutine.
type pursuit struct {
	command *wire.Command
	raw     []byte // signed: what is sent again is the same bytes
	digest  string
	goal    goal
	fleet   bool          // every display that the broker has heard of
	wake    chan struct{} // one pending value: something was heard
	clock   func() time.Time

	mu      sync.Mutex
	follows map[string]*follow
}

func newPursuit(o *outgoing, now func() time.Time) (*pursuit, error) {
	g, err := goalOf(o.command, o.playlist)
	if err != nil {
		return nil, err
	}
	p := &pursuit{
		command: o.command, raw: o.raw, digest: o.digest, goal: g, fleet: slices.Equal(o.command.Audience, []string{wire.Everyone}),
		wake: make(chan struct{}, 1), clock: now, follows: map[string]*follow{},
	}
	if !p.fleet {
		for _, d := range o.command.Audience {
			p.add(d)
		}
	}
	return p, nil
}

func (p *pursuit) add(display string) *follow {
	f := &follow{display: display, command: p.command, digest: p.digest, goal: p.goal, stage: stageSent}
	p.follows[display] = f
	return f
}

// filters are what a pursuit has to hear: of each display its own topics, of a fleet those of all.
func (p *pursuit) filters() ([]string, error) {
	if p.fleet {
		return []string{wire.AllConn, wire.AllState, wire.AllCommandAcks}, nil
	}
	var all []string
	for _, d := range p.displays() {
		t, err := wire.NewTopics(d)
		if err != nil {
			return nil, err
		}
		all = append(all, t.Conn(), t.State(), t.CommandAck())
	}
	return all, nil
}

// displays lists whom the command goes to, sorted.
func (p *pursuit) displays() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.follows))
}

// discover waits, where the command is for all, until the broker has told of every display it knows.
func (p *pursuit) discover(ctx context.Context, patience Patience) {
	if p.fleet {
		settle(ctx, patience.Settle, func() int { return len(p.displays()) })
	}
}

// hear takes a message. What is not exactly right is passed over: an answer that nobody can read is no answer.
func (p *pursuit) hear(m department.Message) {
	device, ok := wire.DeviceOf(m.Topic)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ours := p.follows[device]
	if !ours && (!p.fleet || len(p.follows) >= maxDisplays) {
		return
	}
	if !ours {
		f = p.add(device)
	}
	switch topics, err := wire.NewTopics(device); {
	case err != nil:
	case m.Topic == topics.Conn():
		if c, err := wire.ParseConn(m.Payload); err == nil {
			f.hearConn(c, m.Retained)
		}
	case m.Topic == topics.State():
		if s, err := wire.ParseState(m.Payload); err == nil {
			f.hearState(s, m.Retained)
		}
	case m.Topic == topics.CommandAck() && !m.Retained:
		if a, err := wire.ParseCommandAck(m.Payload); err == nil {
			f.hearAnswer(a, p.clock())
		}
	}
	offer(p.wake, struct{}{})
}

// news returns what became known since the last call, by display.
func (p *pursuit) news() []step {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []step
	for _, d := range slices.Sorted(maps.Keys(p.follows)) {
		all = append(all, p.follows[d].take()...)
	}
	return all
}

// due returns the topics to send the command to again, and takes it as done.
func (p *pursuit) due(silence time.Duration) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var topics []string
	now := p.clock()
	for d, f := range p.follows {
		if !f.due(now, silence) {
			continue
		}
		f.again, f.sentAt = false, now
		if t, err := wire.NewTopics(d); err == nil {
			topics = append(topics, t.CommandRequest())
		}
	}
	return topics
}

func (p *pursuit) settled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.follows {
		if !f.settled() {
			return false
		}
	}
	return true
}

// run sends, sends again and tells until all is known or ctx ends.
func (p *pursuit) run(ctx context.Context, l *line, patience Patience, tell func(step)) {
	p.discover(ctx, patience)
	tick := time.NewTicker(patience.Resend / 10)
	defer tick.Stop()
	for {
		for _, topic := range p.due(patience.Resend) {
			l.link.Send(topic, p.raw)
		}
		settled := p.settled() // before the news: what settles it is told, whenever it comes
		for _, s := range p.news() {
			tell(s)
		}
		if settled {
			return
		}
		select {
		case <-p.wake:
		case <-tick.C:
		case <-l.broke: // the line is made anew by itself
		case <-l.up:
			p.mu.Lock()
			for _, f := range p.follows {
				f.again = !f.stage.over()
			}
			p.mu.Unlock()
		case <-ctx.Done():
			for _, s := range p.news() {
				tell(s)
			}
			return
		}
	}
}

// ends returns how things stand, by display.
func (p *pursuit) ends() []*follow {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*follow
	for _, d := range slices.Sorted(maps.Keys(p.follows)) {
		f := *p.follows[d]
		all = append(all, &f)
	}
	return all
}

// reach notes how far a command came by other means than what the broker brings.
func (p *pursuit) reach(display string, at stage, told step) step {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.follows[display]
	f.reach(at, told)
	all := f.take()
	return all[len(all)-1]
}
