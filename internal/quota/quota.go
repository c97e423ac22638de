// Package quota bounds what is said in a minute, so that nobody can make a display talk by sending it a flood.
package quota

import "time"

// A Quota lets so many through in a minute, which begins with the first. Not safe for concurrent use.
type Quota struct {
	most, used int
	since      time.Time // process time
}

// New makes a Quota of so many a minute.
func New(most int) *Quota { return &Quota{most: most} }

// Take takes one, and reports whether there was one left.
func (q *Quota) Take() bool {
	if now := time.Now(); q.since.IsZero() || now.Sub(q.since) >= time.Minute {
		q.since, q.used = now, 0
	}
	if q.used == q.most {
		return false
	}
	q.used++
	return true
}
