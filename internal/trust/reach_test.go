package trust_test

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"bangtin/internal/trust"
)

// TestReachesIsWhatVerifySays of the same keys, for each role and every set of two of them.
func TestReachesIsWhatVerifySays(t *testing.T) {
	names := []string{"an", "an2", "binh", "both", "power", "centre", "t1", "t2", "t3", "mallory"}
	d := people()
	for _, role := range trust.Roles() {
		for i, one := range names {
			for _, two := range names[i:] {
				signers := slices.Compact([]string{one, two})
				v, err := d.Verify(seal(t, role.Type(), "{}", signers...), role.Type())
				if err == nil && v.Role != role {
					t.Errorf("verified as role %s, signed as %s", v.Role, role)
				}
				var keys []string
				for _, n := range signers {
					keys = append(keys, id(n))
				}
				if got := d.Reaches(role, keys); got != (err == nil) {
					t.Errorf("role %s, keys of %v: reaches %v, verify says %v", role, signers, got, err)
				}
			}
		}
		if d.Reaches(role, nil) {
			t.Errorf("role %s is reached by nobody", role)
		}
	}
	d.Version = 0
	if d.Reaches(trust.RolePower, []string{id("power")}) {
		t.Error("a document that contradicts itself is reached")
	}
	if (&trust.Document{}).Reaches(trust.RolePower, []string{id("power")}) {
		t.Error("an empty document is reached")
	}
}

// TestVerifiedSignatures are those that counted, under their true names, and make the same envelope again.
func TestVerifiedSignatures(t *testing.T) {
	muddled := func(e *trust.Envelope) {
		e.Signatures = append(e.Signatures, e.Signatures[0], trust.Signature{KeyID: id("binh"), Sig: make([]byte, ed25519.SignatureSize)})
		for i := range e.Signatures[:3] {
			e.Signatures[i].KeyID = "a wrong hint"
		}
	}
	v, err := people().Verify(changed(t, muddled, trust.TypePlaylist, "an", "binh"), trust.TypePlaylist)
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, s := range v.Signatures {
		named = append(named, s.KeyID)
	}
	if !slices.Equal(named, v.Keys) || len(named) != 2 {
		t.Fatalf("signatures of %v, keys %v", named, v.Keys)
	}
	e := &trust.Envelope{Type: trust.TypePlaylist, Payload: v.Payload, Signatures: v.Signatures}
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := people().Verify(raw, trust.TypePlaylist); err != nil {
		t.Errorf("the good signatures alone: %v", err)
	}
}

// TestSigners are all known keys that signed, whatever their role.
func TestSigners(t *testing.T) {
	e, err := trust.ParseEnvelope(seal(t, trust.TypePower, "{}", "power", "centre", "mallory"))
	if err != nil {
		t.Fatal(err)
	}
	e.Signatures[0].KeyID, e.Signatures[2].KeyID = "", id("t1")
	var names []string
	for _, k := range people().Signers(e) {
		names = append(names, k.Person)
	}
	if !slices.Equal(names, []string{"pham.duc", "centre"}) {
		t.Errorf("signed by %v", names)
	}
	if !e.SignedBy(signer("mallory").Public()) || e.SignedBy(signer("t1").Public()) || e.SignedBy(nil) {
		t.Error("SignedBy goes by the hint")
	}
}
