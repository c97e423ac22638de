package trust_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
)

// private makes the same key from the same name in every run.
func private(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("bangtin test key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func signer(name string) trust.Signer { return trust.NewSigner(private(name)) }

func id(name string) string { return trust.KeyID(signer(name).Public()) }

// people is the usual document: the key "an2" is a second key of an, "both" may edit and approve.
func people() *trust.Document {
	d := &trust.Document{
		Version: 7, Organisation: "Sở Khoa học và Công nghệ An Giang",
		Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, k := range []struct{ key, person string }{
		{"an", "nguyen.van.an"}, {"an2", "nguyen.van.an"}, {"binh", "tran.binh"}, {"both", "le.thi.ca"},
		{"power", "pham.duc"}, {"centre", "centre"}, {"t1", "root.1"}, {"t2", "root.2"}, {"t3", "root.3"},
	} {
		d.Keys = append(d.Keys, trust.NewKey(signer(k.key).Public(), k.person, strings.ToUpper(k.person)))
	}
	d.Roles = map[trust.Role]trust.Grant{
		trust.RolePlaylist: {
			Threshold: 2, Duties: []string{trust.DutyEditor, trust.DutyApprover},
			Members: []trust.Member{
				{Key: id("an"), Duty: trust.DutyEditor}, {Key: id("an2"), Duty: trust.DutyApprover},
				{Key: id("both"), Duty: trust.DutyEditor}, {Key: id("both"), Duty: trust.DutyApprover},
				{Key: id("binh"), Duty: trust.DutyApprover},
			},
		},
		trust.RolePower:   {Threshold: 1, Members: []trust.Member{{Key: id("power")}}},
		trust.RoleUpdate:  {Threshold: 2, Members: []trust.Member{{Key: id("an")}, {Key: id("an2")}, {Key: id("binh")}}},
		trust.RoleCollect: {Threshold: 1, Members: []trust.Member{{Key: id("centre")}}},
		trust.RoleTime:    {Threshold: 1, Members: []trust.Member{{Key: id("centre")}}},
		trust.RoleTrust:   {Threshold: 2, Members: []trust.Member{{Key: id("t1")}, {Key: id("t2")}, {Key: id("t3")}}},
	}
	return d
}

// seal makes an envelope that the named keys signed.
func seal(t testing.TB, typ trust.Type, payload string, signers ...string) []byte {
	t.Helper()
	e := &trust.Envelope{Type: typ, Payload: []byte(payload)}
	for _, name := range signers {
		if err := e.Sign(signer(name)); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// wantReason fails unless err is a refusal for exactly this reason; "" wants no error at all.
func wantReason(t testing.TB, err error, want trust.Reason) {
	t.Helper()
	var r *trust.Refusal
	switch {
	case want == "" && err != nil:
		t.Fatalf("refused: %v", err)
	case want == "":
	case !errors.As(err, &r):
		t.Fatalf("error %v, want a refusal for %s", err, want)
	case r.Reason != want:
		t.Fatalf("refused for %s (%s), want %s", r.Reason, r.Detail, want)
	}
}
