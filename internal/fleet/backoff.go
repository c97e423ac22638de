package fleet

import (
	"context"
	"math/rand/v2"
	"time"
)

// A Backoff spreads repeated attempts in time. paho's own has no jitter and tops at ten minutes.
type Backoff struct {
	Min, Max time.Duration
}

// next is how long to wait before the given attempt: the first anywhere up to Min, each further one within the upper
// half of a span that doubles up to Max. With 5 s and 120 s the pauses end at 60 to 120 s.
func (b Backoff) next(attempt int) time.Duration {
	if attempt <= 0 {
		return jitter(0, b.Min)
	}
	span := b.Min
	for ; attempt > 0 && span < b.Max; attempt-- {
		span *= 2
	}
	span = min(span, b.Max)
	return jitter(span/2, span)
}

// jitter is a random duration in [from, to).
func jitter(from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + rand.N(to-from)
}

// wait returns true after d, or false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
