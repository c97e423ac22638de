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
	if out := d.must("trust sign @trust.json --key @r2.key"); !strings.Contains(out, "Signed by enough of the people it names itself") {
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

// Only the document in force can tell whether a new one may replace it.
func TestTrustShowAgainstThePreviousDocument(t *testing.T) {
	d := newDesk(t)
	for _, doc := range []struct{ file, version, one, two string }{
		{"old", "2", "r1", "r2"}, {"next", "3", "r1", "r2"}, {"same", "2", "r1", "r2"}, {"strangers", "3", "an", "binh"},
	} {
		line := "trust new --organisation Sở --version VERSION --grant power=@duc.pub --grant trust=@ONE.pub --grant trust=@TWO.pub " +
			"--sign @ONE.key --sign @TWO.key --out @FILE.json"
		d.must(strings.NewReplacer("FILE", doc.file, "VERSION", doc.version, "ONE", doc.one, "TWO", doc.two).Replace(line))
	}

	const itself = "Signed by enough of the people it names itself"
	for _, file := range []string{"next", "same", "strangers"} {
		if out := d.must("trust show @" + file + ".json"); !strings.Contains(out, itself) || !strings.Contains(out, "--previous") {
			t.Errorf("%s:\n%s", file, out)
		}
	}
	if out := d.must("trust show @next.json --previous @old.json"); !strings.Contains(out, "It may replace @old.json") {
		t.Errorf("the next one:\n%s", out)
	}
	for file, words := range map[string]string{"same": "not newer", "strangers": "unknown keys"} {
		for lang, words := range map[string]string{"en": words, "vi": "@" + file + ".json"} {
			d.lang = lang
			code, out, errs := d.run("trust show @" + file + ".json --previous @old.json")
			if code != exitFailed || !strings.Contains(errs, words) || strings.Contains(out, "may replace @old") {
				t.Errorf("%s: exit %d\n%s%s", file, code, out, errs)
			}
		}
	}
	d.lang = "en"
	d.refuses("trust show @next.json --previous @none", exitFailed, "@none")
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
