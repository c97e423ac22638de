package cec

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bangtin/hal"
)

const (
	// resultLimit is how long the result of a request may take beyond the wait for its reply: the kernel gives an
	// adapter 2.1 s for one message, and others may be before it.
	resultLimit = 3 * time.Second
	// closeLimit is how long close waits for the reader, which ends within milliseconds unless the kernel holds it.
	closeLimit = time.Second
	// maxWaiting is how many requests may be under way: what the kernel's own queue holds.
	maxWaiting = 18
)

// A session is one opening of an adapter: it reads until the adapter fails or is closed, gives results to whoever
// waits for them and everything else to hear. It is safe for concurrent use.
type session struct {
	adapter adapter
	hear    func(*session, message) // called by the reading goroutine; must not wait for results
	moved   func(*session)          // the same, when an address may have changed
	changed chan struct{}           // holds a token when an address may have changed
	ended   chan struct{}           // closed when the adapter is gone or closed

	mu      sync.Mutex
	waiting map[uint32]chan received
}

func newSession(a adapter, hear func(*session, message), moved func(*session)) *session {
	s := &session{
		adapter: a, hear: hear, moved: moved,
		changed: make(chan struct{}, 1), ended: make(chan struct{}),
		waiting: map[uint32]chan received{},
	}
	go s.read()
	return s
}

// read closes the adapter at once when it fails: as long as a descriptor is held, one that is plugged in again
// gets a new number from the kernel.
func (s *session) read() {
	defer close(s.ended)
	for {
		r, err := s.adapter.next()
		if err != nil {
			s.adapter.close()
			return
		}
		switch {
		case r.changed:
			s.moved(s)
			select {
			case s.changed <- struct{}{}:
			default:
			}
		case r.sequence != 0:
			s.deliver(r)
		default:
			s.hear(s, r.message)
		}
	}
}

func (s *session) deliver(r received) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.waiting[r.sequence]; c != nil {
		select {
		case c <- r:
		default: // two results are the most there can be; a third is not ours
		}
	}
}

// A pending is a request that was queued. Its finish must be called.
type pending struct {
	s        *session
	request  request
	sequence uint32
	results  chan received
}

// begin queues a request.
func (s *session) begin(q request) (*pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= maxWaiting {
		return nil, fmt.Errorf("%d messages are under way: %w", maxWaiting, hal.ErrSilent)
	}
	sequence, err := s.adapter.transmit(q)
	if err != nil {
		return nil, fmt.Errorf("cannot send message %v: %w", q.message, err)
	}
	p := &pending{s: s, request: q, sequence: sequence, results: make(chan received, 2)}
	s.waiting[sequence] = p.results
	return p, nil
}

// finish waits for the result. It blocks for at most the wait for a reply and resultLimit, and returns earlier when
// ctx ends, with ctx's error.
func (p *pending) finish(ctx context.Context) (received, error) {
	defer p.forget()
	limit := time.NewTimer(p.request.wait + resultLimit)
	defer limit.Stop()
	for {
		select {
		case r := <-p.results:
			if r.final(p.request) {
				return r, r.verdict(p.request)
			}
		case <-limit.C:
			return received{}, fmt.Errorf("the adapter does not say what became of message %v: %w", p.request.message, hal.ErrSilent)
		case <-p.s.ended:
			return received{}, fmt.Errorf("adapter was lost: %w", hal.ErrPortGone)
		case <-ctx.Done():
			return received{}, ctx.Err()
		}
	}
}

func (p *pending) forget() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	delete(p.s.waiting, p.sequence)
}

// ask sends a request and waits for its result, twice where the line was disturbed: that says nothing of the TV. That
// nobody acknowledges is the kernel's finding after five attempts.
func (s *session) ask(ctx context.Context, q request) (r received, err error) {
	for range 2 {
		if err = ctx.Err(); err != nil {
			return received{}, err
		}
		var p *pending
		if p, err = s.begin(q); err != nil {
			return received{}, err
		}
		r, err = p.finish(ctx)
		if !r.disturbed() {
			return r, err
		}
	}
	return r, err
}

// tell sends a message whose fate nobody waits for.
func (s *session) tell(m message) error {
	_, err := s.adapter.transmit(request{message: m})
	return err
}

// over tells whether the adapter is gone.
func (s *session) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// close ends the session and returns when its goroutine has, or leaves that to the kernel: it frees the adapter when it is back.
func (s *session) close() {
	s.adapter.close()
	t := time.NewTimer(closeLimit)
	defer t.Stop()
	select {
	case <-s.ended:
	case <-t.C:
	}
}

// wait waits until an address may have changed, for at most d.
func (s *session) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.changed:
	case <-t.C:
	case <-s.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
