package journal

import (
	"slices"
	"time"
)

// rank orders what a wall clock may be worth; an unknown word is worth nothing.
func (t TimeTrust) rank() int {
	return slices.Index([]TimeTrust{Untrusted, Floored, Synchronised, Signed}, t)
}

// Dated tells when a record with the stamp s was made, and what that is worth, given the Clock records of its chain in
// any order; those of other boots are passed over. It is the stamp's own wall time unless a Clock of the same boot, at
// the record or after it, is more trusted: the most trusted one counts, of equals the one that came first. Times inside
// the body of the record, as the start of a Play, are off by as much as the stamp. Segments are not to be corrected:
// what was booked at wrong seconds is followed by a Void and by the same anew.
func Dated(s Stamp, clocks []Clock) (time.Time, TimeTrust) {
	best := Clock{Boot: s.Boot, Mono: s.Mono, Wall: s.Wall, Trust: s.Trust}
	for _, c := range clocks {
		if c.Boot != s.Boot || c.Mono < s.Mono {
			continue
		}
		more := c.Trust.rank() - best.Trust.rank()
		if more > 0 || more == 0 && best.Trust != s.Trust && c.Mono < best.Mono {
			best = c
		}
	}
	return best.Wall.Add(s.Mono - best.Mono).UTC(), best.Trust
}
