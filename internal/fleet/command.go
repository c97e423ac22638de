package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const (
	// noMost is how many commands a minute are answered that are refused here, before they reach Orders. Beyond it they
	// are only counted: a flood must not make the display talk.
	noMost = 10
	// noRoom is how many of these answers wait for the session; the oldest is dropped.
	noRoom = noMost
)

// judgeCommand admits commands for this display that are signed by the role they need, and answers the others.
func (f *Fleet) judgeCommand(m mqtt.Message) (func(context.Context) error, error) {
	signed, command, err := f.openCommand(m)
	if err != nil {
		f.denied(m.Payload(), command, reasonOf(err))
		return nil, err
	}
	return func(ctx context.Context) error { return f.ports.Orders.Command(ctx, signed, *command) }, nil
}

// openCommand reads a command. The role it needs is only known once the payload was read, and that is read only after
// a signature of the envelope's own type was found good; the command is nil until then.
func (f *Fleet) openCommand(m mqtt.Message) (*trust.Verified, *wire.Command, error) {
	envelope, err := trust.ParseEnvelope(m.Payload())
	if err != nil {
		return nil, nil, err
	}
	if m.Retained() {
		return nil, nil, refuse(Retained, "a command that the broker kept")
	}
	if role := envelope.Type.Role(); role != trust.RolePower && role != trust.RoleTrust {
		return nil, nil, refuse(Reason(trust.WrongType), "a command of type %q", envelope.Type)
	}
	signed, err := f.cfg.Trust.Verify(m.Payload(), envelope.Type)
	if err != nil {
		return nil, nil, err
	}
	command, err := wire.ParseCommand(signed.Payload)
	if err != nil {
		return nil, nil, refuse(BadOrder, "%v", err)
	}
	if !command.For(f.cfg.Device) {
		return nil, command, refuse(WrongDevice, "command for %d others", len(command.Audience))
	}
	if need := command.Role(); need == trust.RoleTrust && envelope.Type != need.Type() {
		return nil, command, refuse(LackingRole, "command %s needs the role %s", command.ID, need)
	}
	return signed, command, nil
}

// denied answers a command that is refused here. Its id is told where its signatures were good; whoever sent any other
// finds it by the digest of its payload. What has no payload has no answer.
func (f *Fleet) denied(raw []byte, command *wire.Command, reason Reason) {
	envelope, err := trust.ParseEnvelope(raw)
	if err != nil || !f.no.Take() {
		return
	}
	sum := sha256.Sum256(envelope.Payload)
	a := wire.CommandAck{
		Digest: hex.EncodeToString(sum[:]), Status: wire.Rejected, Reason: string(reason), At: f.cfg.Now().UTC(),
	}
	if command != nil {
		a.ID = command.ID
	}
	for {
		select {
		case f.noes <- a:
			return
		default:
		}
		select {
		case <-f.noes:
		default:
		}
	}
}

// answers publishes the answers to commands. Those that get lost with a connection are not told again: whoever asked
// asks again.
func (s *session) answers(ctx context.Context) error {
	for {
		var answer wire.CommandAck
		select {
		case answer = <-s.f.ports.Answers:
		case answer = <-s.f.noes:
		case <-ctx.Done():
			return ctx.Err()
		}
		payload, err := wire.Encode(answer)
		if err != nil {
			return err
		}
		if err := s.publish(ctx, s.f.topics.CommandAck(), false, payload); err != nil {
			return err
		}
	}
}
