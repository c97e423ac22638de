package fleet

import (
	"context"
	"time"

	"bangtin/internal/journal"
)

// What follows opens parts that need no broker to their tests.

const StateEvery = stateEvery

func Paced(ctx context.Context, changed <-chan struct{}, heartbeat func() time.Duration,
	say func(context.Context) error) error {
	return pace(ctx, changed, heartbeat, say)
}

// HeartbeatAfter is how long a display waits after a state that wants the panel so.
func HeartbeatAfter(heartbeat time.Duration, panel string) time.Duration {
	f := &Fleet{cfg: Config{Heartbeat: heartbeat}, dark: panel == "off"}
	return f.heartbeat()
}

func (b Backoff) Next(attempt int) time.Duration { return b.next(attempt) }

type Flight struct{ *flight }

func NewFlight(boot string, records []journal.Record) (Flight, error) {
	f, err := newFlight(boot, records)
	return Flight{f}, err
}

func (f Flight) Payload() []byte                      { return f.payload }
func (f Flight) Head(seq uint64) (journal.Hash, bool) { return f.head(seq) }
