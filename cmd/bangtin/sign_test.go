package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"

	"github.com/creack/pty"
)

// sealed writes a draft as another tool would have: any payload, signed with keys of the desk.
func (d *desk) sealed(file string, t trust.Type, payload any, keys ...string) {
	d.t.Helper()
	raw, err := wire.Encode(payload)
	d.check(err)
	e := &trust.Envelope{Type: t, Payload: raw}
	for _, key := range keys {
		s, err := (&Program{}).readKey(d.path(key+".key"), "")
		d.check(err)
		d.check(e.Sign(s))
	}
	out, err := e.Marshal()
	d.check(err)
	d.write(file, out)
}

// twoForPower is a trust document that wants two people for a power order.
func (d *desk) twoForPower() {
	d.t.Helper()
	d.must("trust new --organisation Sở_KHCN --grant playlist:editor=@an.pub --grant playlist:approver=@binh.pub " +
		"--grant power=@duc.pub --grant power=@an.pub --threshold power=2 --grant trust=@r1.pub --grant trust=@r2.pub " +
		"--sign @r1.key --sign @r2.key --out @trust.json")
}

func (d *desk) command(kind wire.CommandKind, args any, audience ...string) *wire.Command {
	d.t.Helper()
	c := &wire.Command{
		ID: "3f1c0a52-9b7d", Counter: uint64(morning.UnixMilli()), Audience: audience,
		Expires: morning.Add(10 * time.Minute), Kind: kind,
	}
	if args != nil {
		raw, err := json.Marshal(args)
		d.check(err)
		c.Args = raw
	}
	return c
}

func end(after time.Duration) *time.Time {
	t := morning.Add(after)
	return &t
}

// fingerprint is the id of a key of the desk.
func (d *desk) fingerprint(key string) string {
	k, err := readPublic(d.path(key + ".pub"))
	d.check(err)
	return k.ID
}

// verified fails unless displays with the desk's trust document would take the file.
func (d *desk) verified(file string, t trust.Type, people ...string) {
	d.t.Helper()
	doc, err := trust.ParseDocument(d.read("trust.json"))
	d.check(err)
	v, err := doc.Verify(d.read(file), t)
	d.check(err)
	if strings.Join(v.People, " ") != strings.Join(people, " ") {
		d.t.Errorf("signed by %v, want %v", v.People, people)
	}
}

// TestDraftsTravel shows each kind of draft in both languages before and after the second signature.
func TestDraftsTravel(t *testing.T) {
	tests := []struct {
		name   string
		typ    trust.Type
		key    string
		people []string
		make   func(d *desk)
	}{
		{"sign-power", trust.TypePower, "an", []string{"pham.duc", "nguyen.van.an"}, func(d *desk) {
			d.sealed("draft", trust.TypePower, wire.PowerOrder{
				Device: "tinh-bien-01", Version: uint64(morning.UnixMilli()), State: wire.WishBlackout, Until: end(2 * time.Hour), Reason: "bão số 3",
			}, "duc")
		}},
		{"sign-command", trust.TypeTrust, "r2", []string{"goc.1", "goc.2"}, func(d *desk) {
			d.sealed("draft", trust.TypeTrust, d.command(wire.DoPower, wire.PowerArgs{State: wire.WishOff, Reason: "quốc tang"}, wire.Everyone), "r1")
		}},
		{"sign-playlist", trust.TypePlaylist, "binh", []string{"nguyen.van.an", "tran.binh"}, func(d *desk) {
			d.must("playlist new @pl --id tet-2027 --title Tết_2027 --audience tinh-bien-01")
			d.must("playlist add @pl --text --heading Xin_chào --body Chào_mừng --title Chữ" + provenance)
			d.must("playlist approve @pl --key @an.key")
			d.write("draft", d.read("pl/playlist.json"))
		}},
		{"sign-trust", trust.TypeTrust, "r2", []string{"goc.1", "goc.2"}, func(d *desk) {
			d.must("trust new --organisation Sở_KHCN --version 2 --grant playlist:editor=@an2.pub --grant playlist:approver=@binh.pub " +
				"--grant power=@duc.pub --grant power=@binh.pub --threshold power=2 --grant trust=@r1.pub --grant trust=@r2.pub --sign @r1.key --out @draft")
		}},
	}
	for _, tt := range tests {
		for _, lang := range []string{"vi", "en"} {
			t.Run(tt.name+" "+lang, func(t *testing.T) {
				d := newDesk(t)
				d.twoForPower()
				tt.make(d)
				d.lang = lang
				said := d.must("sign show @draft")
				said += "---\n" + d.must("sign show @draft --trust @trust.json")
				before := d.read("draft")
				said += "---\n" + d.must("sign draft @draft --trust @trust.json --yes --key @"+tt.key+".key")
				d.golden(tt.name, said)
				d.verified("draft", tt.typ, tt.people...)
				if bytes.Equal(before, d.read("draft")) {
					t.Error("the file did not change")
				}
				leftovers(d, ".")
			})
		}
	}
}

