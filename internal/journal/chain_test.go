package journal_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
)

var noon = time.Date(2027, 1, 1, 5, 0, 0, 123456789, time.UTC)

func entry(detail string) journal.Entry {
	return journal.Entry{
		Stamp: journal.Stamp{Boot: "boot-1", Mono: time.Minute, Wall: noon, Trust: journal.Synchronised},
		Kind:  journal.KindIncident,
		Body:  journal.Incident{Class: journal.Technical, Code: "panel-silent", Detail: detail, Count: 1},
	}
}

func seal(t *testing.T, prev journal.Hash, seq uint64, e journal.Entry) journal.Record {
	t.Helper()
	r, err := journal.Seal(prev, seq, e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestChainHolds(t *testing.T) {
	var prev journal.Hash
	for seq := uint64(1); seq <= 5; seq++ {
		r := seal(t, prev, seq, entry(strings.Repeat("x", int(seq))))
		if err := journal.Check(prev, r); err != nil {
			t.Error(err)
		}
		prev = r.Hash
	}
}

// The hash is part of the protocol with the centre: this one was computed outside
// of Go from the layout that the comment of digest describes.
func TestHashIsFixed(t *testing.T) {
	const want = "e6a25e3212876c7535ad233ace439030731b7f7ff8ae8b6f7569a106a3f38514"
	if got := seal(t, journal.Hash{}, 1, entry("x")).Hash.String(); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

func TestCheckFindsEveryChange(t *testing.T) {
	first := seal(t, journal.Hash{}, 1, entry("first"))
	good := seal(t, first.Hash, 2, entry("second"))
	for name, change := range map[string]func(*journal.Record){
		"seq":              func(r *journal.Record) { r.Seq = 3 },
		"seq 0":            func(r *journal.Record) { r.Seq = 0 },
		"boot":             func(r *journal.Record) { r.Stamp.Boot = "boot-2" },
		"mono":             func(r *journal.Record) { r.Stamp.Mono++ },
		"wall":             func(r *journal.Record) { r.Stamp.Wall = r.Stamp.Wall.Add(1) },
		"wall before 1970": func(r *journal.Record) { r.Stamp.Wall = time.Time{} },
		"trust":            func(r *journal.Record) { r.Stamp.Trust = journal.Signed },
		"kind":             func(r *journal.Record) { r.Kind = journal.KindOrder },
		"body":             func(r *journal.Record) { r.Body = append(r.Body, ' ') },
		"prev":             func(r *journal.Record) { r.Prev[0]++ },
		"hash":             func(r *journal.Record) { r.Hash[31]++ },
		"boot and trust shifted": func(r *journal.Record) {
			r.Stamp.Boot += string(r.Stamp.Trust[:1])
			r.Stamp.Trust = r.Stamp.Trust[1:]
		},
		"trust and kind shifted": func(r *journal.Record) {
			r.Stamp.Trust += journal.TimeTrust(r.Kind[:1])
			r.Kind = r.Kind[1:]
		},
		"kind and body shifted": func(r *journal.Record) {
			r.Kind += journal.Kind(r.Body[:1])
			r.Body = r.Body[1:]
		},
	} {
		bad := good
		bad.Body = append(json.RawMessage(nil), good.Body...)
		change(&bad)
		if err := journal.Check(first.Hash, bad); !errors.Is(err, journal.ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", name, err)
		}
	}
	if err := journal.Check(first.Hash, good); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	if err := journal.Check(journal.Hash{}, good); !errors.Is(err, journal.ErrBroken) {
		t.Errorf("after another record: got %v, want ErrBroken", err)
	}
}

func TestSealRefuses(t *testing.T) {
	for name, change := range map[string]func(*journal.Entry){
		"body that is no JSON": func(e *journal.Entry) { e.Body = math.NaN() },
		"body too large":       func(e *journal.Entry) { e.Body = strings.Repeat("x", journal.MaxBody-1) },
		"no kind":              func(e *journal.Entry) { e.Kind = "" },
		"long kind":            func(e *journal.Entry) { e.Kind = journal.Kind(strings.Repeat("x", 65)) },
		"long boot":            func(e *journal.Entry) { e.Stamp.Boot = strings.Repeat("x", 65) },
		"long trust":           func(e *journal.Entry) { e.Stamp.Trust = journal.TimeTrust(strings.Repeat("x", 65)) },
		"no time":              func(e *journal.Entry) { e.Stamp.Wall = time.Time{} },
		"time after 2262":      func(e *journal.Entry) { e.Stamp.Wall = time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		e := entry("x")
		change(&e)
		if _, err := journal.Seal(journal.Hash{}, 1, e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	e := entry("x")
	e.Body = strings.Repeat("x", journal.MaxBody-2)
	if _, err := journal.Seal(journal.Hash{}, 1, e); err != nil {
		t.Errorf("largest body: %v", err)
	}
	if _, err := journal.Seal(journal.Hash{}, 0, entry("x")); err == nil {
		t.Error("number 0: no error")
	}
}

func TestRecordSurvivesJSON(t *testing.T) {
	e := entry("<Tịnh Biên> & ភាសាខ្មែរ \u2028 \xff")
	e.Stamp.Wall = time.Now().In(time.FixedZone("ICT", 7*3600)) // with a monotonic reading and another zone
	r := seal(t, journal.Hash{}, 1, e)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var got journal.Record
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := journal.Check(journal.Hash{}, got); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	if !strings.Contains(string(text), `"hash":"`+r.Hash.String()+`"`) {
		t.Errorf("hash is not in hex: %s", text)
	}
}

func TestHashText(t *testing.T) {
	hash := seal(t, journal.Hash{}, 1, entry("x")).Hash
	if got, err := journal.ParseHash(hash.String()); err != nil || got != hash {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("x", 64)} {
		if _, err := journal.ParseHash(text); err == nil {
			t.Errorf("%q: no error", text)
		}
		kept := hash
		if err := kept.UnmarshalText([]byte(text)); err == nil || kept != hash {
			t.Errorf("%q: error %v, hash %s", text, err, kept)
		}
	}
}

func TestSignatures(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	other := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize))).Public().(ed25519.PublicKey)
	head := journal.Head{Seq: 7, Hash: journal.Hash{1}, At: 1798800000}.Sign(key)
	kept := head.Keep(key)
	checkpoint := journal.Checkpoint{Upto: 7, Hash: journal.Hash{1}, At: 1798800000, Reason: journal.PrunedAge}.Sign(key)
	if err := errors.Join(head.Check(public), kept.Check(public), checkpoint.Check(public)); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"head, other key":       head.Check(other),
		"head, no key":          head.Check(nil),
		"checkpoint, other key": checkpoint.Check(other),
		"head, seq":             changed(head, func(h *journal.SignedHead) { h.Seq++ }).Check(public),
		"head, hash":            changed(head, func(h *journal.SignedHead) { h.Hash[0]++ }).Check(public),
		"head, at":              changed(head, func(h *journal.SignedHead) { h.At++ }).Check(public),
		"head, no signature":    changed(head, func(h *journal.SignedHead) { h.Signature = nil }).Check(public),
		"checkpoint, upto":      changed(checkpoint, func(c *journal.Checkpoint) { c.Upto++ }).Check(public),
		"checkpoint, hash":      changed(checkpoint, func(c *journal.Checkpoint) { c.Hash[0]++ }).Check(public),
		"checkpoint, at":        changed(checkpoint, func(c *journal.Checkpoint) { c.At++ }).Check(public),
		"checkpoint, reason":    changed(checkpoint, func(c *journal.Checkpoint) { c.Reason = journal.PrunedSize }).Check(public),
		"checkpoint, unsent":    changed(checkpoint, func(c *journal.Checkpoint) { c.Unsent++ }).Check(public),
		"kept head, other key":  kept.Check(other),
		"kept head, at":         changed(kept, func(h *journal.KeptHead) { h.At++ }).Check(public),
		"kept head as the end": changed(head, func(h *journal.SignedHead) {
			h.Signature = kept.Signature
		}).Check(public),
		"end as a kept head": changed(kept, func(h *journal.KeptHead) { h.Signature = head.Signature }).Check(public),
		"checkpoint with the signature of a head": changed(checkpoint, func(c *journal.Checkpoint) {
			c.Signature = head.Signature
		}).Check(public),
	} {
		if !errors.Is(err, journal.ErrBroken) {
			t.Errorf("%s: got %v, want ErrBroken", name, err)
		}
	}
}

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

func TestTally(t *testing.T) {
	segments := []journal.Segment{
		{From: 100, To: 200, State: journal.OnAir},
		{From: 200, To: 230, State: journal.Lost, Cause: journal.CausePanelSilent},
		{From: 230, To: 240, State: journal.Lost, Cause: journal.CauseMainsLost},
		{From: 240, To: 300, State: journal.Unverified},
		{From: 300, To: 900, State: journal.Idle},
		{From: 900, To: 905, State: journal.Lost, Cause: journal.CausePanelSilent},
		{From: 950, To: 940, State: journal.OnAir}, // never ended: counts as nothing
	}
	type causes = map[journal.Cause]int64
	for _, tt := range []struct {
		from, to          int64
		onAir, unverified int64
		lost              causes
	}{
		{0, 1000, 100, 60, causes{journal.CausePanelSilent: 35, journal.CauseMainsLost: 10}},
		{150, 201, 50, 0, causes{journal.CausePanelSilent: 1}},
		{199, 200, 1, 0, causes{}},
		{200, 200, 0, 0, causes{}},
		{300, 900, 0, 0, causes{}},
		{239, 241, 0, 1, causes{journal.CauseMainsLost: 1}},
		{500, 400, 0, 0, causes{}},
	} {
		got := journal.Tally(segments, tt.from, tt.to)
		sum := tt.onAir + tt.unverified
		same := got.OnAir == tt.onAir && got.Unverified == tt.unverified && len(got.Lost) == len(tt.lost)
		for cause, seconds := range tt.lost {
			same = same && got.Lost[cause] == seconds
			sum += seconds
		}
		if !same || got.Owed() != sum {
			t.Errorf("[%d,%d): got %+v, owed %d, want %+v", tt.from, tt.to, got, got.Owed(), tt)
		}
	}
}

func TestCausesAreDistinct(t *testing.T) {
	seen := map[journal.Cause]bool{}
	for _, cause := range journal.Causes() {
		if cause == "" || seen[cause] {
			t.Errorf("cause %q is empty or there twice", cause)
		}
		seen[cause] = true
	}
}
