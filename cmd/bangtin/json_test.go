package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// objects reads what a program would read: one object on each line.
func objects(t *testing.T, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for l := range strings.Lines(out) {
		o := map[string]any{}
		if err := json.Unmarshal([]byte(l), &o); err != nil {
			t.Fatalf("not an object: %q", l)
		}
		all = append(all, o)
	}
	return all
}

// Every command that works on files writes exactly one object, with these fields; and each command is in help.
func TestEveryCommandWritesOneObject(t *testing.T) {
	d := newDesk(t)
	d.trust()
	d.picture("p.png")
	steps := []struct{ line, fields string }{
		{"keys new --person le.ca --name Ca --out @ca.key --no-passphrase", "key person name private public"},
		{"trust new --organisation Sở --grant power=@duc.pub --grant trust=@r1.pub --grant trust=@r2.pub --sign @r1.key --out @t.json", "file document valid lacking"},
		{"trust sign @t.json --key @r2.key", "file document valid"},
		{"trust show @t.json", "file document valid"},
		{"playlist new @pl --id tet-2027 --title Tết --audience *", "dir playlist version"},
		{"playlist add @pl --picture @p.png --title Ảnh" + provenance, "dir item number seconds"},
		{"playlist show @pl", "playlist keyids"},
		{"playlist approve @pl --key @an.key", "playlist version sha256 key signatures complete items seconds ends"},
		{"playlist approve @pl --key @binh.key", "playlist version sha256 key signatures complete items seconds ends"},
		{"playlist show @pl", "playlist sha256 keyids"},
		{"playlist export @pl --out @out --trust @trust.json", "out playlist version audience sha256 checked people"},
		{"playlist reopen @pl", "dir playlist version"},
		{"power --display tinh-bien-01 --state schedule --reason r --key @duc.key --out @o.json", "file topic order"},
		{"send reboot --display tinh-bien-01 --key @duc.key --out @c.json", "command file kind audience expires role signatures needed"},
		{"help", "commands"},
		{"help send", "command operand about options"},
	}
	for _, s := range steps {
		t.Run(s.line, func(t *testing.T) {
			d.t = t
			got := objects(t, d.must(s.line+" --json"))
			if len(got) != 1 {
				t.Fatalf("%d objects", len(got))
			}
			for _, f := range strings.Fields(s.fields) {
				if _, ok := got[0][f]; !ok {
					t.Errorf("no field %q in %v", f, got[0])
				}
			}
			if len(got[0]) != len(strings.Fields(s.fields)) {
				t.Errorf("other fields than %s: %v", s.fields, got[0])
			}
		})
	}
}

func TestErrorsAreObjectsToo(t *testing.T) {
	d := newDesk(t)
	tests := map[string]struct {
		line        string
		code, lines int
	}{
		"unknown command":       {"--json sing", exitUsage, 1},
		"unknown option":        {"power --colour red --json", exitUsage, 1},
		"missing option":        {"power --json", exitUsage, 1},
		"no such file":          {"trust show @none --json", exitFailed, 1},
		"several findings":      {"playlist new @x --id x --title y --audience * --json", exitFailed, 1},
		"refusal":               {"trust show @an.pub --json", exitFailed, 1},
		"no centre":             {"send reboot --display tinh-bien-01 --key @duc.key --json", exitUsage, 1},
		"in front of a command": {"--json power", exitUsage, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			for l := range strings.Lines(d.refuses(tt.line, tt.code)) {
				var e errorObject
				if err := json.Unmarshal([]byte(l), &e); err != nil || e.Error.What == "" || e.Error.Field == "" || e.Error.Remedy == "" {
					t.Errorf("%v: %s", err, l)
				}
				tt.lines--
			}
			if tt.lines != 0 {
				t.Errorf("%d errors too few", tt.lines)
			}
		})
	}
}
