// Package rs232 drives panels over a serial line: one [Link] that owns the port, and a file for each protocol.
//
// The codecs have no input or output of their own and work on every platform.
package rs232

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"bangtin/hal"
)

// Timing holds the durations of a protocol. Each codec's file has the protocol's own, with where they come from.
type Timing struct {
	Reply time.Duration // how long to wait for a reply once the request is written
	Gap   time.Duration // rest between the end of one exchange and the next request
	Write time.Duration // how long a request may take to leave before the port is given up
	Again time.Duration // rest before a request is repeated, where it is longer than Gap

	// Copy is how long after an acknowledgement a copy of it may follow, where it could be taken for the answer to the
	// next question. A reading waits so long unless a panel shows before that the copy is past; a command does not.
	Copy time.Duration

	// Late is how long a panel that answers nothing but power is not believed after a reply was given up [30 s]. Some
	// are like that in standby, and could not be read back again otherwise.
	Late time.Duration
	// Lag is how long after its request a reply can come at the most while others are asked [5 s]. No source names one:
	// it is several times every Reply, and no longer than the keeper's rest between two readings.
	Lag time.Duration

	SettleOn  time.Duration // how long the panel needs after power on before its power can be believed
	SettleOff time.Duration // and after power off
}

// or fills what is zero from other.
func (t Timing) or(other Timing) Timing {
	return Timing{
		Reply: cmp.Or(t.Reply, other.Reply), Gap: cmp.Or(t.Gap, other.Gap), Write: cmp.Or(t.Write, other.Write),
		Again: cmp.Or(t.Again, other.Again), Copy: cmp.Or(t.Copy, other.Copy), Late: cmp.Or(t.Late, other.Late, 30*time.Second), Lag: cmp.Or(t.Lag, other.Lag, 5*time.Second),
		SettleOn: cmp.Or(t.SettleOn, other.SettleOn), SettleOff: cmp.Or(t.SettleOff, other.SettleOff),
	}
}

// A Match finds the awaited reply in what the line has brought since the request was sent. It returns nil
// when the reply is not there yet. consumed bytes at the front are never shown to it again. It must be pure
// and must not keep stream, which is at most 1024 bytes long: of a longer one the oldest are forgotten.
type Match func(stream []byte) (reply []byte, consumed int)

// A Link owns one serial port, 9600 8N1, and exchanges one request and reply at a time over it.
//
// The port is opened by its path when first needed. When it is unplugged it is closed at once, so that the
// kernel can give a replugged adapter its old name, and it is opened again by the next exchange.
//
// A Link is safe for concurrent use; callers wait for their turn.
type Link struct {
	path   string
	opener Opener
	timing Timing
	log    *slog.Logger

	turn   chan struct{} // holds a token while somebody uses what is below
	port   *port         // nil while closed
	stuck  *port         // closed, but the kernel still keeps its writer or reader
	ended  time.Time     // the last exchange that a gap follows
	restTo time.Time     // no request before this
	closed bool
	opened int // how often the port was opened
}

// NewLink returns a link for the port at path, such as one in /dev/serial/by-id, without opening it. CH340
// adapters all have the same id: use /dev/serial/by-path for them. A nil open is OpenSerial.
func NewLink(path string, open Opener, timing Timing, log *slog.Logger) *Link {
	if open == nil {
		open = OpenSerial
	}
	return &Link{path: path, opener: open, timing: timing, log: log, turn: make(chan struct{}, 1)}
}

// ErrClosed is returned by a Link that was closed for good.
var ErrClosed = errors.New("link is closed")

// Ask sends a request and returns a copy of the reply that match finds. What came before the request was sent
// is thrown away unread: nothing that came earlier can be its reply.
//
// It blocks for at most the sum of the link's timing and returns earlier when ctx ends, with ctx's error. A request that
// is being written then goes on, and others wait for it. Other errors wrap [hal.ErrSilent], [hal.ErrPortGone] or [ErrClosed].
func (l *Link) Ask(ctx context.Context, request []byte, match Match) ([]byte, error) {
	reply, _, err := l.exchange(ctx, l.timing.Gap, request, match)
	return reply, err
}

// exchange is Ask with a gap of its own before the request, and tells when sending began; zero where not a byte of the
// request can have left. One without a gap goes out within that of the exchange before it, and begins none.
func (l *Link) exchange(ctx context.Context, gap time.Duration, request []byte, match Match) (reply []byte, sentAt time.Time, err error) {
	p, err := l.begin(ctx, gap)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer l.leave(p, gap)
	sentAt = time.Now()
	if err := l.send(ctx, p, request); err != nil {
		return nil, sentAt, err
	}
	reply, err = l.await(ctx, p, match)
	return reply, sentAt, err
}

// errBabble is wrapped beside hal.ErrSilent where something came, and no reply.
var errBabble = errors.New("what came is no reply")