func TestSignDraftRefuses(t *testing.T) {
	d := newDesk(t)
	d.twoForPower()
	d.makeKey("stranger", "ai.do", "Ai Đó")
	order := wire.PowerOrder{Device: "tinh-bien-01", Version: uint64(morning.UnixMilli()), State: wire.WishOff, Until: end(time.Hour), Reason: "r"}
	d.sealed("good", trust.TypePower, order, "duc")
	d.sealed("whole", trust.TypePower, order, "duc", "an")
	order.Until = end(-time.Hour)
	d.sealed("past", trust.TypePower, order, "duc")
	late := d.command(wire.DoRestartPlayer, nil, "tinh-bien-01")
	late.Counter -= 3600_000
	late.Expires = morning
	d.sealed("late", trust.TypePower, late, "duc")
	d.sealed("weak", trust.TypePower, d.command(wire.DoPower, wire.PowerArgs{State: wire.WishOff, Reason: "r"}, wire.Everyone), "duc")
	d.sealed("collect", trust.TypeCollect, wire.RecordsAck{Device: "tinh-bien-01"}, "centre")
	d.sealed("blind", trust.TypeUpdate, map[string]string{"a": "b"}, "an")
	d.sealed("torn", trust.TypePower, map[string]string{"device": "x"}, "duc")
	d.write("nothing", []byte("{}"))
	d.must("playlist new @pl --id tet-2027 --title Tết --audience tinh-bien-01")
	d.picture("p.png")
	d.must("playlist add @pl --picture @p.png --title Ảnh" + provenance)
	d.must("playlist approve @pl --key @an.key")
	d.check(os.RemoveAll(d.path("pl/content")))
	d.check(os.MkdirAll(d.path("pl/content"), 0o755))
	tests := map[string]struct {
		line string
		code int
		word string
	}{
		"no key":            {"@good --yes", exitUsage, "--key"},
		"signed already":    {"@good --yes --key @duc.key --trust @trust.json", exitFailed, "signed already"},
		"without the role":  {"@good --yes --key @binh.key --trust @trust.json", exitFailed, "does not hold role power"},
		"stranger":          {"@good --yes --key @stranger.key --trust @trust.json", exitFailed, "does not hold role power"},
		"no terminal":       {"@good --key @an.key", exitUsage, "--yes"},
		"past":              {"@past --yes --key @an.key", exitFailed, "is past"},
		"command past":      {"@late --yes --key @an.key", exitFailed, "is past"},
		"too weak a role":   {"@weak --yes --key @an.key", exitFailed, "would refuse"},
		"for the centre":    {"@collect --yes --key @an.key", exitFailed, "people do not sign"},
		"cannot be shown":   {"@blind --yes --key @an.key", exitFailed, "people do not sign"},
		"not what it says":  {"@torn --yes --key @an.key", exitFailed, "would refuse"},
		"no envelope":       {"@nothing --yes --key @an.key", exitFailed, "not a signed file"},
		"no such file":      {"@none --yes --key @an.key", exitFailed, "cannot be read"},
		"files are missing": {"@pl/playlist.json --yes --key @binh.key", exitFailed, "content"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			operand := strings.ReplaceAll(strings.Fields(tt.line)[0], "@", "")
			before, _ := os.ReadFile(d.path(operand)) // "none" is not there
			code, _, errs := d.run("sign draft " + tt.line)
			if code != tt.code || !strings.Contains(errs, tt.word) || !strings.Contains(errs, "remedy") {
				t.Errorf("exit %d, want %d and %q:\n%s", code, tt.code, tt.word, errs)
			}
			if after, _ := os.ReadFile(d.path(operand)); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

// TestSignDraftAsks on a terminal: y signs, anything else does not, and a file that changed meanwhile is left.
func TestSignDraftAsks(t *testing.T) {
	order := wire.PowerOrder{Device: "tinh-bien-01", Version: uint64(morning.UnixMilli()), State: wire.WishOff, Until: end(time.Hour), Reason: "r"}
	other := order
	other.State = wire.WishBlackout
	tests := map[string]struct {
		typed   string
		changed bool
		code    int
		said    string
	}{
		"yes":     {"y\n", false, exitOK, "Enough people have signed"},
		"no":      {"n\n", false, exitFailed, "was not signed"},
		"nothing": {"\n", false, exitFailed, "was not signed"},
		"changed": {"y\n", true, exitFailed, "was changed while you looked at it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.twoForPower()
			d.sealed("draft", trust.TypePower, order, "duc")
			master, tty, err := pty.Open()
			d.check(err)
			t.Cleanup(func() {
				master.Close()
				tty.Close()
			})
			before := d.read("draft")
			said := &answering{question: "y and Enter", answer: func() {
				if tt.changed {
					d.sealed("draft", trust.TypePower, other, "duc")
					before = d.read("draft")
				}
				_, err := master.WriteString(tt.typed)
				d.check(err)
			}}
			p := &Program{
				Args:  []string{"--lang", "en", "sign", "draft", d.path("draft"), "--key", d.path("an.key"), "--trust", d.path("trust.json")},
				Stdin: tty, Stdout: said, Stderr: said, Getenv: d.getenv, Now: func() time.Time { return morning },
			}
			if code := p.Run(t.Context()); code != tt.code || !strings.Contains(said.String(), tt.said) {
				t.Fatalf("exit %d, want %d\n%s", code, tt.code, said.String())
			}
			if !strings.Contains(said.String(), "tinh-bien-01") || !strings.Contains(said.String(), "nguyen.van.an (Nguyễn Văn An)") {
				t.Errorf("asks without saying what and as whom:\n%s", said.String())
			}
			if signed := !bytes.Equal(before, d.read("draft")); signed != (tt.code == exitOK) {
				t.Errorf("signed: %v", signed)
			}
		})
	}
}

// answering answers a question as soon as it is asked.
type answering struct {
	bytes.Buffer
	question string
	answer   func()
}

func (a *answering) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(a.question)) {
		a.answer()
	}
	return a.Buffer.Write(p)
}

