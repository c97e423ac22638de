package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"bangtin/internal/wire"
)

// Nobody got it: that is no success.
func TestSendToAFleetOfNobody(t *testing.T) {
	r := newRegion(t)
	out := r.expect(exitOpen, "send identify --fleet --key @duc.key", "given to nobody")
	r.expect(exitOpen, "send identify --fleet --key @duc.key --wait", "0 displays")
	if got := objects(t, r.expect(exitOpen, "send identify --fleet --key @duc.key --json")); len(got) != 1 || got[0]["command"] == "" {
		t.Errorf("%v\n%s", got, out)
	}
}

// A tired broker takes so many messages and no more.
type tired struct{ left int }

func (b *tired) Publish(context.Context, string, bool, []byte) error {
	if b.left--; b.left < 0 {
		return errors.New("no answer from the broker")
	}
	return nil
}

func TestSendTellsWhoHasIt(t *testing.T) {
	chase := &pursuit{command: &wire.Command{ID: "0123456789abcdef"}, follows: map[string]*follow{}}
	for _, d := range []string{"tinh-bien-01", "tinh-bien-02", "tinh-bien-03"} {
		chase.add(d)
	}
	for _, file := range []string{"", "lenh.json"} {
		var out bytes.Buffer
		p := &Program{Stdout: &out}
		if err := p.handOver(t.Context(), chase, &tired{left: 1}, file); err != exit(exitOpen) {
			t.Errorf("ends with %v", err)
		}
		for _, words := range []string{"1 of 3 displays", "given for: tinh-bien-01\n", "not known: tinh-bien-02 tinh-bien-03", "--command " + or(file, "FILE")} {
			if !strings.Contains(out.String(), words) {
				t.Errorf("does not say %q:\n%s", words, out.String())
			}
		}
		p.speakJSON()
		out.Reset()
		if err := p.handOver(t.Context(), chase, &tired{}, file); err != exit(exitOpen) {
			t.Errorf("ends with %v", err)
		}
		if got := objects(t, out.String()); len(got) != 1 || len(got[0]["displays"].([]any)) != 0 || len(got[0]["not_given"].([]any)) != 3 || got[0]["error"] == "" {
			t.Errorf("%v", got)
		}
	}
}

// Each step says what it is known from.
func TestStepsSayTheirSource(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	s.obey(obedient(s))
	got := objects(t, r.expect(exitOK, off+" --wait --json"))
	var by []string
	for _, o := range got[:len(got)-1] {
		by = append(by, o["step"].(string)+" by "+o["by"].(string))
	}
	if want := []string{"accepted by answer", "done by answer", "verified by state"}; !slices.Equal(by, want) {
		t.Errorf("%q, want %q", by, want)
	}
	if end := got[len(got)-1]["displays"].([]any)[0].(map[string]any); end["known"] != "verified" || end["by"] != "state" {
		t.Errorf("in the end %v", end)
	}
}
