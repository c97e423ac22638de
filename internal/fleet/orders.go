package fleet

import (
	"context"
	"crypto/sha256"
	"errors"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A judge verifies a message and returns what is to be committed, or a refusal. It does not block.
type judge func(m mqtt.Message) (commit func(context.Context) error, err error)

// judgePower admits orders that are signed by the power role, well formed and for this display.
func (f *Fleet) judgePower(m mqtt.Message) (func(context.Context) error, error) {
	signed, err := f.cfg.Trust.Verify(m.Payload(), trust.TypePower)
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
func (f *Fleet) judgePlaylist(m mqtt.Message) (func(context.Context) error, error) {
	raw := m.Payload()
	if _, err := f.cfg.Trust.Verify(raw, trust.TypePlaylist); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return f.ports.Orders.Playlist(ctx, raw) }, nil
}

// judgeTrust leaves the judgement to the receiver, who knows the document that it must follow.
func (f *Fleet) judgeTrust(m mqtt.Message) (func(context.Context) error, error) {
	return func(ctx context.Context) error { return f.ports.Orders.Trust(ctx, m.Payload()) }, nil
}

// obey works through one inbox until ctx ends. It outlives connections: an order that could not be committed yet is
// not forgotten because the link broke.
func (f *Fleet) obey(ctx context.Context, in *inbox, judge judge) {
	var settled [sha256.Size]byte // hash of the last message on which the last word is spoken
	for {
		m := in.next(ctx)
		if m == nil {
			return
		}
		sum := sha256.Sum256(m.Payload())
		// The copy of an order that the broker keeps comes with every connect; one that was published anew is judged
		// anew, and of a command no copy may be kept.
		if !m.Retained() || sum != settled || in == f.command {
			switch err := f.settle(ctx, in, m, judge); {
			case err == nil:
				settled, in.kept = sum, nil
			case errors.Is(err, ErrRefused):
				in.kept = m
			default:
				return // not acknowledged
			}
		}
		m.Ack()
		if in.overflowed() {
			f.askRenewal()
		}
	}
}

// settle judges a message and commits what it orders, however long that takes. It returns nil when the last word is
// spoken, ErrRefused when the same message may be obeyed later, and the error of ctx when that ended before there was
// an answer.
func (f *Fleet) settle(ctx context.Context, in *inbox, m mqtt.Message, judge judge) error {
	commit, err := judge(m)
	if err != nil {
		if m != in.kept { // which was counted when it came
			f.ports.Refused(reasonOf(err), in.topic)
		}
		f.cfg.Log.Debug("message refused", "topic", in.topic, "err", err)
		if mayPass(err) {
			return ErrRefused
		}
		return nil
	}
	for attempt := 1; ; attempt++ {
		err := commit(ctx)
		if err == nil || errors.Is(err, ErrRefused) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.cfg.Log.Warn("order not committed, will try again", "topic", in.topic, "attempt", attempt, "err", err)
		if !wait(ctx, f.cfg.Pace.Retry.next(attempt)) {
			return ctx.Err()
		}
	}
}

// Rejudge has the last order of each kind judged again where it was refused for now: another trust document stands, or
// the time is believed otherwise. A command has one judgement. It never blocks; asking twice is asking once.
func (f *Fleet) Rejudge() {
	for _, in := range []*inbox{f.power, f.playlist, f.trust} {
		select {
		case in.again <- struct{}{}:
		default:
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
