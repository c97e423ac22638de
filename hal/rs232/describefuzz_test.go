package rs232_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"bangtin/hal/rs232"
)

// FuzzDescribe has any bytes said: what is said is for terminals and logs, and what can be written again must be the
// same bytes.
func FuzzDescribe(f *testing.F) {
	seedVectors(f)
	kinds := []string{"set", "get", "ack", "nak", "nav", "busy", "report"}
	f.Fuzz(func(t *testing.T, which byte, frame []byte) {
		p := rs232.Protocols()[int(which)%len(rs232.Protocols())]
		fields, err := rs232.Describe(p, frame)
		if err != nil {
			return
		}
		if len(fields) < 2 || fields[0].Key != "kind" || !slices.Contains(kinds, fields[0].Value) {
			t.Fatalf("%s % X is said to be %v", p, frame, fields)
		}
		for _, field := range fields {
			if strings.ContainsFunc(field.Key+field.Value, func(r rune) bool { return r < ' ' || r > '~' }) || field.Key == "" {
				t.Fatalf("%s % X is said to be %q", p, frame, fields)
			}
		}
		plain := !slices.ContainsFunc(fields, func(f rs232.Field) bool { return f.Key == "group" })
		if p != rs232.ProtocolMDC && p != rs232.ProtocolSICP || !plain {
			return // the others have several ways to write the same
		}
		if words, id, ok := requestIn(p, fields); ok {
			if b, err := rs232.Compose(p, id, words); err == nil && !bytes.Equal(b, frame) {
				t.Fatalf("%s % X is said to be %v, which is written % X", p, frame, fields, b)
			}
		}
	})
}

// seedVectors gives a fuzz target every frame of the reference, with the number of its protocol.
func seedVectors(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(byte(0), unhex(f, v.Request))
		f.Add(byte(0), unhex(f, v.Response))
	}
	for i, file := range []string{"lg-frames.json", "nec-frames.json", "sicp-frames.json"} {
		for _, v := range vectorsOf(f, file) {
			f.Add(byte(i+1), unhex(f, v.Request))
			f.Add(byte(i+1), unhex(f, v.Response))
		}
	}
}

// FuzzCompose has any words written: what comes out must be a request that says the same command.
func FuzzCompose(f *testing.F) {
	for which := range byte(4) {
		for _, words := range []string{"power on", "power get", "input hdmi1", "volume 24", "hours get", "mute off", "backlight 50"} {
			f.Add(which, 1, words)
		}
	}
	f.Fuzz(func(t *testing.T, which byte, id int, text string) {
		p, words := rs232.Protocols()[int(which)%len(rs232.Protocols())], strings.Fields(text)
		b, err := rs232.Compose(p, id, words)
		if err != nil {
			return
		}
		said := inWords(t, p, b)
		if !strings.HasPrefix(said, "kind=get ") && !strings.HasPrefix(said, "kind=set ") {
			t.Fatalf("%s %d %q is written % X, which says %s", p, id, words, b, said)
		}
		if p == rs232.ProtocolMDC || p == rs232.ProtocolSICP { // of others several commands share a name
			if !strings.Contains(said, " command="+words[0]+" ") {
				t.Fatalf("%s %d %q is written % X, which says %s", p, id, words, b, said)
			}
		}
	})
}
