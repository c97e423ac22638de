package main

import (
	"bytes"
	"strings"
	"testing"

	"bangtin/internal/trust"
)

const grants = "--grant playlist:editor=@an.pub --grant playlist:approver=@binh.pub --grant trust=@r1.pub --grant trust=@r2.pub "

func TestTrustDocumentIsSignedByOneAfterTheOther(t *testing.T) {
	d := newDesk(t)
	out := d.must("trust new --organisation Sở --version 3 " + grants + "--sign @r1.key --out @trust.json")
	if !strings.Contains(out, "too few signatures") {
		t.Errorf("does not say that a signature lacks:\n%s", out)
	}
	if _, err := trust.ParseDocument(d.read("trust.json")); err == nil {
		t.Fatal("one signature made a document")
	}
	d.refuses("playlist export @pl --out @out --trust @trust.json", exitFailed)
	before := d.read("trust.json")
	d.refuses("trust sign @trust.json --key @r1.key", exitFailed, "@r1.key", "signed already")
	if !bytes.Equal(before, d.read("trust.json")) {
		t.Error("a refused signature changed the file")
	}
	if out := d.must("trust sign @trust.json --key @r2.key"); !strings.Contains(out, "Signed by enough people.") {
		t.Errorf("does not say that it is complete:\n%s", out)
	}
	doc, err := trust.ParseDocument(d.read("trust.json"))
	d.check(err)
	if doc.Version != 3 || doc.Organisation != "Sở" || len(doc.Keys) != 4 || !doc.Created.Equal(morning) {
		t.Errorf("document %+v", doc)
	}
}

func TestTrustNewRefuses(t *testing.T) {
	d := newDesk(t)
	d.write("there.json", []byte("something"))
	rest := " --organisation Sở --sign @r1.key --out @new.json"
	tests := map[string]struct {
		line string
		code int
		word string
	}{
		"no grant":             {rest, exitUsage, "--grant"},
		"not a grant":          {"--grant playlist" + rest, exitUsage, "ROLE=FILE.pub"},
		"unknown role":         {"--grant king=@an.pub" + rest, exitUsage, "king"},
		"playlist, no duty":    {"--grant playlist=@an.pub" + rest, exitUsage, "playlist:editor"},
		"duty of another role": {"--grant power:editor=@an.pub" + rest, exitUsage, "power:editor"},
		"no such file":         {"--grant power=@none.pub" + rest, exitFailed, "@none.pub"},
		"private key granted":  {"--grant power=@an.key" + rest, exitFailed, "@an.key"},
		"one trust key":        {"--grant trust=@r1.pub" + rest, exitFailed, "role trust"},
		"editor approves":      {"--grant playlist:editor=@an.pub --grant playlist:approver=@an2.pub --grant trust=@r1.pub --grant trust=@r2.pub" + rest, exitFailed, "reached by 1 people"},
		"centre has power":     {grants + "--grant time=@centre.pub --grant power=@centre.pub" + rest, exitFailed, "centre"},
		"threshold lowered":    {grants + "--threshold playlist=1" + rest, exitFailed, "at least 2"},
		"threshold too high":   {grants + "--threshold trust=3" + rest, exitFailed, "cannot be reached"},
		"threshold of nothing": {grants + "--threshold power=1" + rest, exitUsage, "power=1"},
		"threshold no number":  {grants + "--threshold trust=two" + rest, exitUsage, "ROLE=N"},
		"signer without role":  {grants + " --organisation Sở --sign @an.key --out @new.json", exitFailed, "@an.key"},
		"same signer twice":    {grants + " --sign @r1.key" + rest, exitFailed, "signed already"},
		"file is there":        {grants + " --organisation Sở --sign @r1.key --out @there.json", exitFailed, "never overwritten"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses("trust new "+tt.line, tt.code, tt.word, "remedy")
			if there, err := exists(d.path("new.json")); there || err != nil {
				t.Errorf("a document was written (%v)", err)
			}
		})
	}
	if string(d.read("there.json")) != "something" {
		t.Error("a file was overwritten")
	}
}

func TestTrustShowRefusesWhatIsNone(t *testing.T) {
	d := newDesk(t)
	d.must("power --display tinh-bien-01 --state schedule --reason r --key @duc.key --out @order.json")
	d.refuses("trust show @order.json", exitFailed, "another purpose")
	d.refuses("trust show @an.pub", exitFailed, "not a signed file")
	d.refuses("trust show @none", exitFailed, "cannot be read")
	d.refuses("trust sign @order.json --key @r1.key", exitFailed, "another purpose")
	d.refuses("trust sign @order.json", exitUsage, "--key")
	d.write("huge", make([]byte, maxSmall+1))
	d.refuses("trust show @huge", exitFailed, "too large")
}

func TestEveryReasonHasItsOwnWords(t *testing.T) {
	said := map[string]trust.Reason{}
	for _, reason := range trust.Reasons() {
		what, _ := refusalWords(reason)
		if other, ok := said[what.english]; ok {
			t.Errorf("%s and %s are told in the same words", reason, other)
		}
		said[what.english] = reason
	}
}
