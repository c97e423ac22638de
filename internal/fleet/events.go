package fleet

import (
	"context"
	"errors"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// events empties the outbox, one batch after the other.
func (s *session) events(ctx context.Context) error {
	for {
		batch, err := s.nextFlight(ctx)
		if err != nil {
			s.f.cfg.Log.Warn("cannot read the outbox", "err", err)
		}
		if batch == nil {
			if _, err := s.awaitAck(ctx, nil, s.f.cfg.Pace.Poll); err != nil {
				return err
			}
			continue
		}
		if err := s.deliver(ctx, batch); err != nil {
			return err
		}
	}
}

// nextFlight returns nil when there is nothing to send yet.
func (s *session) nextFlight(ctx context.Context) (*flight, error) {
	records, err := s.f.ports.Outbox.Pending(ctx, wire.MaxBatch)
	if err != nil || len(records) == 0 || !s.due(records, time.Now()) {
		return nil, err
	}
	return newFlight(s.f.cfg.Boot, records)
}

// due reports whether the pending records are worth a message now. Proofs of play, of which there are thousands a day
// and which nobody waits for, gather for a while; anything else takes them along at once.
func (s *session) due(records []journal.Record, now time.Time) bool {
	for _, r := range records {
		if r.Kind != journal.KindPlay {
			return true
		}
	}
	if first := records[0].Seq; s.gathering != first {
		s.gathering, s.since = first, now
	}
	return len(records) == wire.MaxBatch || now.Sub(s.since) >= s.f.cfg.Gather
}

// deliver sends the batch until the centre acknowledges some of it.
func (s *session) deliver(ctx context.Context, batch *flight) error {
	for attempt := 1; ; attempt++ {
		if err := s.publish(ctx, s.f.topics.Events(), false, batch.payload); err != nil {
			return err
		}
		done, err := s.awaitAck(ctx, batch, s.f.cfg.Pace.Resend.next(attempt))
		if done || err != nil {
			return err
		}
	}
}

// awaitAck handles acknowledgements for at most d and returns true as soon as one has shortened the outbox, or, while
// no batch is on its way, false when it has grown. It returns an error only when ctx ends.
func (s *session) awaitAck(ctx context.Context, batch *flight, d time.Duration) (bool, error) {
	patience := time.NewTimer(d)
	defer patience.Stop()
	grown := s.f.ports.Recorded
	if batch != nil {
		grown = nil
	}
	for {
		select {
		case m := <-s.acks:
			done, err := s.takeAck(ctx, batch, m.Payload())
			if err != nil {
				return false, err // not acknowledged to the broker
			}
			m.Ack()
			if done {
				return true, nil
			}
		case <-grown:
			return false, nil
		case <-patience.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// takeAck shortens the outbox by what a good acknowledgement names, and counts a bad one. It returns an error only
// when ctx ended before there was an answer.
func (s *session) takeAck(ctx context.Context, batch *flight, raw []byte) (bool, error) {
	ack, err := s.judgeAck(batch, raw)
	if err != nil {
		s.refuseAck(err)
		return false, nil
	}
	if ack.UptoSeq <= s.f.acked {
		return false, nil // the answer to a batch that was sent twice
	}
	head, _ := batch.head(ack.UptoSeq)
	for attempt := 1; ; attempt++ {
		err := s.f.ports.Outbox.Acknowledge(ctx, ack.UptoSeq, head)
		switch {
		case err == nil:
			s.f.acked = ack.UptoSeq
			return true, nil
		case errors.Is(err, journal.ErrForeignAck):
			s.refuseAck(refuse(WrongHead, "%v", err))
			return false, nil
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
		s.f.cfg.Log.Warn("outbox not shortened, will try again", "attempt", attempt, "err", err)
		if !wait(ctx, s.f.cfg.Pace.Retry.next(attempt)) {
			return false, ctx.Err()
		}
	}
}

// judgeAck admits an acknowledgement that is signed by the collect role, for this display, of records of this
// batch, by their right hash.
func (s *session) judgeAck(batch *flight, raw []byte) (*wire.RecordsAck, error) {
	signed, err := s.f.cfg.Trust.Verify(raw, trust.TypeCollect)
	if err != nil {
		return nil, err
	}
	ack, err := wire.ParseRecordsAck(signed.Payload)
	if err != nil {
		return nil, refuse(BadOrder, "%v", err)
	}
	if ack.Device != s.f.cfg.Device {
		return nil, refuse(WrongDevice, "acknowledgement for %s", ack.Device)
	}
	if ack.UptoSeq <= s.f.acked {
		return ack, nil
	}
	head, ok := batch.head(ack.UptoSeq)
	if !ok {
		return nil, refuse(BeyondSent, "acknowledgement of record %d, which is not on its way", ack.UptoSeq)
	}
	if head.String() != ack.Head {
		return nil, refuse(WrongHead, "acknowledgement of record %d of another chain", ack.UptoSeq)
	}
	return ack, nil
}

func (s *session) refuseAck(err error) {
	s.f.ports.Refused(reasonOf(err), s.f.topics.EventsAck())
	s.f.cfg.Log.Debug("acknowledgement refused", "err", err)
}

// putAck never blocks. What it drops for want of room it may acknowledge: the batch goes out again and the centre
// answers again.
func (s *session) putAck(m mqtt.Message) {
	switch size := len(m.Payload()); {
	case size == 0:
		m.Ack()
	case size > maxSigned:
		s.f.ports.Refused(Oversized, s.f.topics.EventsAck())
		m.Ack()
	default:
		select {
		case s.acks <- m:
		default:
			s.f.ports.Refused(QueueFull, s.f.topics.EventsAck())
			m.Ack()
		}
	}
}
