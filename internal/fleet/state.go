package fleet

import (
	"context"
	"time"

	"bangtin/internal/wire"
)

// stateEvery is the shortest time between two states. A panel that flaps must not fill a metered link.
const stateEvery = time.Second

// states publishes the state at once, when it changed, and as heartbeat. Changes within a second become one.
func (s *session) states(ctx context.Context) error {
	for {
		if err := s.sayState(ctx); err != nil {
			return err
		}
		if !wait(ctx, stateEvery) {
			return ctx.Err()
		}
		heartbeat := time.NewTimer(s.f.heartbeat())
		select {
		case <-s.f.ports.Changed:
		case <-heartbeat.C:
		case <-ctx.Done():
		}
		heartbeat.Stop()
	}
}

// heartbeat varies by a tenth, so that displays that were switched on together do not stay together.
func (f *Fleet) heartbeat() time.Duration {
	h := max(f.cfg.Heartbeat-stateEvery, 0)
	return jitter(h-h/10, h+h/10)
}

func (s *session) sayState(ctx context.Context) error {
	state := s.f.ports.State()
	s.f.stateSeq++
	state.Seq = s.f.stateSeq
	depth, err := s.f.ports.Outbox.Depth(ctx)
	if err != nil {
		s.f.cfg.Log.Warn("cannot count the outbox", "err", err)
	} else {
		state.Outbox.Depth = depth
	}
	payload, err := wire.Encode(state)
	if err != nil {
		return err
	}
	return s.publish(ctx, s.f.topics.State(), true, payload)
}
