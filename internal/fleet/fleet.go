// Package fleet connects one display with the department over MQTT: birth and will, the reported state, orders in,
// the outbox out. It is the one room that knows there is a broker, and it trusts none: authority is in signatures,
// delivery in the centre's own signed acknowledgement.
//
// A connection is one paho client with a clean session, made anew each time: its will carries the connection's own
// session name, its certificate is the one on disk at that moment, and nothing of the last connection is left in it.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/internal/journal"
	"bangtin/internal/quota"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// Config is what a Fleet must be told. Everything without a default is required.
type Config struct {
	Device      string // id of the display and common name of its certificate
	URL         string // of the broker: tls://host:port
	CA          string // path of the PEM file with the only authority believed for the broker's certificate
	Certificate string // path of the display's certificate, PEM; read at each connect, so that it can be renewed
	Key         string // path of its private key, PEM
	Boot        string // random identity of this run of the daemon
	Version     string // of the daemon

	Heartbeat time.Duration // between states when nothing changes; default 60 s; offAir times that while the panel is meant to be off
	Gather    time.Duration // how long proofs of play wait for each other before they are sent; 0 sends each at once
	Pace      Pace

	Now   func() time.Time // wall clock
	Floor func() time.Time // time that is certainly past; certificates are judged at the later of the two

	Trust Verifier
	Log   *slog.Logger
}

// A Verifier is the trust document that stands at the moment, as *trust.Standing or *trust.Document.
type Verifier interface {
	Verify(raw []byte, t trust.Type) (*trust.Verified, error)
}

// Pace says how patient the Fleet is. Its zero value is right outside tests.
type Pace struct {
	Retry   Backoff       // between connections, and between attempts to commit an order; default 5 s to 120 s
	Resend  Backoff       // of a batch that nobody acknowledges; default 30 s to 10 min
	Poll    time.Duration // of an empty outbox; default 2 s
	Publish time.Duration // for the broker to answer a publish or subscribe; default 20 s
	Time    time.Duration // between questions for the time; default 1 h
	Ask     Backoff       // of a question for the time that nobody answers; default 1 min to 1 h
}

// An Outbox keeps the records that the centre has not acknowledged. Its methods are called by one goroutine.
type Outbox interface {
	// Pending returns the oldest unacknowledged records, at most limit, in order.
	Pending(ctx context.Context, limit int) ([]journal.Record, error)
	// Depth counts the unacknowledged records.
	Depth(ctx context.Context) (uint64, error)
	// Acknowledge removes the records up to upto, whose hash is head. It returns journal.ErrForeignAck when the
	// chain has another hash there.
	Acknowledge(ctx context.Context, upto uint64, head journal.Hash) error
}

// ErrRefused is the answer of Orders to what they do not obey now and might later.
var ErrRefused = errors.New("refused for now")

// Orders obeys. A method returns nil once the last word on the order is spoken and committed: it is obeyed, it stood
// already, or it is refused for good. ErrRefused is an answer too: the order is refused as things stand, and brought
// again with the next connection and at Rejudge. Any other error means that nothing could be committed; the same order
// is brought again until it is or ctx ends. Methods may block; each is called by one goroutine, and all may be called
// at once. The same order may come again after a restart or a reconnect.
type Orders interface {
	// Power brings an order for this display that is signed by the power role and well formed.
	Power(ctx context.Context, signed *trust.Verified, order wire.PowerOrder) error
	// Playlist brings an envelope that is signed by the playlist role. Whether its content can be shown is for the
	// receiver to judge.
	Playlist(ctx context.Context, raw []byte) error
	// Command brings a command for this display that is signed by the role it needs. The answer comes over
	// Ports.Answers, and is the last word.
	Command(ctx context.Context, signed *trust.Verified, c wire.Command) error
	// Trust brings a trust document that claims to follow the one that stands. Nothing was verified.
	Trust(ctx context.Context, raw []byte) error
}

// Ports are what a Fleet works on. All are required but Recorded, Changed, Answers, Clock and Refused.
type Ports struct {
	Outbox Outbox
	Orders Orders

	// Recorded is received from when the outbox has grown. One pending value stands for any number. Without it the
	// outbox is looked into every Pace.Poll alone.
	Recorded <-chan struct{}

	// State tells the present state. It must not block. Seq and Outbox are filled in by the Fleet.
	State func() wire.State
	// Changed is received from when State should be published soon. One pending value stands for any number.
	Changed <-chan struct{}
	// Answers are the answers to commands, published while connected and dropped while not: whoever asked asks again,
	// and the record of the command is the proof. It may be nil.
	Answers <-chan wire.CommandAck
	// Clock takes signed time. Without one the centre is never asked.
	Clock Clock
	// Refused counts a message that was not obeyed. It is called for each, by several goroutines, and must not block.
	Refused func(reason Reason, topic string)
}

