package trust_test

import (
	"bytes"
	"errors"
	"testing"

	"bangtin/internal/trust"
)

// FuzzParseEnvelope: whatever is accepted is written and read again as the same, every error is a refusal, and a
// document verifies nothing that its people did not sign.
func FuzzParseEnvelope(f *testing.F) {
	f.Add(seal(f, trust.TypePower, "{}", "power"))
	f.Add(seal(f, trust.TypePlaylist, "{}", "an"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := trust.ParseEnvelope(raw)
		var refusal *trust.Refusal
		if err != nil {
			if e != nil || !errors.As(err, &refusal) {
				t.Fatalf("%v with error %v", e, err)
			}
			return
		}
		again, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		e2, err := trust.ParseEnvelope(again)
		if err != nil || e2.Type != e.Type || !bytes.Equal(e2.Payload, e.Payload) || len(e2.Signatures) != len(e.Signatures) {
			t.Fatalf("read again: %v, %v", e2, err)
		}
		v, err := people().Verify(raw, e.Type)
		if err == nil && string(v.Payload) != "{}" {
			t.Fatalf("verified %q, which nobody signed", v.Payload)
		}
	})
}

// FuzzParseDocument: a document that is accepted keeps the hard minimums and is written and read as the same.
func FuzzParseDocument(f *testing.F) {
	raw, err := people().Seal(signer("t1"), signer("t2"))
	if err != nil {
		f.Fatal(err)
	}
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, err := trust.DecodeDocument(payload)
		var refusal *trust.Refusal
		if err != nil {
			if d != nil || !errors.As(err, &refusal) {
				t.Fatalf("%v with error %v", d, err)
			}
			return
		}
		if d.Roles[trust.RoleTrust].Threshold < 2 {
			t.Fatal("a trust role below the minimum")
		}
		if g, ok := d.Roles[trust.RolePlaylist]; ok && (g.Threshold < 2 || len(g.Duties) < 2) {
			t.Fatal("a playlist role below the minimum")
		}
		sealed, err := d.Seal(signer("mallory"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := trust.ParseDocument(sealed); err == nil {
			t.Fatal("one stranger's signature made a document")
		}
	})
}
