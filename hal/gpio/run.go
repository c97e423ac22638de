package gpio

import (
	"context"
	"time"

	"bangtin/hal"
)

const (
	// every is how often a sensor repeats its reading. hal.Sensor allows 10 s.
	every = 5 * time.Second
	// alive is how long a line may be silent before the chip is asked whether it is still there. The kernel wakes
	// nobody when a chip is removed, before Linux 6.7 and where the driver forgets to.
	alive = time.Second
	// retryFirst and retryMost bound the wait before a line is opened again; it doubles.
	retryFirst = 100 * time.Millisecond
	retryMost  = every
)

// run watches a line until ctx ends, and opens it again whenever watch fails, with a reading that says so each
// time. It returns ctx's error.
func run(ctx context.Context, readings chan<- hal.Reading, watch func() error, unknown func(error) hal.Reading) error {
	wait := retryFirst
	for {
		began := time.Now()
		err := watch()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := send(ctx, readings, unknown(err)); err != nil {
			return err
		}
		if time.Since(began) > 2*retryMost {
			wait = retryFirst // it was well for a while
		}
		if err := rest(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, retryMost)
	}
}

func send(ctx context.Context, readings chan<- hal.Reading, r hal.Reading) error {
	select {
	case readings <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
