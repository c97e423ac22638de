package fetch

import (
	"math/rand/v2"
	"time"
)

// A pause spreads repetitions in time: each lies within the upper half of a span that doubles up to a limit, so that
// a region that powers up at once does not come at once.
type pause struct {
	fails int
	until time.Time
}

func (p *pause) grow(t Times) {
	span := t.RetryMin
	for range p.fails {
		if span >= t.RetryMax {
			break
		}
		span *= 2
	}
	p.fails++
	// The first one is not below RetryMin.
	p.until = time.Now().Add(min(max(jitter(span), t.RetryMin), t.RetryMax))
}

// jitter is a random duration in [d/2, d).
func jitter(d time.Duration) time.Duration {
	if d < 2 {
		return d
	}
	return d/2 + rand.N(d/2)
}
