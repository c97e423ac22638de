package trust_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"bangtin/internal/trust"
)

func TestVerifyCountsPeople(t *testing.T) {
	tests := map[string]struct {
		typ     trust.Type
		signers []string
		people  []string
		want    trust.Reason
	}{
		"power, one person":              {trust.TypePower, []string{"power"}, []string{"pham.duc"}, ""},
		"editor and approver":            {trust.TypePlaylist, []string{"an", "binh"}, []string{"nguyen.van.an", "tran.binh"}, ""},
		"approver signed first":          {trust.TypePlaylist, []string{"binh", "an"}, []string{"nguyen.van.an", "tran.binh"}, ""},
		"who may do both does the other": {trust.TypePlaylist, []string{"both", "an"}, []string{"nguyen.van.an", "le.thi.ca"}, ""},
		"who may do both edits":          {trust.TypePlaylist, []string{"both", "binh"}, []string{"le.thi.ca", "tran.binh"}, ""},
		"three people":                   {trust.TypePlaylist, []string{"binh", "both", "an"}, []string{"nguyen.van.an", "le.thi.ca", "tran.binh"}, ""},
		"collect by the centre":          {trust.TypeCollect, []string{"centre"}, []string{"centre"}, ""},
		"editor alone":                   {trust.TypePlaylist, []string{"an"}, nil, trust.Threshold},
		"both duties, one key":           {trust.TypePlaylist, []string{"both"}, nil, trust.Threshold},
		"two keys of one person":         {trust.TypePlaylist, []string{"an", "an2"}, nil, trust.SamePerson},
		"two keys of one person, update": {trust.TypeUpdate, []string{"an", "an2"}, nil, trust.SamePerson},
		"two approvers":                  {trust.TypePlaylist, []string{"an2", "binh"}, nil, trust.DutyMissing},
		"key of another role":            {trust.TypePlaylist, []string{"power", "centre"}, nil, trust.WrongRole},
		"one key of another role":        {trust.TypePlaylist, []string{"an", "power"}, nil, trust.Threshold},
		"unknown keys":                   {trust.TypePlaylist, []string{"mallory", "eve"}, nil, trust.UnknownKey},
		"unknown key beside good ones":   {trust.TypePlaylist, []string{"mallory", "an", "binh"}, []string{"nguyen.van.an", "tran.binh"}, ""},
		"role nobody holds":              {trust.TypeUrgent, []string{"an"}, nil, trust.RoleUnassigned},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, err := people().Verify(seal(t, tt.typ, `{"a":1}`, tt.signers...), tt.typ)
			wantReason(t, err, tt.want)
			if tt.want != "" {
				return
			}
			sum := sha256.Sum256([]byte(`{"a":1}`))
			if !slices.Equal(v.People, tt.people) || string(v.Payload) != `{"a":1}` || v.Digest != hex.EncodeToString(sum[:]) {
				t.Fatalf("verified %+v, want people %q", v, tt.people)
			}
		})
	}
}

func TestVerifyBindsTypeAndPayload(t *testing.T) {
	tests := map[string]struct {
		change func(*trust.Envelope)
		as     trust.Type
		want   trust.Reason
	}{
		"nothing changed": {func(*trust.Envelope) {}, trust.TypePower, ""},
		"another type":    {func(*trust.Envelope) {}, trust.TypeUrgent, trust.WrongType},
		"type rewritten":  {func(e *trust.Envelope) { e.Type = trust.TypeCollect }, trust.TypeCollect, trust.WrongRole},
		"payload altered": {func(e *trust.Envelope) { e.Payload[0] ^= 1 }, trust.TypePower, trust.BadSignature},
		"signature bit":   {func(e *trust.Envelope) { e.Signatures[0].Sig[3] ^= 1 }, trust.TypePower, trust.BadSignature},
		"altered, no hint": {func(e *trust.Envelope) {
			e.Payload[0] ^= 1
			e.Signatures[0].KeyID = ""
		}, trust.TypePower, trust.UnknownKey},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := people().Verify(changed(t, tt.change, trust.TypePower, "power"), tt.as)
			wantReason(t, err, tt.want)
		})
	}
}

func changed(t *testing.T, change func(*trust.Envelope), typ trust.Type, signers ...string) []byte {
	t.Helper()
	e, err := trust.ParseEnvelope(seal(t, typ, `{"a":1}`, signers...))
	if err != nil {
		t.Fatal(err)
	}
	change(e)
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// The hint decides nothing: neither does a wrong one hide a good signature, nor does a right one lend a name.
func TestKeyIDIsOnlyAHint(t *testing.T) {
	swapped := func(e *trust.Envelope) {
		e.Signatures[0].KeyID, e.Signatures[1].KeyID = e.Signatures[1].KeyID, e.Signatures[0].KeyID
	}
	if _, err := people().Verify(changed(t, swapped, trust.TypePlaylist, "an", "binh"), trust.TypePlaylist); err != nil {
		t.Errorf("swapped hints: %v", err)
	}
	empty := func(e *trust.Envelope) { e.Signatures[0].KeyID, e.Signatures[1].KeyID = "", "no such key" }
	if _, err := people().Verify(changed(t, empty, trust.TypePlaylist, "an", "binh"), trust.TypePlaylist); err != nil {
		t.Errorf("useless hints: %v", err)
	}
	borrowed := func(e *trust.Envelope) { e.Signatures[1].KeyID = id("binh") }
	_, err := people().Verify(changed(t, borrowed, trust.TypePlaylist, "an", "mallory"), trust.TypePlaylist)
	wantReason(t, err, trust.Threshold)
}

func TestOneKeyCountsOnceThoughItSignsTwice(t *testing.T) {
	twice := func(e *trust.Envelope) {
		e.Signatures = append(e.Signatures, trust.Signature{KeyID: "another name", Sig: e.Signatures[0].Sig})
	}
	_, err := people().Verify(changed(t, twice, trust.TypeUpdate, "an"), trust.TypeUpdate)
	wantReason(t, err, trust.Threshold)
}

// A document that a careless caller changed after parsing must not verify anything.
func TestVerifyHoldsTheMinimumsOfADocumentMadeByHand(t *testing.T) {
	d := people()
	g := d.Roles[trust.RolePlaylist]
	g.Threshold, g.Duties = 1, nil
	d.Roles[trust.RolePlaylist] = g
	_, err := d.Verify(seal(t, trust.TypePlaylist, "{}", "an"), trust.TypePlaylist)
	wantReason(t, err, trust.BadDocument)
}