// TestStruckKeysAreWarnedOf: a document that leaves no key of a role is told from one that leaves some.
func TestStruckKeysAreWarnedOf(t *testing.T) {
	d := newDesk(t)
	d.trust()
	const some = " --grant power=@duc.pub --grant collect=@centre.pub --grant time=@centre.pub --grant trust=@r1.pub --grant trust=@r2.pub --organisation Sở --version 2 --sign @r1.key --sign @r2.key "
	tests := map[string]struct {
		grants string
		words  []string
		not    string
	}{
		"all stay":          {"--grant playlist:editor=@an.pub --grant playlist:approver=@binh.pub --grant playlist:approver=@an2.pub", nil, "Attention"},
		"one struck":        {"--grant playlist:editor=@an.pub --grant playlist:approver=@binh.pub", []string{d.fingerprint("an2"), "loses role playlist", "Before this document"}, "slate"},
		"the editor is new": {"--grant playlist:editor=@an2.pub --grant playlist:approver=@binh.pub", []string{d.fingerprint("an"), "slate", "sign draft"}, "Before this document"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			file := strings.ReplaceAll(name, " ", "-")
			made := d.must("trust new " + tt.grants + some + "--previous @trust.json --out @" + file)
			shown := d.must("trust show @" + file + " --previous @trust.json")
			drafted := d.must("sign show @" + file + " --trust @trust.json")
			for _, out := range []string{made, shown, drafted} {
				for _, w := range tt.words {
					if !strings.Contains(out, w) {
						t.Errorf("does not say %q:\n%s", w, out)
					}
				}
				if strings.Contains(out, tt.not) {
					t.Errorf("says %q:\n%s", tt.not, out)
				}
			}
		})
	}
	d.refuses("trust new --organisation Sở --grant power=@duc.pub --sign @r1.key --out @x --previous @none", exitFailed, "@none")
}
