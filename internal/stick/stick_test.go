package stick_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bangtin/internal/site"
	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

const file = "[site]\nid = \"tinh-bien-01\"\ngate = \"Tịnh Biên\"\n[panel]\ndriver = \"hdmi\"\n"

func issued() time.Time { return time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC) }

// signer makes the same key from the same name in every run.
func signer(name string) trust.Signer {
	seed := sha256.Sum256([]byte("bangtin test key " + name))
	return trust.NewSigner(ed25519.NewKeyFromSeed(seed[:]))
}

// document gives role site to installer, and power to duty.
func document() *trust.Document {
	d := &trust.Document{Version: 1, Organisation: "Sở", Created: issued(), Roles: map[trust.Role]trust.Grant{}}
	for _, name := range []string{"installer", "duty", "t1", "t2"} {
		d.Keys = append(d.Keys, trust.NewKey(signer(name).Public(), name, name))
	}
	member := func(name string) trust.Member { return trust.Member{Key: trust.KeyID(signer(name).Public())} }
	d.Roles[trust.RoleSite] = trust.Grant{Threshold: 1, Members: []trust.Member{member("installer")}}
	d.Roles[trust.RolePower] = trust.Grant{Threshold: 1, Members: []trust.Member{member("duty")}}
	d.Roles[trust.RoleTrust] = trust.Grant{Threshold: 2, Members: []trust.Member{member("t1"), member("t2")}}
	return d
}

