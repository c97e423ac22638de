package fleet

import (
	"context"
	"time"

	"bangtin/internal/wire"
)

// stateEvery is the shortest time between two states. A panel that flaps must not fill a metered link.
const stateEvery = time.Second

// offAir is how many heartbeats become one while the panel is meant to be off: nobody is owed a picture then, and two
// thirds of the day are a metered link's money. A link that breaks is told by the will all the same.
const offAir = 5

// states publishes the state at once, when it changed, and as heartbeat.
func (s *session) states(ctx context.Context) error {
	return pace(ctx, s.f.ports.Changed, s.f.heartbeat, s.sayState)
}

// pace calls say at once, after each change and after each heartbeat, but never within stateEvery of the last call:
// changes in between become one. It returns the error of say or of ctx.
func pace(ctx context.Context, changed <-chan struct{}, heartbeat func() time.Duration,
	say func(context.Context) error) error {
	for {
		if err := say(ctx); err != nil {
			return err
		}
		if !wait(ctx, stateEvery) {
			return ctx.Err()
		}
		beat := time.NewTimer(heartbeat())
		select {
		case <-changed:
		case <-beat.C:
		case <-ctx.Done():
		}
		beat.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// heartbeat is the rest of a heartbeat after stateEvery. It varies by a tenth, so that displays that were switched on
// together do not stay together.
func (f *Fleet) heartbeat() time.Duration {
	h := f.cfg.Heartbeat
	if f.dark {
		h *= offAir
	}
	h = max(h-stateEvery, 0)
	return jitter(h-h/10, h+h/10)
}

func (s *session) sayState(ctx context.Context) error {
	state := s.f.ports.State()
	s.f.stateSeq++
	state.Seq = s.f.stateSeq
	s.f.dark = state.Want.Panel == "off"
	depth, err := s.f.ports.Outbox.Depth(ctx)
	if err != nil {
		s.f.cfg.Log.Warn("cannot count the outbox", "err", err)
	} else {
		state.Outbox.Depth = depth
	}
	payload, err := wire.EncodeState(state)
	if err != nil {
		return err
	}
	return s.publish(ctx, s.f.topics.State(), true, payload)
}
