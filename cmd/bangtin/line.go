package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"bangtin/internal/fleet/department"
)

// A Patience says how long things may take. Its zero value is right outside tests.
type Patience struct {
	Connect time.Duration // for the first connection; default 30 s
	Redial  time.Duration // between connections; default 3 s
	Resend  time.Duration // without an answer before a command is sent again; default 10 s
	Settle  time.Duration // without anything new before what the broker keeps counts as all of it; default 2 s
	Retry   time.Duration // before a second attempt at the content server; default 1 s, doubled each time
	Silence time.Duration // without a state before a display counts as silent; default three heartbeats of 60 s
}

func (p *Patience) defaults() Patience {
	d := *p
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&d.Connect, 30 * time.Second}, {&d.Redial, 3 * time.Second}, {&d.Resend, 10 * time.Second},
		{&d.Settle, 2 * time.Second}, {&d.Retry, time.Second}, {&d.Silence, 3 * time.Minute},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return d
}

// A line is the connection to the broker while one command of this program runs, made anew when it breaks.
type line struct {
	link  *department.Link
	up    chan struct{} // one pending value: connected, perhaps again
	broke chan error    // one pending value: the last connection's end
	ended chan struct{}
}

// dial connects and returns when the broker has taken the subscriptions. receive is called for each message by one
// goroutine and must not block. The line ends with ctx; hangUp waits for it.
func (p *Program) dial(ctx context.Context, c *access, filters []string, receive func(department.Message)) (*line, error) {
	l := &line{up: make(chan struct{}, 1), broke: make(chan error, 1), ended: make(chan struct{})}
	link, err := department.New(department.Config{
		URL: c.Broker, Files: c.files, ClientID: "bangtin-" + strings.ToLower(rand.Text()[:16]), Filters: filters,
		Now: p.Now, Log: slog.New(slog.DiscardHandler), // what goes wrong is told to the person
		Receive: func(m department.Message) {
			receive(m)
			m.Ack()
		},
		Connected: func() { offer(l.up, struct{}{}) },
	})
	if err != nil {
		return nil, err
	}
	l.link = link
	patience := p.Patience.defaults()
	go l.run(ctx, patience.Redial)
	select {
	case <-l.up:
		return l, nil
	case <-time.After(patience.Connect):
		err = errors.New("no answer in time")
	case err = <-l.broke:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, &problem{field: c.Broker, what: say("cannot be reached"),
		remedy: say("check the network, and that the centre's broker runs and still knows this certificate"), cause: err}
}

func (l *line) run(ctx context.Context, redial time.Duration) {
	defer close(l.ended)
	for {
		err := l.link.Once(ctx)
		if ctx.Err() != nil {
			return
		}
		offer(l.broke, err)
		select {
		case <-time.After(redial):
		case <-ctx.Done():
			return
		}
	}
}

// hangUp waits for the connection to end, after its ctx did.
func (l *line) hangUp() { <-l.ended }

// offer puts v in place of what nobody took yet.
func offer[T any](c chan T, v T) {
	for {
		select {
		case c <- v:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// settle waits until count stands still for the pause: the broker has nothing more to tell at once.
func settle(ctx context.Context, pause time.Duration, count func() int) {
	for known := -1; ctx.Err() == nil; {
		n := count()
		if n == known {
			return
		}
		known = n
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