// sealed is the seal of a valid file.
func sealed(t testing.TB, file string, names ...string) []byte {
	t.Helper()
	v, err := stick.Vouch([]byte(file), issued())
	if err != nil {
		t.Fatal(err)
	}
	var signers []trust.Signer
	for _, name := range names {
		signers = append(signers, signer(name))
	}
	seal, err := v.Sign(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return seal
}

// forged is a seal with any payload and type that a holder of the role signed all the same.
func forged(t testing.TB, kind trust.Type, payload, name string) []byte {
	t.Helper()
	e := &trust.Envelope{Type: kind, Payload: []byte(payload)}
	if err := e.Sign(signer(name)); err != nil {
		t.Fatal(err)
	}
	raw, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// voucher is the payload of a seal for text, with the id and the time as JSON has them.
func voucher(id, text, when string) string {
	sum := sha256.Sum256([]byte(text))
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range sum {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return `{"site":"` + id + `","sha256":"` + b.String() + `","issued":"` + when + `"}`
}

func TestOpen(t *testing.T) {
	for name, notBefore := range map[string]time.Time{"first": {}, "newer": issued().Add(-time.Second), "the same again": issued()} {
		s, v, err := stick.Open(document(), sealed(t, file, "installer"), []byte(file), notBefore)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s.ID != "tinh-bien-01" || v.Site != s.ID || !v.Issued.Equal(issued()) {
			t.Errorf("%s: site %s, voucher %+v", name, s.ID, v)
		}
	}
	// Somebody else's signature beside it takes nothing away.
	if _, _, err := stick.Open(document(), sealed(t, file, "stranger", "installer"), []byte(file), time.Time{}); err != nil {
		t.Errorf("with a stranger's signature: %v", err)
	}
}

func TestVoucherIsOfWholeSecondsOfUTC(t *testing.T) {
	east := time.FixedZone("east", 7*3600)
	v, err := stick.Vouch([]byte(file), time.Date(2026, 11, 24, 8, 0, 0, 999, east))
	if err != nil || !v.Issued.Equal(issued()) || v.Issued.Location() != time.UTC {
		t.Errorf("got %+v, %v", v, err)
	}
	if _, err := stick.Vouch([]byte(file), time.Date(1970, 1, 1, 0, 0, 5, 0, time.UTC)); err == nil || !strings.Contains(err.Error(), "set the clock") {
		t.Errorf("a clock that was never set: %v", err)
	}
}

func TestNobodyVouchesForWhatADisplayRefuses(t *testing.T) {
	_, err := stick.Vouch([]byte(strings.Replace(file, "hdmi", "hdmj", 1)), issued())
	var wrong *site.Error
	if !errors.As(err, &wrong) || wrong.Findings[0].Line != 5 {
		t.Errorf("got %v", err)
	}
}

// TestRefusals: each in turn, and nothing of the file comes out of it.
func TestRefusals(t *testing.T) {
	const when = "2026-11-24T01:00:00Z"
	good := voucher("tinh-bien-01", file, when)
	valid := sealed(t, file, "installer")
	reason := func(r trust.Reason) func(error) bool {
		return func(err error) bool {
			var refusal *trust.Refusal
			return errors.As(err, &refusal) && refusal.Reason == r
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	says := func(word string) func(error) bool {
		return func(err error) bool {
			return strings.Contains(err.Error(), "cannot read the seal: ") && strings.Contains(err.Error(), word)
		}
	}
	lacking := document()
	delete(lacking.Roles, trust.RoleSite)
	wrong := strings.Replace(file, "hdmi", "hdmj", 1)
	for name, tt := range map[string]struct {
		document  *trust.Document
		seal      []byte
		file      string
		notBefore time.Time
		want      func(error) bool
	}{
		"no seal":             {seal: nil, want: reason(trust.Malformed)},
		"no seal but noise":   {seal: []byte("site"), want: reason(trust.Malformed)},
		"a seal too long":     {seal: append(bytes.Clone(valid), bytes.Repeat([]byte(" "), stick.MaxSeal)...), want: reason(trust.Oversized)},
		"a stranger's":        {seal: sealed(t, file, "stranger"), want: reason(trust.UnknownKey)},
		"another role's":      {seal: sealed(t, file, "duty"), want: reason(trust.WrongRole)},
		"role is nobody's":    {document: lacking, seal: valid, want: reason(trust.RoleUnassigned)},
		"another type":        {seal: forged(t, trust.TypePower, good, "installer"), want: reason(trust.WrongType)},
		"one byte altered":    {seal: valid, file: strings.Replace(file, "01", "02", 1), want: is(stick.ErrOther)},
		"a byte more":         {seal: valid, file: file + "\n", want: is(stick.ErrOther)},
		"empty file":          {seal: valid, file: "-", want: is(stick.ErrOther)},
		"of another display":  {seal: forged(t, trust.TypeSite, voucher("tinh-bien-02", file, when), "installer"), want: is(stick.ErrOther)},
		"a second older":      {seal: valid, notBefore: issued().Add(time.Second), want: is(stick.ErrStale)},
		"without a time":      {seal: forged(t, trust.TypeSite, strings.Replace(good, `,"issued":"`+when+`"`, "", 1), "installer"), want: says("issued")},
		"before 2026":         {seal: forged(t, trust.TypeSite, voucher("tinh-bien-01", file, "2025-12-31T23:59:59Z"), "installer"), want: says("issued")},
		"a part of a second":  {seal: forged(t, trust.TypeSite, voucher("tinh-bien-01", file, "2026-11-24T01:00:00.5Z"), "installer"), want: says("issued")},
		"another zone":        {seal: forged(t, trust.TypeSite, voucher("tinh-bien-01", file, "2026-11-24T08:00:00+07:00"), "installer"), want: says("issued")},
		"no time at all":      {seal: forged(t, trust.TypeSite, voucher("tinh-bien-01", file, "soon"), "installer"), want: says("")},
		"a field more":        {seal: forged(t, trust.TypeSite, strings.Replace(good, `{`, `{"x":1,`, 1), "installer"), want: says("unknown field")},
		"a field twice":       {seal: forged(t, trust.TypeSite, strings.Replace(good, `{`, `{"site":"a",`, 1), "installer"), want: says("twice")},
		"capitals of the sum": {seal: forged(t, trust.TypeSite, upperSum(good), "installer"), want: is(stick.ErrOther)},
		"payload is a list":   {seal: forged(t, trust.TypeSite, "[]", "installer"), want: says("not a JSON object")},
		"file refused": {seal: forged(t, trust.TypeSite, voucher("tinh-bien-01", wrong, when), "installer"), file: wrong, want: func(err error) bool {
			var all *site.Error
			return errors.As(err, &all)
		}},
	} {
		d, text := document(), file
		if tt.document != nil {
			d = tt.document
		}
		if tt.file != "" {
			text = strings.TrimSuffix(tt.file, "-")
		}
		s, _, err := stick.Open(d, tt.seal, []byte(text), tt.notBefore)
		if s != nil || err == nil || !tt.want(err) {
			t.Errorf("%s: site %v, error %v", name, s, err)
		}
	}
}

func upperSum(payload string) string {
	at := strings.Index(payload, `"sha256":"`) + 10
	return payload[:at] + strings.ToUpper(payload[at:at+64]) + payload[at+64:]
}

// TestNothingIsParsedUnverified: of a file that is wrong and unsigned, the signature is what is told.
func TestNothingIsParsedUnverified(t *testing.T) {
	var refusal *trust.Refusal
	if _, v, err := stick.Open(document(), sealed(t, file, "stranger"), []byte("= = ="), issued().Add(time.Hour)); !errors.As(err, &refusal) || v != (stick.Voucher{}) {
		t.Errorf("signature of a stranger: %v, %+v", err, v)
	}
	if _, _, err := stick.Open(document(), sealed(t, file, "installer"), []byte("= = ="), issued()); !errors.Is(err, stick.ErrOther) {
		t.Errorf("sealed, and another file: %v", err)
	}
	stale := strings.Replace(file, "hdmi", "hdmj", 1)
	seal := forged(t, trust.TypeSite, voucher("tinh-bien-01", stale, "2026-11-24T01:00:00Z"), "installer")
	if _, _, err := stick.Open(document(), seal, []byte(stale), issued().Add(time.Hour)); !errors.Is(err, stick.ErrStale) {
		t.Errorf("old and wrong: %v", err)
	}
}

func TestPeek(t *testing.T) {
	v, err := stick.Peek(sealed(t, file, "stranger"))
	if err != nil || v.Site != "tinh-bien-01" || !v.Issued.Equal(issued()) {
		t.Errorf("got %+v, %v", v, err)
	}
	for name, seal := range map[string][]byte{
		"noise": []byte("{}"), "another type": forged(t, trust.TypePower, "{}", "installer"),
		"no voucher": forged(t, trust.TypeSite, "{}", "installer"), "too long": bytes.Repeat([]byte(" "), stick.MaxSeal+1),
	} {
		if _, err := stick.Peek(seal); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestSealIsAsItsSchemaSays holds what is signed against docs/schemas.
func TestSealIsAsItsSchemaSays(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	check := func(name string, raw []byte) error {
		schema, err := compiler.Compile("../../docs/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	seal := sealed(t, file, "installer")
	e, err := trust.ParseEnvelope(seal)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(check("envelope.json", seal), check("site-seal.json", e.Payload)); err != nil {
		t.Error(err)
	}
	if check("site-seal.json", bytes.Replace(e.Payload, []byte("Z"), []byte("+00:00"), 1)) == nil {
		t.Error("a time of another form is as the schema says: it says nothing")
	}
}

// FuzzOpen has real signatures: whatever the bytes, what is opened is what the installer signed.
func FuzzOpen(f *testing.F) {
	seal := sealed(f, file, "installer")
	f.Add(seal, []byte(file))
	f.Add(seal, []byte(file+"\n"))
	f.Add(sealed(f, file, "stranger", "installer"), []byte(file))
	f.Add(sealed(f, file, "stranger"), []byte(file))
	f.Add(forged(f, trust.TypeSite, "{}", "installer"), []byte(file))
	f.Fuzz(func(t *testing.T, seal, text []byte) {
		s, v, err := stick.Open(document(), seal, text, time.Time{})
		if err != nil {
			if s != nil {
				t.Fatalf("a site with error %v", err)
			}
			return
		}
		if string(text) != file || s.ID != v.Site || !v.Issued.Equal(issued()) {
			t.Fatalf("opened %q by %+v, which nobody signed", text, v)
		}
	})
}
