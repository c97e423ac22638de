package mpv

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errReleased = errors.New("the output is switched off")

// Release ends mpv and starts none until Take, so that somebody else can have the output. It returns once no mpv
// holds it, or with ctx's error: then the output is released as soon as it can be. Meanwhile Playing says down, anew
// each second.
func (p *Player) Release(ctx context.Context) error {
	p.mu.Lock()
	if p.free == nil {
		p.free = make(chan struct{})
	}
	free := p.free
	p.mu.Unlock()
	notify(p.letGo)
	select {
	case <-free:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot release the output: %w", ctx.Err())
	}
}

// Take ends what Release began. It returns at once; Playing tells how it goes.
func (p *Player) Take() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free != nil {
		p.free = nil
		notify(p.taken)
	}
}

// hold waits while the output is released and reports whether ctx is still alive. Run's goroutine alone calls it,
// while there is no mpv.
func (p *Player) hold(ctx context.Context, opt Options) bool {
	var told chan struct{}
	for {
		p.mu.Lock()
		free := p.free
		p.mu.Unlock()
		if free == nil {
			return ctx.Err() == nil
		}
		if free != told {
			close(free)
			told = free
		}
		p.down(opt, errReleased)
		again := time.NewTimer(pollEvery)
		select {
		case <-p.taken:
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// release makes run end where the output is to be released. A Take may have come since.
func (s *session) release() error {
	s.player.mu.Lock()
	defer s.player.mu.Unlock()
	if s.player.free == nil {
		return nil
	}
	return errReleased
}
