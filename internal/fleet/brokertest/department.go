package brokertest

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A Department holds a key for each role a display knows, and the trust document that says so.
type Department struct {
	Document *trust.Document

	Power, Editor, Approver, Collect trust.Signer
	Time                             trust.Signer
	Keepers                          []trust.Signer // of the trust document
	Stranger                         trust.Signer   // a good key that nobody trusts
}

// NewDepartment makes fresh keys.
func NewDepartment() (*Department, error) {
	d := &Department{Document: &trust.Document{
		Version: 1, Organisation: "Sở thử nghiệm", Created: time.Now().UTC().Truncate(time.Second),
		Roles: map[trust.Role]trust.Grant{},
	}}
	var first, second trust.Signer
	for _, k := range []struct {
		person string
		signer *trust.Signer
	}{
		{"power", &d.Power}, {"editor", &d.Editor}, {"approver", &d.Approver}, {"centre", &d.Collect},
		{"clock", &d.Time},
		{"first", &first}, {"second", &second}, {"stranger", &d.Stranger},
	} {
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, fmt.Errorf("cannot make key: %w", err)
		}
		*k.signer = trust.NewSigner(private)
		if k.person != "stranger" {
			d.Document.Keys = append(d.Document.Keys, trust.NewKey(public, k.person, k.person))
		}
	}
	d.grant(trust.RolePower, 1, d.Power)
	d.grant(trust.RoleCollect, 1, d.Collect)
	d.grant(trust.RoleTime, 1, d.Time)
	d.Keepers = []trust.Signer{first, second}
	d.grant(trust.RoleTrust, 2, d.Keepers...)
	d.Document.Roles[trust.RolePlaylist] = trust.Grant{
		Threshold: 2, Duties: []string{trust.DutyEditor, trust.DutyApprover},
		Members: []trust.Member{
			{Key: trust.KeyID(d.Editor.Public()), Duty: trust.DutyEditor},
			{Key: trust.KeyID(d.Approver.Public()), Duty: trust.DutyApprover},
		},
	}
	return d, d.Document.Validate()
}

func (d *Department) grant(role trust.Role, threshold int, signers ...trust.Signer) {
	g := trust.Grant{Threshold: threshold}
	for _, s := range signers {
		g.Members = append(g.Members, trust.Member{Key: trust.KeyID(s.Public())})
	}
	d.Document.Roles[role] = g
}

// PowerOrder signs an order, with the power key when no other is given.
func (d *Department) PowerOrder(order wire.PowerOrder, signers ...trust.Signer) ([]byte, error) {
	if len(signers) == 0 {
		signers = []trust.Signer{d.Power}
	}
	payload, err := wire.Encode(order)
	if err != nil {
		return nil, err
	}
	return Seal(trust.TypePower, payload, signers...)
}

// Command signs a command as the power role, with the power key when no other is given.
func (d *Department) Command(c wire.Command, signers ...trust.Signer) ([]byte, error) {
	if len(signers) == 0 {
		signers = []trust.Signer{d.Power}
	}
	return d.commandAs(trust.TypePower, c, signers)
}

// TrustCommand signs a command as the keepers of the trust role.
func (d *Department) TrustCommand(c wire.Command) ([]byte, error) {
	return d.commandAs(trust.TypeTrust, c, d.Keepers)
}

func (d *Department) commandAs(t trust.Type, c wire.Command, signers []trust.Signer) ([]byte, error) {
	payload, err := wire.Encode(c)
	if err != nil {
		return nil, err
	}
	return Seal(t, payload, signers...)
}

// RecordsAck signs an acknowledgement of records as the centre does.
func (d *Department) RecordsAck(ack wire.RecordsAck) ([]byte, error) {
	payload, err := wire.Encode(ack)
	if err != nil {
		return nil, err
	}
	return Seal(trust.TypeCollect, payload, d.Collect)
}

// TimeReply signs an answer to a question for the time, with the time key when no other is given.
func (d *Department) TimeReply(reply wire.TimeReply, signers ...trust.Signer) ([]byte, error) {
	if len(signers) == 0 {
		signers = []trust.Signer{d.Time}
	}
	payload, err := wire.Encode(reply)
	if err != nil {
		return nil, err
	}
	return Seal(trust.TypeTime, payload, signers...)
}

// Seal signs any payload as any type with any keys: tests need wrong ones too.
func Seal(t trust.Type, payload []byte, signers ...trust.Signer) ([]byte, error) {
	e := &trust.Envelope{Type: t, Payload: payload}
	for _, s := range signers {
		if err := e.Sign(s); err != nil {
			return nil, err
		}
	}
	return e.Marshal()
}
