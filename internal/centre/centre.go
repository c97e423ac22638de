package centre

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/internal/centre/store"
	"bangtin/internal/fleet/department"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// Filters are what the centre has to hear.
func Filters() []string {
	return []string{
		wire.AllConn, wire.AllState, wire.AllEvents, wire.AllCommandRequests, wire.AllCommandAcks, wire.AllTimeRequests,
		wire.AllDesired,
	}
}

// Config is what a centre needs. All but Displays and Built is required.
type Config struct {
	Plan     Plan
	Displays int // how many displays may speak; default store.DefaultDisplays
	// Enrolled is whether a display of that name was ever given a certificate. It may be asked for each message.
	Enrolled func(device string) bool
	Signer   trust.Signer // holds the roles collect and time
	// Trust is the department's document as it stands now, by which commands are verified; nil while there is none.
	Trust   func() *trust.Document
	Store   *store.Store
	Send    func(topic string, payload []byte) // does not block for long; what is lost is sent again
	Retain  func(topic string, payload []byte) // the same, for what the broker shall keep
	Mono    func() time.Duration               // never steps
	Wall    func() time.Time
	Kept    func() bool // whether somebody keeps Wall right at this moment; without it no time is signed
	Built   time.Time   // of the program: no earlier time is signed
	Metrics *Metrics
	Log     *slog.Logger
}

// A Centre is the collecting half of the department's server.
type Centre struct {
	cfg    Config
	writes *queue // batches and changes, for the writer
	talk   *queue // everything else, for the listener

	mu     sync.Mutex
	peers  map[string]*peer
	watch  *Watch
	states map[string]store.State // changed since they were last written

	live     *live
	standing *standing
	backlog  []job // of the writer: what could not be written and nobody sends again
	full     bool  // of the writer: the last write failed

	written, listened atomic.Int64 // when each loop last turned, by Mono
}

// A peer is a display that spoke or was spoken to.
type peer struct {
	allowance float64       // questions for the time that it may still ask
	asked     time.Duration // when it asked last
}

// New makes a centre that knows what the store knows.
func New(ctx context.Context, cfg Config) (*Centre, error) {
	if cfg.Signer == nil || cfg.Enrolled == nil || cfg.Trust == nil || cfg.Store == nil || cfg.Send == nil || cfg.Retain == nil || cfg.Mono == nil || cfg.Wall == nil || cfg.Kept == nil ||
		cfg.Metrics == nil || cfg.Log == nil || cfg.Plan.Location == nil {
		return nil, errors.New("cannot make a centre: a required part is missing")
	}
	if cfg.Displays <= 0 {
		cfg.Displays = store.DefaultDisplays
	}
	c := &Centre{
		cfg: cfg, writes: newQueue(), talk: newQueue(), peers: map[string]*peer{}, states: map[string]store.State{},
		live: newLive(), standing: newStanding(),
	}
	c.watch = NewWatch(cfg.Plan, c.moment())
	known, err := cfg.Store.Displays(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		c.peers[k.Device] = &peer{allowance: timeBurst}
		c.watch.Expect(k.Device, k.Heard)
	}
	commands, err := cfg.Store.Live(ctx, cfg.Wall(), maxLive)
	if err != nil {
		return nil, err
	}
	for _, command := range commands {
		c.live.add(command)
	}
	orders, err := cfg.Store.Orders(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		c.standing.keep(o)
	}
	c.written.Store(int64(cfg.Mono()))
	c.listened.Store(int64(cfg.Mono()))
	return c, nil
}

func (c *Centre) moment() Moment { return Moment{Mono: c.cfg.Mono(), Wall: c.cfg.Wall()} }

// Run works until ctx ends and returns its error.
func (c *Centre) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.write(ctx) })
	group.Go(func() error { return c.listen(ctx) })
	group.Go(func() error { return c.repeat(ctx) })
	return group.Wait()
}

// Late names a loop that has not turned for longer than limit, or is empty.
func (c *Centre) Late(limit time.Duration) string {
	now := c.cfg.Mono()
	switch {
	case now-time.Duration(c.written.Load()) > limit:
		return "writer"
	case now-time.Duration(c.listened.Load()) > limit:
		return "listener"
	}
	return ""
}

// Connected is called when the broker was joined, and Disconnected when it was lost.
func (c *Centre) Connected() { c.listening(true) }

// Disconnected is called when the broker was lost.
func (c *Centre) Disconnected() { c.listening(false) }

func (c *Centre) listening(yes bool) {
	c.cfg.Metrics.connected(yes)
	c.standing.joined(yes)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch.Listening(c.moment(), yes)
}

// Receive takes a message over and returns at once. It may be called by one goroutine at a time.
func (c *Centre) Receive(m department.Message) {
	if m.Topic == marker {
		c.standing.marked(string(m.Payload))
		m.Ack()
		return
	}
	device, ok := wire.DeviceOf(m.Topic)
	if !ok || reserved(device) {
		c.refuse(BadTopic, m.Ack)
		return
	}
	if reason := c.hear(device, m); reason != "" {
		c.refuse(reason, m.Ack)
		return
	}
	if _, subject, ok := strings.Cut(m.Topic, "/desired/"); ok && isOrder(subject) && c.standing.heard(m.Topic, m.Payload) {
		m.Ack() // as it stands: a whole fleet's worth of them comes at each connection
		return
	}
	j := job{device: device, topic: m.Topic, payload: m.Payload, retained: m.Retained, ack: m.Ack, arrived: c.cfg.Mono()}
	q := c.talk
	if strings.HasSuffix(m.Topic, "/evt") {
		q = c.writes
	}
	if reason := q.put(j); reason != "" {
		c.refuse(reason, m.Ack)
	}
}

// reserved are the names of the department's own certificates.
func reserved(device string) bool {
	return device == "centre" || strings.HasPrefix(device, "operator-")
}

// hear notes who speaks, and refuses what is about nobody: a broker that makes names up fills nothing with them.
func (c *Centre) hear(device string, m department.Message) Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason := c.admit(device); reason != "" {
		return reason
	}
	if strings.HasSuffix(m.Topic, "/cmd/req") || strings.Contains(m.Topic, "/desired/") {
		return "" // the department speaks
	}
	if !m.Retained && !strings.HasSuffix(m.Topic, "/conn") { // the will is spoken by the broker
		c.watch.Heard(device, c.moment())
	}
	return ""
}

func (c *Centre) admit(device string) Refusal {
	if _, ok := c.peers[device]; ok {
		return ""
	}
	if !c.cfg.Enrolled(device) {
		return NotEnrolled
	}
	if len(c.peers) >= c.cfg.Displays {
		return TooManyDisplays
	}
	c.peers[device] = &peer{allowance: timeBurst}
	return ""
}

// refuse counts a message and frees its place with the broker.
func (c *Centre) refuse(reason Refusal, ack func()) {
	c.cfg.Metrics.refused(reason)
	if ack != nil {
		ack()
	}
}