// A Fleet is the display's side of the wire.
type Fleet struct {
	cfg    Config
	ports  Ports
	host   string // host:port of the broker
	topics wire.Topics

	power    *inbox
	playlist *inbox
	command  *inbox
	trust    *inbox
	noes     chan wire.CommandAck // answers to commands that are refused here
	renew    chan struct{}        // asks the present session to end, so that the broker brings retained orders again

	no *quota.Quota // of these answers; the command inbox's

	mu   sync.Mutex
	link Link // its Since is zero before Run

	// Owned by the goroutine of the present session.
	stateSeq uint64
	dark     bool   // the panel is meant to be off, by the last state
	acked    uint64 // highest record the centre acknowledged in this run
}

// maxSigned is the size in bytes of an envelope around a payload of wire.MaxPayload: base64 and 16 signatures.
const maxSigned = 4 * wire.MaxPayload

// Likewise around a command and around a trust document.
const (
	maxSignedCommand = 2*wire.MaxCommand + 8<<10
	maxTrust         = 2*trust.MaxDocument + 8<<10
)

// New checks the configuration. It opens nothing.
func New(cfg Config, ports Ports) (*Fleet, error) {
	cfg.setDefaults()
	topics, err := wire.NewTopics(cfg.Device)
	if err != nil {
		return nil, fmt.Errorf("cannot join the fleet: %w", err)
	}
	host, err := brokerHost(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("cannot join the fleet: %w", err)
	}
	if cfg.Now == nil || cfg.Floor == nil || cfg.Trust == nil || cfg.Log == nil ||
		ports.Outbox == nil || ports.Orders == nil || ports.State == nil {
		return nil, errors.New("cannot join the fleet: a required part is missing")
	}
	if ports.Refused == nil {
		ports.Refused = func(Reason, string) {}
	}
	return &Fleet{
		cfg: cfg, ports: ports, host: host, topics: topics,
		power:    newInbox(topics.DesiredPower(), maxSigned, inboxRoom*maxSigned, ports.Refused),
		playlist: newInbox(topics.DesiredPlaylist(), wire.MaxOrder, 4*wire.MaxOrder, ports.Refused),
		command:  newInbox(topics.CommandRequest(), maxSignedCommand, inboxRoom*maxSignedCommand, ports.Refused),
		trust:    newInbox(topics.DesiredTrust(), maxTrust, 4*maxTrust, ports.Refused),
		noes:     make(chan wire.CommandAck, noRoom),
		renew:    make(chan struct{}, 1),
		no:       quota.New(noMost),
	}, nil
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Heartbeat, time.Minute},
		{&c.Pace.Retry.Min, 5 * time.Second},
		{&c.Pace.Retry.Max, 2 * time.Minute},
		{&c.Pace.Resend.Min, 30 * time.Second},
		{&c.Pace.Resend.Max, 10 * time.Minute},
		{&c.Pace.Poll, 2 * time.Second},
		{&c.Pace.Publish, 20 * time.Second},
		{&c.Pace.Time, time.Hour},
		{&c.Pace.Ask.Min, time.Minute},
		{&c.Pace.Ask.Max, time.Hour},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
}

// Run stays connected as well as it can until ctx ends, then says that the display is off and returns nil. It waits
// for the call of Orders that is going on.
func (f *Fleet) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { f.keepConnected(ctx); return nil })
	g.Go(func() error { f.obey(ctx, f.power, f.judgePower); return nil })
	g.Go(func() error { f.obey(ctx, f.playlist, f.judgePlaylist); return nil })
	g.Go(func() error { f.obey(ctx, f.command, f.judgeCommand); return nil })
	g.Go(func() error { f.obey(ctx, f.trust, f.judgeTrust); return nil })
	return g.Wait()
}

// keepConnected makes one session after the other. The first waits too: a whole region powers up at once.
func (f *Fleet) keepConnected(ctx context.Context) {
	attempt, told := 0, ""
	f.linked(Link{})
	for wait(ctx, f.cfg.Pace.Retry.next(attempt)) {
		began := time.Now()
		err := f.session(ctx)
		if ctx.Err() != nil {
			return
		}
		f.linked(Link{Why: err.Error()})
		attempt++
		if time.Since(began) > f.cfg.Pace.Retry.Max {
			attempt, told = 1, ""
		}
		// A broker away for days is one line, not thousands.
		if why := err.Error(); why != told {
			f.cfg.Log.Warn("not connected to the broker", "broker", f.host, "err", err)
			told = why
		}
	}
}