func (l *Link) await(ctx context.Context, p *port, match Match) ([]byte, error) {
	limit := time.NewTimer(l.timing.Reply)
	defer limit.Stop()
	babble := false
	for {
		reply, err := p.take(match)
		if reply != nil {
			return reply, nil
		}
		if err != nil {
			l.drop()
			return nil, fmt.Errorf("cannot read from %s: %w: %w", l.path, hal.ErrPortGone, err)
		}
		select {
		case <-p.arrived:
			babble = true
		case <-limit.C:
			err := fmt.Errorf("no reply on %s within %v: %w", l.path, l.timing.Reply, hal.ErrSilent)
			if babble {
				err = fmt.Errorf("%w: %w", err, errBabble)
			}
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Tell sends a request that nobody will answer, such as a broadcast. It fails as Ask does, but is never silent. Without
// an error it need not have arrived: the kernel says that all has left also when the adapter is unplugged meanwhile.
func (l *Link) Tell(ctx context.Context, request []byte) error {
	p, err := l.begin(ctx, l.timing.Gap)
	if err != nil {
		return err
	}
	defer l.leave(p, l.timing.Gap)
	return l.send(ctx, p, request)
}

// Rest lets no request out for at least d from now. It waits for its turn.
func (l *Link) Rest(d time.Duration) {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if to := time.Now().Add(d); to.After(l.restTo) {
		l.restTo = to
	}
}

// openings tells how often the port was opened. It waits for its turn.
func (l *Link) openings() int {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return l.opened
}

// Drop closes the port until the next exchange opens it again. It waits for its turn.
func (l *Link) Drop() {
	l.turn <- struct{}{}
	l.drop()
	<-l.turn
}

// Close closes the port for good. It waits for its turn, and is harmless the second time.
func (l *Link) Close() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	l.closed = true
	l.drop()
	return nil
}

// begin waits for the caller's turn, for a gap since the last exchange and for the line's rest, and returns an open port.
// On success the caller must call leave.
func (l *Link) begin(ctx context.Context, gap time.Duration) (*port, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p, err := l.ready(ctx, gap)
	if err != nil {
		<-l.turn
		return nil, err
	}
	return p, nil
}

// leave ends the turn of whoever used a port. A write that was not waited for keeps the turn until it has ended, or until
// it is stuck and the port is closed: nothing can be sent meanwhile.
func (l *Link) leave(p *port, gap time.Duration) {
	if l.port != p || !p.writing() {
		l.end(gap)
		return
	}
	go func() {
		defer l.end(gap)
		if err := p.sent(context.Background()); err != nil { // bounded by the write's limit
			l.log.Warn("panel port was lost", "port", l.path, "err", err)
			l.drop()
		}
	}()
}

func (l *Link) end(gap time.Duration) {
	if gap > 0 {
		l.ended = time.Now()
	}
	<-l.turn
}

func (l *Link) ready(ctx context.Context, gap time.Duration) (*port, error) {
	if l.closed {
		return nil, ErrClosed
	}
	rest := time.NewTimer(max(time.Until(l.ended.Add(gap)), time.Until(l.restTo)))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.port != nil {
		if err := l.port.failure(); err != nil {
			l.log.Warn("panel port was lost", "port", l.path, "err", err)
			l.drop()
		}
	}
	return l.open()
}

// open opens the port if it is not open. A port whose writer or reader the kernel still keeps is not opened again:
// each round would leave one more behind.
func (l *Link) open() (*port, error) {
	if l.port != nil {
		return l.port, nil
	}
	if l.stuck != nil {
		if what := l.stuck.stuck(); what != "" {
			return nil, fmt.Errorf("cannot open %s: an earlier %s is still stuck: %w", l.path, what, hal.ErrPortGone)
		}
	}
	l.stuck = nil
	p, err := openPort(l.opener, l.path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w: %w", l.path, hal.ErrPortGone, err)
	}
	l.port = p
	l.opened++
	l.log.Info("panel port opened", "port", l.path)
	return p, nil
}

func (l *Link) send(ctx context.Context, p *port, request []byte) error {
	err := p.discard()
	if err == nil {
		err = p.write(ctx, request, l.timing.Write)
	}
	if cause := ctx.Err(); cause != nil && errors.Is(err, cause) {
		return cause // the port is as good as before
	}
	if err != nil {
		if !p.writing() { // what is stuck is not waited for: see leave
			l.drop()
		}
		return fmt.Errorf("cannot write to %s: %w: %w", l.path, hal.ErrPortGone, err)
	}
	return nil
}

// drop closes the port if it is open. Its own error says nothing that could be acted upon: the descriptor is
// free afterwards in any case.
func (l *Link) drop() {
	if l.port == nil {
		return
	}
	if err := l.port.close(l.timing.Write); err != nil {
		l.log.Debug("panel port closed with an error", "port", l.path, "err", err)
	}
	if l.port.stuck() != "" {
		l.stuck = l.port
	}
	l.port = nil
}
