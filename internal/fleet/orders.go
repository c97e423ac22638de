package fleet

import (
	"context"
	"crypto/sha256"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A judge verifies a message and returns what is to be committed, or a refusal. It does not block.
type judge func(raw []byte) (commit func(context.Context) error, err error)

// judgePower admits orders that are signed by the power role, well formed and for this display.
func (f *Fleet) judgePower(raw []byte) (func(context.Context) error, error) {
	signed, err := f.cfg.Trust.Verify(raw, trust.TypePower)
	if err != nil {
		return nil, err
	}
	order, err := wire.ParsePowerOrder(signed.Payload)
	if err != nil {
		return nil, refuse(BadOrder, "%v", err)
	}
	if order.Device != f.cfg.Device {
		return nil, refuse(WrongDevice, "order for %s", order.Device)
	}
	return func(ctx context.Context) error { return f.ports.Orders.Power(ctx, signed, *order) }, nil
}

// judgePlaylist admits envelopes that are signed by the playlist role. The receiver verifies again, with the content:
// here the signatures keep a flood of garbage away from the journal.
func (f *Fleet) judgePlaylist(raw []byte) (func(context.Context) error, error) {
	if _, err := f.cfg.Trust.Verify(raw, trust.TypePlaylist); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return f.ports.Orders.Playlist(ctx, raw) }, nil
}

// judgeCommand admits commands for this display that are signed by the role they need. That role is only known once
// the payload was read, and it is read only after a signature of the envelope's own type was found good.
func (f *Fleet) judgeCommand(raw []byte) (func(context.Context) error, error) {
	envelope, err := trust.ParseEnvelope(raw)
	if err != nil {
		return nil, err
	}
	if role := envelope.Type.Role(); role != trust.RolePower && role != trust.RoleTrust {
		return nil, refuse(Reason(trust.WrongType), "a command of type %q", envelope.Type)
	}
	signed, err := f.cfg.Trust.Verify(raw, envelope.Type)
	if err != nil {
		return nil, err
	}
	command, err := wire.ParseCommand(signed.Payload)
	if err != nil {
		return nil, refuse(BadOrder, "%v", err)
	}
	if !command.For(f.cfg.Device) {
		return nil, refuse(WrongDevice, "command for %d others", len(command.Audience))
	}
	if need := command.Role(); need == trust.RoleTrust && envelope.Type != need.Type() {
		return nil, refuse(LackingRole, "command %s needs the role %s", command.ID, need)
	}
	return func(ctx context.Context) error { return f.ports.Orders.Command(ctx, signed, *command) }, nil
}

// judgeTrust leaves the judgement to the receiver, who knows the document that it must follow.
func (f *Fleet) judgeTrust(raw []byte) (func(context.Context) error, error) {
	return func(ctx context.Context) error { return f.ports.Orders.Trust(ctx, raw) }, nil
}

// answers publishes the answers to commands. Those that were given before the connection are not told: whoever asked
// asks again.
func (s *session) answers(ctx context.Context) error {
	for {
		select {
		case answer := <-s.f.ports.Answers:
			payload, err := wire.Encode(answer)
			if err != nil {
				return err
			}
			if err := s.publish(ctx, s.f.topics.CommandAck(), false, payload); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// obey works through one inbox until ctx ends. It outlives connections: an order that could not be committed yet is
// not forgotten because the link broke.
func (f *Fleet) obey(ctx context.Context, in *inbox, judge judge) {
	var settled [sha256.Size]byte // hash of the last message that was committed
	for {
		var m mqtt.Message
		select {
		case m = <-in.queue:
		case <-ctx.Done():
			return
		}
		in.took(m)
		sum := sha256.Sum256(m.Payload())
		// A retained copy comes with every connect. One that was published anew is judged anew.
		if !m.Retained() || sum != settled {
			if !f.settle(ctx, in, m.Payload(), judge) {
				return // not acknowledged
			}
			settled = sum
		}
		m.Ack()
		if in.overflowed() {
			f.askRenewal()
		}
	}
}

// settle judges a message and commits what it orders, however long that takes. It returns false when ctx ended
// before there was an answer.
func (f *Fleet) settle(ctx context.Context, in *inbox, raw []byte, judge judge) bool {
	commit, err := judge(raw)
	if err != nil {
		f.ports.Refused(reasonOf(err), in.topic)
		f.cfg.Log.Debug("message refused", "topic", in.topic, "err", err)
		return true
	}
	for attempt := 1; ; attempt++ {
		err := commit(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		f.cfg.Log.Warn("order not committed, will try again", "topic", in.topic, "attempt", attempt, "err", err)
		if !wait(ctx, f.cfg.Pace.Retry.next(attempt)) {
			return false
		}
	}
}

// askRenewal never blocks; asking twice is asking once.
func (f *Fleet) askRenewal() {
	select {
	case f.renew <- struct{}{}:
	default:
	}
}
