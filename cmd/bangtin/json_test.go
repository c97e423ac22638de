package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"bangtin/internal/pki"
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

// Every command writes an object with these fields, and that alone. $CODE is the last code that was made, $PORT a
// serial line with a panel.
func everyCommand() []struct{ line, fields string } {
	const playlist, document = "dir playlist version", "file document valid"
	const approval = "playlist version sha256 key signatures complete items seconds ends"
	return []struct{ line, fields string }{
		{"help", "commands"},
		{"help send", "command operand about options"},
		{"watch --once" + allDay, "displays well wrong"},
		{"keys new --person le.ca --name Ca --out @ca.key --no-passphrase", "key person name private public"},
		{"trust new --organisation Sở --grant power=@duc.pub --grant trust=@r1.pub --grant trust=@r2.pub --sign @r1.key --out @t.json", document + " lacking"},
		{"trust sign @t.json --key @r2.key", document},
		{"trust show @t.json", document},
		{"playlist new @pl --id tet-2027 --title Tết --audience *", playlist},
		{"playlist add @pl --picture @p.png --title Ảnh" + provenance, "dir item number seconds"},
		{"playlist show @pl", "playlist keyids"},
		{"playlist approve @pl --key @an.key", approval},
		{"sign show @pl/playlist.json", "file type role digest content signers keyids valid"},
		{"sign show @pl/playlist.json --trust @trust.json", "file type role digest content signers keyids valid lacking"},
		{"sign draft @pl/playlist.json --trust @trust.json --key @binh.key --yes", "file type role digest content signers keyids valid"},
		{"playlist show @pl", "playlist sha256 keyids"},
		{"playlist export @pl --out @out --trust @trust.json", "out playlist version audience sha256 checked people"},
		{"playlist publish @out --trust @trust.json", "sha256 uploaded published"},
		{"playlist reopen @pl", playlist},
		{"trust publish @trust.json --first", "sha256 uploaded published"},
		{"power --display tinh-bien-01 --state schedule --reason r --key @duc.key --out @o.json", "file topic order"},
		{"power publish @o.json", "sha256 uploaded published"},
		{"send reboot --display tinh-bien-01 --key @duc.key --out @c.json", "command file kind audience expires role signatures needed"},
		{"send --command @c.json", "command displays"},
		{"center init --dir @c --host localhost", "dir hosts authority key public"},
		{"center operator --dir @c --name truc-ban", "operator folder"},
		{"center enrol --dir @c --device tinh-bien-01", "device code expires ready"},
		{"center sign --dir @c --csr @request.pem --code $CODE --out @answer.json", "file"},
		{"center revoke --dir @c --device tinh-bien-01", "name revoked"},
		{"center crl --dir @c", "file"},
		{"center renew --dir @c", "renewed"},
		{"site new @site.toml --gate Tịnh_Biên --id tinh-bien-01 --panel hdmi", "file site gate"},
		{"site check @site.toml", "file site gate"},
		{"site seal @site.toml --key @an.key", "file site sha256 issued"},
		{"site stick @stick --site @site.toml --trust @sites.json --code $CODE", "folder site files"},
		{"flash bangtin-9-amd64.img.zst", "disks"},
		{"panel encode --protocol mdc --id 1 power on", "protocol id words hex"},
		{"panel decode --protocol mdc AA FF 01 03 41 11 01 56", "kind command power id"},
		{"panel discover --port $PORT --ids 2 --protocol sicp", "port found"},
	}
}

func TestEveryCommandWritesOneObject(t *testing.T) {
	r := newRegion(t)
	r.store()
	r.await(r.display("tinh-bien-01"))
	r.picture("p.png")
	r.sites("an")
	r.check(os.Mkdir(r.path("stick"), 0o700))
	key, _, err := pki.NewKey()
	r.check(err)
	csr, err := pki.MakeRequest(key, "tinh-bien-01")
	r.check(err)
	r.write("request.pem", csr)
	code, port := "", newWire(t, philips()).path
	for _, s := range everyCommand() {
		got := objects(t, r.expect(exitOK, strings.NewReplacer("$CODE", code, "$PORT", port).Replace(s.line)+" --json"))
		if len(got) != 1 {
			t.Fatalf("%s: %d objects: %v", s.line, len(got), got)
		}
		fields := strings.Fields(s.fields)
		for _, f := range fields {
			if _, ok := got[0][f]; !ok {
				t.Errorf("%s: no field %q in %v", s.line, f, got[0])
			}
		}
		if len(got[0]) != len(fields) {
			t.Errorf("%s: other fields than %s: %v", s.line, s.fields, got[0])
		}
		if made, ok := got[0]["code"].(string); ok {
			code = made
		}
		if strings.HasPrefix(s.line, "center init") { // a display is enrolled with it
			r.write("c/trust.json", r.read("trust.json"))
		}
	}
	for _, c := range (&Program{}).commands() {
		if !slices.ContainsFunc(everyCommand(), func(s struct{ line, fields string }) bool { return strings.HasPrefix(s.line+" ", c.name+" ") }) {
			t.Errorf("nobody tries %s", c.name)
		}
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
