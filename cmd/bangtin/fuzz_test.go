package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"

	"bangtin/internal/fleet/department"
	"bangtin/internal/wire"
)

func FuzzAccess(f *testing.F) {
	f.Add([]byte(`{"broker":"tls://centre.example:8884","content":"https://centre.example:8443/content/"}`))
	f.Add([]byte(`{"broker":"tls://[2001:db8::1]:8884","content":"https://[2001:db8::1]:8443/content/"}`))
	f.Add([]byte(`{"broker":"tls://a:1/x","content":"https://u:p@a/content/?q#f"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseAccess(raw)
		if err != nil {
			return
		}
		if !strings.HasPrefix(c.Broker, "tls://") || strings.ContainsAny(c.Broker[6:], "/@?#") {
			t.Errorf("broker %q", c.Broker)
		}
		if !strings.HasPrefix(c.Content, "https://") || !strings.HasSuffix(c.Content, "/") || strings.ContainsAny(c.Content, "@?#") {
			t.Errorf("content %q", c.Content)
		}
	})
}

// Whatever a broker brings, on any topic: what is shown has no control characters, is bounded, and a command is never
// followed to where its display did not say so.
func FuzzHeard(f *testing.F) {
	digest := strings.Repeat("ab", 32)
	made := time.Date(2027, 1, 31, 1, 0, 0, 0, time.UTC)
	for _, m := range []struct{ what, payload string }{
		{"conn", `{"state":"online","session":"s","boot":"b","version":"v"}`},
		{"conn", `{"state":"lost","session":"s","boot":"b","version":"v"}`},
		{"state", `{"seq":1,"at":"2027-01-31T01:00:05Z","boot":"c","gate":"Tịnh Biên","want":{"panel":"off","rule":"department"},"panel":{"power":"off","verified_at":"2027-01-31T01:00:04Z"},"alarms":["door-open"]}`},
		{"cmd/ack", `{"id":"0123456789abcdef","digest":"` + digest + `","status":"RECEIVED","at":"2027-01-31T01:00:01Z"}`},
		{"cmd/ack", `{"id":"","digest":"` + digest + `","status":"DUPLICATE","first":"DONE","evidence":{"a":"\u001b"},"at":"2027-01-31T01:00:01Z"}`},
		{"cmd/ack", `{"id":"","digest":"` + digest + `","status":"REJECTED","reason":"bad-signature","at":"2027-01-31T01:00:01Z"}`},
		{"cmd/ack", `{"id":"0123456789abcdef","digest":"` + digest + `","status":"REJECTED","reason":"busy","at":"2027-01-31T01:00:01Z"}`},
		{"cmd/ack", `{"id":"0123456789abcdef","digest":"` + digest + `","status":"DONE","evidence":{"panel":"off","verified_at":"2027-01-31T01:00:04Z"},"at":"2027-01-31T01:00:05Z"}`},
		{"desired/playlist", `{"payloadType":"application/vnd.bangtin.playlist.v1+json","payload":"e30=","signatures":[]}`},
	} {
		f.Add(m.what, []byte(m.payload), true)
		f.Add(m.what, []byte(m.payload), false)
	}
	until := made.Add(time.Hour)
	args, err := wire.Encode(wire.PowerArgs{State: wire.WishOff, Until: &until, Reason: "r"})
	if err != nil {
		f.Fatal(err)
	}
	command := &wire.Command{
		ID: "0123456789abcdef", Counter: uint64(made.UnixMilli()), Audience: []string{"tinh-bien-01"}, Expires: until, Kind: wire.DoPower, Args: args,
	}
	accepted := []byte(`{"id":"0123456789abcdef","digest":"` + digest + `","status":"RECEIVED","at":"2027-01-31T01:00:01Z"}`)
	f.Fuzz(func(t *testing.T, what string, payload []byte, retained bool) {
		now := func() time.Time { return made.Add(10 * time.Second) }
		p, err := newPursuit(&outgoing{command: command, digest: digest}, now)
		if err != nil {
			t.Fatal(err)
		}
		w := newWall(now)
		for _, m := range []department.Message{
			{Topic: "bt/v1/d/tinh-bien-01/cmd/ack", Payload: accepted},
			{Topic: "bt/v1/d/tinh-bien-01/" + what, Payload: payload, Retained: retained},
			{Topic: what, Payload: payload, Retained: retained},
		} {
			p.hear(m)
			w.hear(m)
		}
		var out, errs bytes.Buffer
		program := &Program{Stdout: &out, Stderr: &errs, Now: now}
		for _, s := range p.news() {
			if s.Display != "tinh-bien-01" {
				t.Errorf("a step of %q", s.Display)
			}
			program.tellStep(s)
		}
		if err := program.tellEnds(p); err == nil && p.ends()[0].stage != stageVerified {
			t.Errorf("ends well at %s", p.ends()[0].stage)
		}
		v := &view{p: program, wall: w, all: true, local: now, last: map[string]string{}}
		out.WriteString(v.page(v.look()))
		if err := v.changes(v.look()); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 1<<20 {
			t.Errorf("%d bytes are shown", out.Len())
		}
		for _, r := range out.String() {
			if r != '\n' && !unicode.IsGraphic(r) && (r < '\u200b' || r > '\u200d') {
				t.Fatalf("%U is shown", r)
			}
		}
	})
}
