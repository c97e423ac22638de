package command

import "time"

// talkMost is how many answers a minute go to commands that are refused or came before: whoever sends them in a flood
// must not make the display talk. Beyond it they are only counted.
const talkMost = 30

// A quota lets so many through in a minute.
type quota struct {
	most  int
	used  int
	since time.Time // process time
}

func newQuota(most int) *quota { return &quota{most: most} }

func (q *quota) take() bool {
	if now := time.Now(); q.since.IsZero() || now.Sub(q.since) >= time.Minute {
		q.since, q.used = now, 0
	}
	q.used++
	return q.used <= q.most
}
