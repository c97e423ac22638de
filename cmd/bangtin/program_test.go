package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// morning is when all tests happen: 08:00 in Vietnam.
var morning = time.Date(2027, 1, 31, 1, 0, 0, 0, time.UTC)

// A desk is a folder with keys, a trust document and a language, at which a test works.
type desk struct {
	t     *testing.T
	dir   string
	lang  string
	now   time.Time
	fonts string
	agent string // socket of the ssh-agent; empty for none
	wait  time.Duration
	probe func(context.Context, string) (time.Duration, error)
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning, fonts: debianFonts, probe: func(context.Context, string) (time.Duration, error) {
		return 12300 * time.Millisecond, nil
	}}
	for _, k := range []struct{ key, person, name string }{
		{"an", "nguyen.van.an", "Nguyễn Văn An"}, {"an2", "nguyen.van.an", "Nguyễn Văn An"}, {"binh", "tran.binh", "Trần Bình"},
		{"duc", "pham.duc", "Phạm Đức"}, {"centre", "centre", "Máy chủ"}, {"r1", "goc.1", "Gốc Một"}, {"r2", "goc.2", "Gốc Hai"},
	} {
		d.makeKey(k.key, k.person, k.name)
	}
	return d
}

// makeKey writes the same key for the same name in every run, as golden files want it.
func (d *desk) makeKey(key, person, name string) {
	seed := sha256.Sum256([]byte(key))
	private := ed25519.NewKeyFromSeed(seed[:])
	raw, err := encodeKey(private, person, nil)
	d.check(err)
	line, err := encodePublic(private.Public().(ed25519.PublicKey), person, name)
	d.check(err)
	d.write(key+".key", raw)
	d.write(key+".pub", line)
}

func (d *desk) check(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, name) }

func (d *desk) write(name string, data []byte) { d.check(os.WriteFile(d.path(name), data, 0o600)) }

func (d *desk) read(name string) []byte {
	d.t.Helper()
	raw, err := os.ReadFile(d.path(name))
	d.check(err)
	return raw
}

// run splits the line at spaces; @name stands for a file on the desk and _ within a word for a space.
func (d *desk) run(line string) (code int, stdout, stderr string) {
	d.t.Helper()
	args := []string{"--lang", d.lang}
	for word := range strings.FieldsSeq(line) {
		word = strings.ReplaceAll(strings.ReplaceAll(word, "_", " "), "@", d.dir+string(filepath.Separator))
		args = append(args, word)
	}
	var out, errs bytes.Buffer
	p := &Program{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: d.getenv,
		Now: func() time.Time { return d.now }, Probe: d.probe, Fonts: d.fonts, AgentWait: d.wait,
	}
	code = p.Run(d.t.Context())
	hide := func(s string) string { return strings.ReplaceAll(s, d.dir+string(filepath.Separator), "@") }
	return code, hide(out.String()), hide(errs.String())
}

func (d *desk) getenv(name string) string {
	if name == "SSH_AUTH_SOCK" {
		return d.agent
	}
	return ""
}

// must runs a line that has to work, and returns its output.
func (d *desk) must(line string) string {
	d.t.Helper()
	code, out, errs := d.run(line)
	if code != exitOK || errs != "" {
		d.t.Fatalf("bangtin %s: exit %d\n%s%s", line, code, out, errs)
	}
	return out
}

// refuses runs a line that has to fail with the code, saying every one of the words, and returns what it said.
func (d *desk) refuses(line string, want int, words ...string) string {
	d.t.Helper()
	code, out, errs := d.run(line)
	if code != want || out != "" {
		d.t.Errorf("bangtin %s: exit %d, want %d\n%s%s", line, code, want, out, errs)
	}
	for _, w := range words {
		if !strings.Contains(errs, w) {
			d.t.Errorf("bangtin %s: does not say %q:\n%s", line, w, errs)
		}
	}
	return errs
}

