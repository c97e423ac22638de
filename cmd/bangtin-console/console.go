package main

import (
	"context"
	"log/slog"
	"os"
	"time"
)

const (
	redrawEvery = 5 * time.Second
	// wholeEvery: nobody knows when a cable was plugged in, and the kernel writes on the same line.
	wholeEvery = 30 * time.Second
	// keyPause bounds what somebody costs who leans on the keyboard.
	keyPause = 250 * time.Millisecond
	// drawLimit is how long a page may take: at 9600 bits/s a whole one takes about 4 s. After it the line counts as stuck.
	drawLimit = 8 * time.Second
)

// A Console shows the page.
type Console struct {
	Terminal  *os.File // in raw mode; it must know deadlines
	Version   string   // of this program, which is the image's
	Released  time.Time
	Inquiries []Inquiry
	Log       *slog.Logger
}

// Run shows the page until ctx ends or the terminal does.
func (c *Console) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keys := make(chan byte, 1)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		cancel(listen(ctx, c.Terminal, keys))
	}()
	defer func() { <-heard }()
	stop := context.AfterFunc(ctx, func() { _ = c.Terminal.SetDeadline(time.Unix(1, 0)) }) // else its first page has failed already
	defer stop()
	defer cancel(nil)

	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	v := &view{log: c.Log, screen: newScreen(c.Terminal, drawLimit), keys: keys, tick: tick.C}
	gather := newGatherer(c.Inquiries)
	for {
		facts := Facts{Version: c.Version, Released: c.Released}
		gather.ask(ctx, &facts)
		facts.Now = time.Now()
		v.facts = facts
		err := v.show(time.Since(v.whole) >= wholeEvery)
		for again := true; err == nil && again; {
			again, err = v.rest(ctx)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// A view is what somebody may be looking at.
type view struct {
	log    *slog.Logger
	screen *screen
	keys   <-chan byte
	tick   <-chan time.Time

	facts Facts
	talk  Language
	whole time.Time // when all of it was drawn
	stuck bool      // the line takes nothing, and the log says so
}

// show draws the page, all of it or what has changed. A line that takes nothing is no error: somebody may come.
func (v *view) show(whole bool) error {
	if whole {
		v.screen.forget()
		v.whole = time.Now()
	}
	err := v.screen.draw(Page(v.facts, v.talk))
	stuck := isStuck(err)
	if stuck && !v.stuck {
		v.log.Warn("nobody takes what the status page writes", "err", err)
	}
	if v.stuck = stuck; stuck {
		return nil
	}
	return err
}

// rest waits for a key, which it obeys, or for the time of the next page; again is false then.
func (v *view) rest(ctx context.Context) (again bool, err error) {
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-v.tick:
		return false, nil
	case key := <-v.keys:
		v.talk = v.talk.after(key)
		if err := v.show(true); err != nil {
			return false, err
		}
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(keyPause):
		return true, nil
	}
}
