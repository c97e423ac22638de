package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A Clock takes the time that the centre signs. Its methods must not block.
type Clock interface {
	// Mono is the time since any moment before; it never steps.
	Mono() time.Duration
	// Confirm brings a time that is signed by the time role, for this display, in answer to a question asked and
	// answered at these moments of Mono. Whether it can be believed is for the receiver to judge.
	Confirm(t time.Time, asked, answered time.Duration)
}

// nonceLife is how long an answer is waited for. Later ones say too little about the present.
const nonceLife = 10 * time.Second

// A timeReply is an answer with the moment of its arrival.
type timeReply struct {
	message mqtt.Message
	at      time.Duration
}

// A question is the one that is outstanding. Its zero value is none.
type question struct {
	nonce string
	asked time.Duration
}

// times asks the centre for the time after connecting and then every hour (Pace.Time), whether the kernel is
// synchronised or not: so a server that lies about the time is found out. A question and its answer take some 0.9 kB
// on the wire with everything around them, which is 0.7 MB of the 25 MB a month. What nobody answers is asked again,
// first after a minute (Pace.Ask).
func (s *session) times(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		answered, err := s.askTime(ctx)
		if err != nil {
			return err
		}
		pause := s.f.cfg.Pace.Ask.next(attempt)
		if answered {
			attempt = 0
			pause = jitter(s.f.cfg.Pace.Time*9/10, s.f.cfg.Pace.Time*11/10)
		}
		if _, err := s.hearTime(ctx, question{}, pause); err != nil {
			return err
		}
	}
}

// askTime asks once and reports whether there was a good answer. It returns an error only when the session is over.
func (s *session) askTime(ctx context.Context) (bool, error) {
	q := question{nonce: randomNonce(), asked: s.f.ports.Clock.Mono()}
	payload, err := wire.Encode(wire.TimeRequest{Nonce: q.nonce})
	if err != nil {
		return false, err
	}
	if err := s.publish(ctx, s.f.topics.TimeRequest(), false, payload); err != nil {
		return false, err
	}
	return s.hearTime(ctx, q, nonceLife)
}

// hearTime takes answers for at most d and returns true as soon as q has a good one. It returns an error only when
// ctx ends.
func (s *session) hearTime(ctx context.Context, q question, d time.Duration) (bool, error) {
	patience := time.NewTimer(d)
	defer patience.Stop()
	for {
		select {
		case r := <-s.replies:
			r.message.Ack()
			reply, err := s.judgeTime(q, r)
			if err == nil {
				s.f.ports.Clock.Confirm(reply.Time, q.asked, r.at)
				return true, nil
			}
			s.f.ports.Refused(reasonOf(err), s.f.topics.TimeReply())
			s.f.cfg.Log.Debug("signed time refused", "err", err)
		case <-patience.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// judgeTime admits an answer that is signed by the time role, for this display, to the question that is outstanding
// and not too old.
func (s *session) judgeTime(q question, r timeReply) (*wire.TimeReply, error) {
	signed, err := s.f.cfg.Trust.Verify(r.message.Payload(), trust.TypeTime)
	if err != nil {
		return nil, err
	}
	reply, err := wire.ParseTimeReply(signed.Payload)
	if err != nil {
		return nil, refuse(BadOrder, "%v", err)
	}
	if reply.Device != s.f.cfg.Device {
		return nil, refuse(WrongDevice, "time for %s", reply.Device)
	}
	if reply.Nonce != q.nonce || r.at-q.asked > nonceLife {
		return nil, refuse(StaleNonce, "time for a question that is not outstanding")
	}
	return reply, nil
}

// putTime never blocks. Without a clock nothing was asked. What it drops for want of room is asked for again.
func (s *session) putTime(m mqtt.Message) {
	reason := QueueFull
	switch size := len(m.Payload()); {
	case size == 0:
		m.Ack()
		return
	case size > maxSigned:
		reason = Oversized
	case s.f.ports.Clock == nil:
		reason = Unexpected
	default:
		select {
		case s.replies <- timeReply{m, s.f.ports.Clock.Mono()}:
			return
		default:
		}
	}
	s.f.ports.Refused(reason, s.f.topics.TimeReply())
	m.Ack()
}

func randomNonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
