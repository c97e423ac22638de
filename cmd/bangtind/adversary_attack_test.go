package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// An attack is one message that must be refused. It is delivered twice, with QoS 0 and with QoS 1.
type attack struct {
	name   string
	topic  string // below the display's level
	raw    []byte
	reason string // on record; empty for what is known already, means nothing and is no refusal
	room   room
}

// A room is where a message is refused, which its source on record shows.
type room int

const (
	wireRoom    room = iota // internal/fleet: from the whole topic
	orderRoom               // what knows the order: from the topic's end
	libraryRoom             // the library, which gives refusals a record of their own
)

func (a attack) source() string {
	if a.room == wireRoom {
		return topic(a.topic)
	}
	return a.topic
}

const (
	power    = "desired/power"
	playlist = "desired/playlist"
	rights   = "desired/trust"
	request  = "cmd/req"
	receipt  = "evt/ack"
	clock    = "time/resp"
)

// seal signs anything as any type.
func seal(t testing.TB, as trust.Type, payload any, signers ...trust.Signer) []byte {
	t.Helper()
	raw, err := wire.Encode(payload)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := brokertest.Seal(as, raw, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

// A draft is an envelope taken apart, so that it can be put together wrongly.
type draft struct {
	PayloadType string `json:"payloadType"`
	Payload     []byte `json:"payload"`
	Signatures  []struct {
		KeyID string `json:"keyid"`
		Sig   []byte `json:"sig"`
	} `json:"signatures"`
}

// tampered changes a genuine envelope.
func tampered(t testing.TB, raw []byte, change func(*draft)) []byte {
	t.Helper()
	var d draft
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	change(&d)
	out, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// forgeries are what can be done to any signed message without a key of its role. stranger is the same content signed
// by a key that nobody knows, other an envelope of another role; hold is the id of a key that holds the role.
func (h *hostile) forgeries(name string, at room, genuine, stranger, other []byte, hold string) []attack {
	t := h.t
	flip := func(b []byte) { b[len(b)/2] ^= 1 }
	var all []attack
	add := func(what string, reason trust.Reason, raw []byte) {
		all = append(all, attack{name + ": " + what, name, raw, string(reason), at})
	}
	add("signed by a stranger", trust.UnknownKey, stranger)
	add("a stranger under a known key's id", trust.BadSignature, tampered(t, stranger, func(d *draft) { d.Signatures[0].KeyID = hold }))
	add("one bit of the payload altered", trust.BadSignature, tampered(t, genuine, func(d *draft) { flip(d.Payload) }))
	add("one bit of each signature altered", trust.BadSignature, tampered(t, genuine, func(d *draft) {
		for _, s := range d.Signatures {
			flip(s.Sig)
		}
	}))
	add("the signature of another message", trust.BadSignature, tampered(t, genuine, func(d *draft) { d.Payload = append(d.Payload, ' ') }))
	add("the type of another role", trust.WrongType, tampered(t, genuine, func(d *draft) { d.PayloadType = string(trust.TypeUrgent) }))
	add("a type that is none", trust.WrongType, tampered(t, genuine, func(d *draft) { d.PayloadType = "text/plain" }))
	add("a genuine message of another role", trust.WrongType, other)
	add("no signature", trust.Malformed, tampered(t, genuine, func(d *draft) { d.Signatures = nil }))
	add("17 signatures", trust.Oversized, tampered(t, genuine, func(d *draft) {
		for len(d.Signatures) < 17 {
			d.Signatures = append(d.Signatures, d.Signatures[0])
		}
	}))
	add("cut short", trust.Malformed, genuine[:len(genuine)-2])
	add("something behind it", trust.Malformed, append(bytes.Clone(genuine), "{}"...))
	add("a field that nobody knows", trust.Malformed, bytes.Replace(genuine, []byte(`{"payloadType"`), []byte(`{"admin":true,"payloadType"`), 1))
	add("the payload twice", trust.Malformed, bytes.Replace(genuine, []byte(`{"payloadType"`), []byte(`{"payload":"e30=","payloadType"`), 1))
	add("no UTF-8", trust.Malformed, append([]byte{0xff, 0xfe}, genuine...))
	return all
}

func hold(s trust.Signer) string { return trust.KeyID(s.Public()) }

// powerAttacks want the panel dark.
func (h *hostile) powerAttacks() []attack {
	d := h.department
	all := h.forgeries(power, wireRoom, h.kept["power off"], h.wish(wire.WishBlackout, nil, d.Stranger), h.kept["playlist"], hold(d.Power))
	add := func(at room, what, reason string, raw []byte) {
		all = append(all, attack{power + ": " + what, power, raw, reason, at})
	}
	add(wireRoom, "signed by an editor", "wrong-role", h.wish(wire.WishBlackout, nil, d.Editor))
	add(wireRoom, "signed by the centre's key", "wrong-role", h.wish(wire.WishBlackout, nil, d.Collect))
	add(wireRoom, "for another display", "wrong-device", h.wish(wire.WishBlackout, func(o *wire.PowerOrder) { o.Device = "tinh-bien-02" }))
	add(wireRoom, "a command where an order belongs", "bad-order", h.kept["command off"])
	add(wireRoom, "longer than 31 days", "bad-order", h.wish(wire.WishBlackout, func(o *wire.PowerOrder) { far := o.Until.AddDate(0, 2, 0); o.Until = &far }))
	add(wireRoom, "without an end", "bad-order", h.wish(wire.WishBlackout, func(o *wire.PowerOrder) { o.Until = nil }))
	add(wireRoom, "longer than an order can be", "oversized", padded(h.kept["power off"], 17<<10))
	add(orderRoom, "replayed", "stale", h.kept["power off"])
	add(orderRoom, "of next week", "too-far", h.wish(wire.WishBlackout, func(o *wire.PowerOrder) {
		o.Version += 7 * 24 * 3600 * 1000
	}))
	return all
}

// padded is an envelope made longer by spaces, which JSON allows.
func padded(raw []byte, size int) []byte {
	return append(bytes.Clone(raw), bytes.Repeat([]byte(" "), size-len(raw))...)
}

// playlistAttacks want something else on the screen.
func (h *hostile) playlistAttacks() []attack {
	d := h.department
	all := h.forgeries(playlist, wireRoom, h.kept["playlist"], h.world.playlist(90, d.Stranger), h.kept["power off"], hold(d.Editor))
	add := func(at room, what, reason string, raw []byte) {
		all = append(all, attack{playlist + ": " + what, playlist, raw, reason, at})
	}
	add(wireRoom, "signed by the editor alone", "threshold", h.world.playlist(91, d.Editor))
	add(wireRoom, "one person with two keys", "same-person", h.world.playlist(92, d.Editor, h.twin))
	add(wireRoom, "two editors and no approver", "duty-missing", h.world.playlist(93, d.Editor, h.second))
	add(wireRoom, "the editor and a stranger", "threshold", h.world.playlist(94, d.Editor, d.Stranger))
	add(wireRoom, "the editor twice", "threshold", tampered(h.t, h.world.playlist(95, d.Editor), func(e *draft) { e.Signatures = append(e.Signatures, e.Signatures[0]) }))
	add(wireRoom, "longer than any message", "oversized", padded(h.kept["playlist"], wire.MaxOrder+1))
	add(wireRoom, "2 MiB", "oversized", padded(h.kept["playlist"], 2<<20))
	add(libraryRoom, "replayed", "older", h.kept["playlist"])
	add(libraryRoom, "for another display", "other-display", h.readdressed(96))
	return all
}

// readdressed is an approved playlist for another display.
func (h *hostile) readdressed(version uint64) []byte {
	h.t.Helper()
	e, err := trust.ParseEnvelope(h.approved(version))
	if err != nil {
		h.t.Fatal(err)
	}
	other := bytes.ReplaceAll(e.Payload, []byte(device), []byte("tinh-bien-02"))
	raw, err := brokertest.Seal(trust.TypePlaylist, other, h.department.Editor, h.department.Approver)
	if err != nil {
		h.t.Fatal(err)
	}
	return raw
}

// commandAttacks want the display dark by a command. Those that the power key has signed are a person's mistakes, or meant
// for others.
func (h *hostile) commandAttacks() []attack {
	d := h.department
	all := h.forgeries(request, wireRoom, h.kept["command off"], h.dark(nil, d.Stranger), h.kept["playlist"], hold(d.Power))
	add := func(at room, what, reason string, raw []byte) {
		all = append(all, attack{request + ": " + what, request, raw, reason, at})
	}
	audience := func(ids ...string) func(*wire.Command) { return func(c *wire.Command) { c.Audience = ids } }
	endless := func(c *wire.Command) { c.Args = json.RawMessage(`{"state":"blackout","until":null,"reason":"tắt"}`) }
	add(wireRoom, "signed by an editor", "wrong-role", h.dark(nil, d.Editor))
	add(wireRoom, "signed by the clock's key", "wrong-role", h.dark(nil, d.Time))
	add(wireRoom, "a genuine acknowledgement of records", "wrong-type", h.kept["receipt"])
	add(wireRoom, "for another display", "wrong-device", h.dark(audience("tinh-bien-02")))
	add(wireRoom, "for two others", "wrong-device", h.dark(audience("tinh-bien-02", "tinh-bien-03")))
	for _, id := range []string{"+", "#", "tinh-bien-01/evt", "$SYS", "tinh-bien-0?", "TINH-BIEN-01", ""} {
		add(wireRoom, fmt.Sprintf("for the display %q", id), "bad-order", h.dark(audience(id)))
	}
	add(wireRoom, "for everyone and one more", "bad-order", h.dark(audience("*", device)))
	add(wireRoom, "dark for the whole fleet by the power role", "lacking-role", h.dark(audience(wire.Everyone)))
	add(wireRoom, "dark without an end by the power role", "lacking-role", h.dark(endless))
	add(wireRoom, "dark for the whole fleet by one keeper", "threshold", h.command(trust.TypeTrust, audience(wire.Everyone), d.Keepers[0]))
	add(wireRoom, "dark for the whole fleet by one keeper with two keys", "same-person", h.command(trust.TypeTrust, audience(wire.Everyone), d.Keepers[0], h.keeper))
	add(wireRoom, "an order where a command belongs", "bad-order", h.kept["power off"])
	add(wireRoom, "an end in two days", "bad-order", h.dark(func(c *wire.Command) { c.Expires = c.Expires.AddDate(0, 0, 2) }))
	add(wireRoom, "an end before its making", "bad-order", h.dark(func(c *wire.Command) { c.Expires = c.Expires.AddDate(0, 0, -2) }))
	add(wireRoom, "a kind that is none", "bad-order", h.dark(func(c *wire.Command) { c.Kind = "shell" }))
	add(wireRoom, "longer than a command can be", "oversized", padded(h.kept["command off"], 48<<10))
	add(orderRoom, "replayed", "", h.kept["command off"])
	add(orderRoom, "the id of another command", "id-reused", h.dark(func(c *wire.Command) { c.ID = h.lastID() }))
	add(orderRoom, "overtaken by a later command of the same key", "replayed", h.kept["overtaken"])
	add(orderRoom, "overtaken by a later order of another key", "stale", h.kept["overtaken by another"])
	add(orderRoom, "of next week", "too-far", h.dark(func(c *wire.Command) {
		c.Counter += 7 * 24 * 3600 * 1000
		c.Expires, c.Kind, c.Args = time.UnixMilli(int64(c.Counter)).Add(time.Hour).UTC(), wire.DoRestartPlayer, nil
	}))
	add(orderRoom, "delayed past its end", "expired", h.kept["delayed"])
	add(orderRoom, "reboot while on air", "on-air", h.dark(func(c *wire.Command) { c.Kind, c.Args = wire.DoReboot, json.RawMessage(`{"force":false}`) }))
	return all
}

// lastID is the id of the command off, which was obeyed.
func (h *hostile) lastID() string {
	h.t.Helper()
	e, err := trust.ParseEnvelope(h.kept["command off"])
	if err != nil {
		h.t.Fatal(err)
	}
	var c wire.Command
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		h.t.Fatal(err)
	}
	return c.ID
}

// trustAttacks want to be trusted, or what was trusted once.
func (h *hostile) trustAttacks() []attack {
	d, t := h.department, h.t
	stranger, err := brokertest.NewDepartment()
	if err != nil {
		t.Fatal(err)
	}
	version := h.version + 1
	takeover := h.revised(version, func(doc *trust.Document) {
		g := doc.Roles[trust.RoleTrust]
		g.Members = nil
		for i, k := range stranger.Keepers {
			key := trust.NewKey(k.Public(), fmt.Sprintf("stranger-%d", i), "x")
			doc.Keys = append(doc.Keys, key)
			g.Members = append(g.Members, trust.Member{Key: key.ID})
		}
		doc.Roles[trust.RoleTrust] = g
	})
	lone := h.revised(version, func(doc *trust.Document) {
		g := doc.Roles[trust.RolePlaylist]
		g.Threshold, g.Duties = 1, nil
		for i := range g.Members {
			g.Members[i].Duty = ""
		}
		doc.Roles[trust.RolePlaylist] = g
	})
	foreign := *stranger.Document
	foreign.Version = version
	all := []attack{}
	add := func(what string, reason trust.Reason, raw []byte) {
		all = append(all, attack{rights + ": " + what, rights, raw, string(reason), orderRoom})
	}
	next := h.sealed(h.revised(version, nil))
	for _, a := range h.forgeries(rights, orderRoom, next, seal(t, trust.TypeTrust, h.revised(version, nil), d.Stranger), h.kept["playlist"], hold(d.Keepers[0])) {
		switch { // one altered bit of a document is found where it is read, before its signatures
		case strings.HasSuffix(a.name, "of the payload altered"), strings.HasSuffix(a.name, "17 signatures"):
		default:
			all = append(all, a)
		}
	}
	add("another department's", trust.UnknownKey, h.self(&foreign, stranger.Keepers...))
	add("other keepers, signed by them", trust.UnknownKey, h.self(takeover, stranger.Keepers...))
	add("other keepers, signed by them and one of ours", trust.Threshold, h.self(takeover, stranger.Keepers[0], stranger.Keepers[1], d.Keepers[0]))
	add("signed by one keeper", trust.Threshold, h.self(h.revised(version, nil), d.Keepers[0]))
	add("signed by one keeper with two keys", trust.SamePerson, h.self(h.revised(version, nil), d.Keepers[0], h.keeper))
	add("signed by the power key", trust.WrongRole, h.self(h.revised(version, nil), d.Power, h.duc))
	add("nobody approves playlists any more", trust.BadDocument, seal(t, trust.TypeTrust, lone, d.Keepers...))
	add("forked", "forked", h.sealed(h.revised(h.version, func(doc *trust.Document) { doc.Organisation = "Sở khác" })))
	for i, older := range h.older {
		add(fmt.Sprintf("downgraded to document %d", i+1), trust.Stale, older)
	}
	add("17 signatures", trust.Oversized, tampered(t, next, func(d *draft) {
		for len(d.Signatures) < 17 {
			d.Signatures = append(d.Signatures, d.Signatures[0])
		}
	}))
	return all
}

// self seals a document with whatever keys, as it could not be sealed by the department's tool.
func (h *hostile) self(d *trust.Document, signers ...trust.Signer) []byte {
	h.t.Helper()
	return seal(h.t, trust.TypeTrust, d, signers...)
}

// receiptAttacks want records forgotten that the centre does not have. A batch is on its way and nobody answers it.
func (h *hostile) receiptAttacks() []attack {
	d := h.department
	for end := time.Now().Add(60 * time.Second); len(h.tap.all("evt")) == h.heard; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatal("no batch is on its way")
		}
	}
	var batch wire.Batch
	if err := json.Unmarshal(unpacked(h.t, h.tap.last("evt")), &batch); err != nil {
		h.t.Fatal(err)
	}
	var first struct{ Hash string }
	if err := json.Unmarshal(batch.Records[0], &first); err != nil {
		h.t.Fatal(err)
	}
	ack := func(device string, upto uint64, head string) wire.RecordsAck {
		return wire.RecordsAck{Device: device, UptoSeq: upto, Head: head}
	}
	good := ack(device, batch.SeqFrom, first.Hash)
	sign := func(a wire.RecordsAck, s trust.Signer) []byte { return seal(h.t, trust.TypeCollect, a, s) }
	all := h.forgeries(receipt, wireRoom, sign(good, d.Collect), sign(good, d.Stranger), h.kept["power off"], hold(d.Collect))
	add := func(what, reason string, raw []byte) {
		all = append(all, attack{receipt + ": " + what, receipt, raw, reason, wireRoom})
	}
	add("signed by the clock's key", "wrong-role", sign(good, d.Time))
	add("for another display", "wrong-device", sign(ack("tinh-bien-02", good.UptoSeq, good.Head), d.Collect))
	add("of records that were never sent", "beyond-sent", sign(ack(device, good.UptoSeq+5000, good.Head), d.Collect))
	add("of another chain", "wrong-head", sign(ack(device, good.UptoSeq, strings.Repeat("ab", 32)), d.Collect))
	add("not an acknowledgement", "bad-order", seal(h.t, trust.TypeCollect, map[string]any{"device": device}, d.Collect))
	add("longer than it can be", "oversized", padded(h.kept["receipt"], 17<<10))
	return all
}

// clockAttacks want another time believed. No question is open.
func (h *hostile) clockAttacks() []attack {
	d := h.department
	reply := wire.TimeReply{Device: device, Nonce: strings.Repeat("0f", 16), Time: time.Now().UTC().AddDate(1, 0, 0)}
	all := h.forgeries(clock, wireRoom, h.kept["time"], seal(h.t, trust.TypeTime, reply, d.Stranger), h.kept["power off"], hold(d.Time))
	add := func(what, reason string, raw []byte) {
		all = append(all, attack{clock + ": " + what, clock, raw, reason, wireRoom})
	}
	other := reply
	other.Device = "tinh-bien-02"
	add("replayed", "stale-nonce", h.kept["time"])
	add("unasked", "stale-nonce", seal(h.t, trust.TypeTime, reply, d.Time))
	add("signed by the collecting key", "wrong-role", seal(h.t, trust.TypeTime, reply, d.Collect))
	add("for another display", "wrong-device", seal(h.t, trust.TypeTime, other, d.Time))
	add("longer than it can be", "oversized", padded(h.kept["time"], 17<<10))
	return all
}
