package trust_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"bangtin/internal/trust"
)

// The vector of DSSE's protocol.md, "Test vectors".
func TestPAEOfThePublishedVector(t *testing.T) {
	got := string(trust.PAE("http://example.com/HelloWorld", []byte("hello world")))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

// Another implementation of DSSE must understand our signatures: here one made by hand.
func TestSignatureIsOverPAE(t *testing.T) {
	e := &trust.Envelope{Type: trust.TypePower, Payload: []byte("{}")}
	if err := e.Sign(signer("power")); err != nil {
		t.Fatal(err)
	}
	message := "DSSEv1 37 application/vnd.bangtin.power.v1+json 2 {}"
	if !ed25519.Verify(signer("power").Public(), []byte(message), e.Signatures[0].Sig) {
		t.Fatal("signature is not over the pre-authentication encoding")
	}
}

func TestMarshalledEnvelopeIsParsedTheSame(t *testing.T) {
	raw := seal(t, trust.TypePlaylist, `{"title":"Cửa khẩu"}`, "an", "binh")
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	if e.Type != trust.TypePlaylist || string(e.Payload) != `{"title":"Cửa khẩu"}` || len(e.Signatures) != 2 ||
		e.Signatures[0].KeyID != id("an") || e.Signatures[1].KeyID != id("binh") {
		t.Fatalf("parsed %+v", e)
	}
	again, err := e.Marshal()
	if err != nil || !bytes.Equal(raw, again) {
		t.Fatalf("marshalled again: %v\n%s\n%s", err, raw, again)
	}
}

func TestParseEnvelopeRefuses(t *testing.T) {
	sig := base64.StdEncoding.EncodeToString(make([]byte, 64))
	one := `{"keyid":"k","sig":"` + sig + `"}`
	envelope := func(typ, payload, signatures string) string {
		return fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[%s]}`, typ, payload, signatures)
	}
	power := string(trust.TypePower)
	good := envelope(power, "e30=", one)
	if _, err := trust.ParseEnvelope([]byte(good)); err != nil {
		t.Fatalf("the pattern of all cases is itself refused: %v", err)
	}
	tests := map[string]struct {
		raw  string
		want trust.Reason
	}{
		"empty":               {"", trust.Malformed},
		"null":                {"null", trust.Malformed},
		"array":               {"[]", trust.Malformed},
		"cut off":             {good[:len(good)-1], trust.Malformed},
		"two values":          {good + good, trust.Malformed},
		"rubbish after":       {good + "x", trust.Malformed},
		"unknown field":       {strings.Replace(good, `{"pay`, `{"expires":1,"pay`, 1), trust.Malformed},
		"field in other case": {strings.Replace(good, `"payload":`, `"Payload":`, 1), trust.Malformed},
		"field in lower case": {strings.Replace(good, `"payloadType":`, `"payloadtype":`, 1), trust.Malformed},
		"field twice":         {strings.Replace(good, `"payload":`, `"payload":"","payload":`, 1), trust.Malformed},
		"sig twice":           {strings.Replace(good, `"sig":`, `"sig":"","sig":`, 1), trust.Malformed},
		"field out of place":  {strings.Replace(good, `{"pay`, `{"sig":"","pay`, 1), trust.Malformed},
		"nested deeply":       {`{"signatures":` + strings.Repeat("[", 100000), trust.Malformed},
		"not UTF-8":           {strings.Replace(good, `"k"`, "\"\xff\"", 1), trust.Malformed},
		"payload a number":    {strings.Replace(good, `"e30="`, `1`, 1), trust.Malformed},
		"no signatures":       {envelope(power, "e30=", ""), trust.Malformed},
		"null signature":      {envelope(power, "e30=", "null"), trust.Malformed},
		"short signature":     {envelope(power, "e30=", `{"keyid":"","sig":"AAAA"}`), trust.Malformed},
		"payload unpadded":    {envelope(power, "e30", one), trust.Malformed},
		"payload url-safe":    {envelope(power, "_-8=", one), trust.Malformed},
		"payload loose bits":  {envelope(power, "e31=", one), trust.Malformed},
		"payload line end":    {envelope(power, "e3\n0=", one), trust.Malformed},
		"17 signatures":       {envelope(power, "e30=", one+strings.Repeat(","+one, 16)), trust.Oversized},
		"long keyid":          {strings.Replace(good, `"k"`, `"`+strings.Repeat("k", 201)+`"`, 1), trust.Oversized},
		"too long":            {good + strings.Repeat(" ", trust.MaxEnvelope), trust.Oversized},
		"type not ours":       {envelope("http://example.com/HelloWorld", "e30=", one), trust.WrongType},
		"no type":             {envelope("", "e30=", one), trust.WrongType},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := trust.ParseEnvelope([]byte(tt.raw))
			wantReason(t, err, tt.want)
		})
	}
}

func TestSignRefuses(t *testing.T) {
	e := &trust.Envelope{Type: trust.TypePower, Payload: []byte("{}")}
	if err := e.Sign(trust.NewSigner(nil)); err == nil {
		t.Error("signed with no key")
	}
	if err := e.Sign(liar{signer("an")}); err == nil {
		t.Error("accepted a signature that does not fit")
	}
	if err := e.Sign(signer("an")); err != nil {
		t.Fatal(err)
	}
	if err := e.Sign(signer("an")); !errors.Is(err, trust.ErrSignedAlready) {
		t.Errorf("second signature of one key: %v", err)
	}
	if len(e.Signatures) != 1 {
		t.Errorf("%d signatures, want 1", len(e.Signatures))
	}
	foreign := &trust.Envelope{Type: "text/plain"}
	if err := foreign.Sign(signer("an")); err == nil {
		t.Error("signed a type that is not ours")
	}
	huge := &trust.Envelope{Type: trust.TypePower, Payload: make([]byte, trust.MaxEnvelope)}
	if err := huge.Sign(signer("an")); err != nil {
		t.Fatal(err)
	}
	if _, err := huge.Marshal(); err == nil {
		t.Error("wrote an envelope that nobody would accept")
	}
}

// liar is a token that signs something else.
type liar struct{ trust.Signer }

func (l liar) Sign([]byte) ([]byte, error) { return l.Signer.Sign([]byte("something else")) }

// ssh-keygen -lf of the same key prints this fingerprint.
func TestKeyIDIsTheOpenSSHFingerprint(t *testing.T) {
	pub := make(ed25519.PublicKey, 32)
	for i := range pub {
		pub[i] = byte(i)
	}
	if got, want := trust.KeyID(pub), "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

// Each encoding in the list lets anyone forge a signature that crypto/ed25519 accepts; the document must not.
func TestWeakKeysAreRefused(t *testing.T) {
	points := smallOrderPoints(t)
	for _, pub := range points {
		if !forgeable(pub, points) {
			t.Errorf("%x: no forgery found, so the test proves nothing for it", pub)
		}
		var k trust.PublicKey
		if err := k.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(pub))); err == nil {
			t.Errorf("%x was accepted", pub)
		}
	}
	var k trust.PublicKey
	if err := k.UnmarshalText([]byte(base64.StdEncoding.EncodeToString(signer("an").Public()))); err != nil {
		t.Errorf("a good key: %v", err)
	}
}

// forgeable looks for a message and a signature with S = 0 that verify under pub, without any private key.
func forgeable(pub ed25519.PublicKey, points []ed25519.PublicKey) bool {
	for m := range 256 {
		for _, r := range points {
			sig := append(bytes.Clone(r), make([]byte, 32)...)
			if ed25519.Verify(pub, []byte{byte(m)}, sig) {
				return true
			}
		}
	}
	return false
}

func smallOrderPoints(t *testing.T) []ed25519.PublicKey {
	var points []ed25519.PublicKey
	for _, y := range []string{
		"00" + strings.Repeat("00", 31), "01" + strings.Repeat("00", 31), "ec" + strings.Repeat("ff", 30) + "7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ed" + strings.Repeat("ff", 30) + "7f", "ee" + strings.Repeat("ff", 30) + "7f", // 0 and 1, not reduced
	} {
		var p []byte
		if _, err := fmt.Sscanf(y, "%x", &p); err != nil {
			t.Fatal(err)
		}
		other := bytes.Clone(p)
		other[31] |= 0x80
		points = append(points, p, other)
	}
	return points
}