// golden compares with testdata/NAME.LANG.txt; go test -update writes it.
func (d *desk) golden(name, got string) {
	d.t.Helper()
	file := filepath.Join("testdata", name+"."+d.lang+".txt")
	if *update {
		d.check(os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	d.check(err)
	if got != string(want) {
		d.t.Errorf("%s differs; go test -update writes it anew. Got:\n%s\nwant:\n%s", file, got, want)
	}
}

func (d *desk) trust() {
	d.t.Helper()
	d.must("trust new --organisation Sở_KHCN --grant playlist:editor=@an.pub --grant playlist:approver=@binh.pub " +
		"--grant playlist:approver=@an2.pub --grant power=@duc.pub --grant collect=@centre.pub --grant time=@centre.pub " +
		"--grant trust=@r1.pub --grant trust=@r2.pub --sign @r1.key --sign @r2.key --out @trust.json")
}

// provenance is everything an item needs besides its content.
const provenance = " --category border-rules --language vi --source-type agency --organisation Bộ_đội_Biên_phòng --document 12/QĐ" +
	" --contributor Lê_Ca --rights own_work --editor nguyen.van.an --approver tran.binh --non-secret "

// picture puts a PNG on the desk: a committed one, since encoders change and golden files hold its hash.
func (d *desk) picture(name string) {
	raw, err := os.ReadFile(filepath.Join("testdata", "picture.png"))
	d.check(err)
	d.write(name, raw)
}

// playlist makes a draft with one item of each kind.
func (d *desk) playlist() {
	d.t.Helper()
	d.picture("p.png")
	d.write("v.mp4", append([]byte("\x00\x00\x00\x20ftypisom"), make([]byte, 100)...))
	d.must("playlist new @pl --id tet-2027 --title Tết_2027 --audience tinh-bien-01,tinh-bien-02")
	d.must("playlist add @pl --picture @p.png --title Ảnh" + provenance)
	d.must("playlist add @pl --video @v.mp4 --title Phim --id phim" + provenance)
	d.must("playlist add @pl --text --heading Xin_chào --body Chào_mừng --title Chữ --seconds 20" + provenance)
}

// Both languages of the main outputs, as people see them.
func TestGoldenOutput(t *testing.T) {
	for _, lang := range []string{"vi", "en"} {
		t.Run(lang, func(t *testing.T) {
			d := newDesk(t)
			d.lang = lang
			d.golden("help", d.must("help"))
			d.golden("help-add", d.must("help playlist add"))
			d.trust()
			d.golden("trust-show", d.must("trust show @trust.json"))
			d.playlist()
			d.golden("playlist-show", d.must("playlist show @pl"))
			steps := d.must("playlist approve @pl --key @an.key") + d.must("playlist approve @pl --key @binh.key --trust @trust.json") +
				d.must("playlist export @pl --out @out --trust @trust.json")
			d.golden("approval", steps)
			d.golden("power", d.must("power --display tinh-bien-01 --state off --until +2h --reason bão --key @duc.key --out @order.json"))
			d.golden("refusals", d.refuses("playlist add @pl --text", exitFailed)+
				d.refuses("playlist new @other --id x --audience *", exitUsage)+
				d.refuses("playlist new @other --id x --title y --audience *", exitFailed))
		})
	}
}

func TestUsage(t *testing.T) {
	d := newDesk(t)
	tests := map[string]struct {
		line  string
		words []string
	}{
		"unknown command":   {"sing", []string{"sing", "bangtin help"}},
		"half a command":    {"playlist", []string{"playlist", "bangtin help"}},
		"unknown verb":      {"playlist burn", []string{"playlist burn"}},
		"help of nothing":   {"help sing", []string{"sing"}},
		"unknown option":    {"playlist new @x --colour red", []string{"playlist new", "colour", "bangtin help playlist new"}},
		"operand missing":   {"playlist show", []string{"DIR"}},
		"two operands":      {"playlist show @a @b", []string{"unexpected"}},
		"unwanted operand":  {"power @x", []string{"unexpected"}},
		"option missing":    {"playlist new @x --id abc", []string{"--title", "add --title"}},
		"number expected":   {"playlist add @x --seconds ten", []string{"seconds"}},
		"list is missing":   {"playlist new @x --id abc --title t", []string{"--audience"}},
		"language unknown":  {"--lang fr help", nil},
		"person with space": {"keys new --person Văn_An --name x --out @k", []string{"--person", "nguyen.van.a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses(tt.line, exitUsage, tt.words...)
		})
	}
	d.t = t
	if code := (&Program{Stderr: &bytes.Buffer{}, Getenv: os.Getenv}).Run(t.Context()); code != exitUsage {
		t.Errorf("no arguments: exit %d", code)
	}
}

func TestLanguage(t *testing.T) {
	tests := []struct {
		args []string
		env  map[string]string
		code int
		want string
	}{
		{[]string{"help"}, nil, exitOK, "Cách dùng"},
		{[]string{"help"}, map[string]string{"LANG": "en_GB.UTF-8"}, exitOK, "Usage"},
		{[]string{"help"}, map[string]string{"LANG": "en_GB.UTF-8", "LC_ALL": "vi_VN.UTF-8"}, exitOK, "Cách dùng"},
		{[]string{"help"}, map[string]string{"LANG": "C"}, exitOK, "Cách dùng"},
		{[]string{"--lang", "en", "help"}, map[string]string{"LANG": "vi_VN"}, exitOK, "Usage"},
		{[]string{"--lang=en", "help"}, nil, exitOK, "Usage"},
		{[]string{"--lang=fr", "help"}, nil, exitUsage, "fr"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.args, tt.env), func(t *testing.T) {
			var out bytes.Buffer
			p := &Program{Args: tt.args, Stdout: &out, Stderr: &out, Getenv: func(k string) string { return tt.env[k] }}
			if code := p.Run(t.Context()); code != tt.code || !strings.Contains(out.String(), tt.want) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, tt.code, tt.want, out.String())
			}
		})
	}
}

// The department's machines are what they are: one binary for each, without a C compiler.
func TestBuildsWithoutCgoForEverySystem(t *testing.T) {
	for _, system := range []string{"linux", "windows", "darwin"} {
		t.Run(system, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(t.TempDir(), "bangtin"), ".")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH=amd64")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}
