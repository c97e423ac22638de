package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"bangtin/internal/trust"
)

// FuzzSignShow shows drafts of any origin: nothing in one may steer the terminal of whoever is asked to sign it.
func FuzzSignShow(f *testing.F) {
	for i, payload := range []string{
		`{"device":"tinh-bien-01","version":1801357200000,"state":"off","until":"2027-01-31T03:00:00Z","reason":"bão"}`,
		`{"id":"3f1c0a52-9b7d","ctr":1801357200000,"audience":["*"],"expires":"2027-01-31T01:10:00Z","kind":"power","args":{"state":"off","until":null,"reason":"r"}}`,
		`{"id":"3f1c0a52-9b7d","ctr":1801357200000,"audience":["tinh-bien-01"],"expires":"2027-01-31T01:10:00Z","kind":"identify","args":{"seconds":9}}`,
		`{"id":"tet","version":1,"title":"Tết\u001b[2J","audience":["*"],"created":"2027-01-31T01:00:00Z","items":[{"id":"a","kind":"text","title":"t","text":{"heading":"\u0007","body":"b\nc"}}]}`,
		`{"version":1,"organisation":"Sở","created":"2027-01-31T01:00:00Z","keys":[],"roles":{}}`,
	} {
		f.Add(uint8(i), []byte(payload))
	}
	types := []trust.Type{trust.TypePower, trust.TypePower, trust.TypeTrust, trust.TypePlaylist, trust.TypeTrust}
	f.Fuzz(func(t *testing.T, typ uint8, payload []byte) {
		e := &trust.Envelope{
			Type: types[int(typ)%len(types)], Payload: payload,
			Signatures: []trust.Signature{{KeyID: "\x1b]0;title\a", Sig: make([]byte, 64)}},
		}
		content, err := openContent("draft", e)
		if err != nil {
			return
		}
		var out bytes.Buffer
		p := &Program{Stdout: &out, Stderr: &out, translation: vietnamese()}
		if err := p.showSigning(&signing{path: "draft", envelope: e, content: content}); err != nil {
			return // such as an envelope that is too long with its signatures
		}
		for _, r := range out.String() {
			if r != '\n' && r != ' ' && !unicode.IsGraphic(r) && !strings.ContainsRune("\u200b\u200c\u200d", r) {
				t.Fatalf("%U reaches the terminal:\n%q", r, out.String())
			}
		}
	})
}
