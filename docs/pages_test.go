package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages are what a person types from.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range append(files, filepath.Join("..", "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	return all
}

// TestEveryLineOfThePagesIsACommand asks the programs' own help whether what the pages say can be typed at all.
func TestEveryLineOfThePagesIsACommand(t *testing.T) {
	bin := build(t)
	tool := newHelp(t, filepath.Join(bin, "bangtin"))
	daemon := usage(t, filepath.Join(bin, "bangtind"), "enrol", "smoke", "smoke-test")
	centre := usage(t, filepath.Join(bin, "bangtin-center"))
	seen := 0
	for page, text := range pages(t) {
		for _, line := range commandLines(text) {
			seen++
			words := strings.Fields(line)
			var problem string
			switch words[0] {
			case "bangtin":
				problem = tool.check(words[1:])
			case "bangtind":
				problem = daemon.check(words[1:])
			default:
				problem = centre.check(words[1:])
			}
			if problem != "" {
				t.Errorf("%s: %s: %s", page, line, problem)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d lines were found: the pages are read wrongly", seen)
	}
	t.Logf("%d lines", seen)
}

var (
	inline  = regexp.MustCompile("`(bangtin(?:d|-center)? [^`\n]*)`")
	program = regexp.MustCompile(`(?:^|[|;(] ?|-- |for .*; do )(bangtin(?:d|-center)? .*)`)
	ending  = regexp.MustCompile(` (?:[|;#>&]|2>|\|\|).*`)
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'|\$\([^)]*\)`)
)

// commandLines finds what is typed: lines of fences, joined where they go on, and words between backquotes.
func commandLines(page string) []string {
	var all []string
	for _, m := range inline.FindAllStringSubmatch(page, -1) {
		all = append(all, plain(m[1]))
	}
	fenced := false
	for _, line := range strings.Split(strings.ReplaceAll(page, "\\\n", " "), "\n") {
		text := strings.TrimSpace(line)
		switch m := program.FindStringSubmatch(text); {
		case strings.HasPrefix(text, "```"):
			fenced = !fenced
		case m != nil && (fenced || strings.HasPrefix(line, "    ")):
			all = append(all, plain(m[1]))
		}
	}
	return all
}

// plain takes away what is not of the program's own words: values in quotes, and what the shell does.
func plain(line string) string {
	return ending.ReplaceAllString(quoted.ReplaceAllString(line, "VALUE"), "")
}

// A help is what `bangtin help` says: the options of each command.
type help struct {
	t        *testing.T
	path     string
	commands []string
	options  map[string]string
}

func newHelp(t *testing.T, path string) *help {
	t.Helper()
	h := &help{t: t, path: path, options: map[string]string{}}
	for _, m := range regexp.MustCompile(`(?m)^  (\w+(?: \w+)?)  `).FindAllStringSubmatch(h.ask(), -1) {
		h.commands = append(h.commands, m[1])
		h.options[m[1]] = h.ask(strings.Fields(m[1])...)
	}
	if len(h.commands) < 20 {
		t.Fatalf("the help lists only %q", h.commands)
	}
	return h
}

func (h *help) ask(command ...string) string {
	out, err := exec.Command(h.path, append([]string{"--lang", "en", "help"}, command...)...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("help %s: %v\n%s", command, err, out)
	}
	return string(out)
}

// check says what is wrong with the words of a line, or nothing.
func (h *help) check(words []string) string {
	if len(words) > 1 && words[0] == "--lang" {
		words = words[2:]
	}
	if len(words) > 0 && words[0] == "help" {
		words = words[1:]
	}
	if len(words) == 0 || words[0] == "…" || strings.HasPrefix(words[0], "COMMAND") {
		return ""
	}
	command := words[0]
	if len(words) > 1 && slices.Contains(h.commands, command+" "+words[1]) {
		command += " " + words[1]
	}
	if !slices.Contains(h.commands, command) {
		// a family such as `bangtin center`
		if slices.ContainsFunc(h.commands, func(c string) bool { return strings.HasPrefix(c, words[0]+" ") }) && len(words) == 1 {
			return ""
		}
		return "is no command"
	}
	return unknown(words, h.options[command], "--")
}

// A flagged program has one list of flags, and verbs.
type flagged struct{ usage string }

func usage(t *testing.T, path string, verbs ...string) flagged {
	t.Helper()
	var all string
	for _, args := range append([][]string{{"--help"}}, each(verbs)...) {
		out, err := exec.Command(path, args...).CombinedOutput()
		if len(out) == 0 {
			t.Fatalf("%s %s: %v", path, args, err)
		}
		all += string(out)
	}
	return flagged{all}
}

func each(verbs []string) [][]string {
	var all [][]string
	for _, v := range verbs {
		all = append(all, []string{"--site", "../internal/site/testdata/example.toml", v, "--help"})
	}
	return all
}

// extra are options of verbs that only a running daemon's client has.
const extra = "  -for \n  -reason \n"

func (f flagged) check(words []string) string {
	verbs := strings.FieldsFunc(f.usage, func(r rune) bool { return strings.ContainsRune("[]| \n", r) })
	for i, w := range words {
		if strings.HasPrefix(w, "-") || i > 0 && strings.HasPrefix(words[i-1], "-") {
			continue
		}
		if !slices.Contains(verbs, w) {
			return "has no verb " + w
		}
		break
	}
	return unknown(words, f.usage+extra, "-")
}

func unknown(words []string, help, dash string) string {
	for _, w := range words {
		name, isOption := strings.CutPrefix(w, "--")
		name, _, _ = strings.Cut(name, "=")
		if isOption && !regexp.MustCompile(`(?m)^  `+dash+regexp.QuoteMeta(strings.Trim(name, ".,;:)"))+`\b`).MatchString(help) {
			return "has no option " + w
		}
	}
	return ""
}

// TestEveryCodeIsExplained holds the table of OPERATIONS.md against the source: what a display or the centre may
// raise is there, and nothing else.
func TestEveryCodeIsExplained(t *testing.T) {
	sources := map[string]string{ // what in it is a code
		"../internal/journal/journal.go":      `Cause += +"([a-z-]+)"|Cause\w+ +Cause = "([a-z-]+)"`,
		"../internal/control/report.go":       `wrong\["([a-z-]+)"\]`,
		"../internal/control/sensors.go":      `into\["([a-z-]+?)-?"`,
		"../internal/control/control.go":      `Code: "([a-z-]+)"`,
		"../internal/control/recorder.go":     `Code: "([a-z-]+)"`,
		"../internal/control/refusals.go":     `Code: "([a-z]+)-"`,
		"../internal/journal/sqlite/check.go": `damageKind = "([a-z-]+)"`,
		"../internal/centre/store/chain.go":   `= "([a-z]+(?:-[a-z]+)+)"`,
		"../internal/centre/watch.go":         `(?:Dark|ClockOff) += "([a-z-]+)"`,
		"../media/refusal.go":                 `journal\.\w+, "([a-z-]+)"`,
		"../media/library.go":                 `incident\(journal\.\w+, "([a-z-]+)"`,
		"../cmd/bangtind/*.go":                `degrade\("([a-z-]+)"|noticed = "([a-z]+)-"|\.set\("([a-z-]+)"|(?:codeUnusable|expiringAlarm) += "([a-z-]+)"`,
	}
	page := pages(t)["OPERATIONS.md"]
	table := page[strings.Index(page, "### Codes"):]
	told := map[string]bool{}
	for _, line := range strings.Split(table, "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 5 {
			for _, m := range regexp.MustCompile("`([a-z-]+?)(?:-…)?`").FindAllStringSubmatch(cells[1], -1) {
				told[m[1]] = true
			}
		}
	}
	raised := map[string]bool{}
	for glob, expression := range sources {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: nothing there, %v", glob, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(expression).FindAllStringSubmatch(string(text), -1) {
				raised[strings.Join(m[1:], "")] = true
			}
		}
	}
	for code := range raised {
		if !told[code] {
			t.Errorf("%s is not in the table", code)
		}
	}
	for code := range told {
		if !raised[code] {
			t.Errorf("%s is in the table, and nobody raises it", code)
		}
	}
	if len(raised) < 40 {
		t.Errorf("only %d codes were found: the source is read wrongly", len(raised))
	}
}

// TestEveryNoticeIsExplained: each code that a program puts as a notice is in the table of notice codes, and nothing else
// is.
func TestEveryNoticeIsExplained(t *testing.T) {
	page := pages(t)["OPERATIONS.md"]
	_, table, found := strings.Cut(page, "### Mã thông báo / Notice codes")
	if !found {
		t.Fatal("OPERATIONS.md has no section of notice codes")
	}
	table, _, _ = strings.Cut(table, "\n#")
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `?([A-Z][0-9]{2})`? \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(table, -1) {
		if told[m[1]] {
			t.Errorf("%s is twice in the table", m[1])
		}
		told[m[1]] = true
	}
	if rows := strings.Count(table, "\n| ") - 1; rows != len(told) {
		t.Errorf("%d rows, of which %d are a code, what it means and what to do", rows, len(told))
	}
	put := noticeCodes(t, "..")
	for code, where := range put {
		if !told[code] {
			t.Errorf("%s of %s is not in the table", code, where)
		}
	}
	for code := range told {
		if put[code] == "" {
			t.Errorf("%s is in the table, and nobody puts it", code)
		}
	}
}

// TestNoticesAreFound: as nothing fails when none are.
func TestNoticesAreFound(t *testing.T) {
	dir := t.TempDir()
	source := `package x
import "bangtin/internal/notice"
const codeFull = "D03"
func f(code string) notice.Notice {
	switch code { case "a": return notice.Notice{Part: "x", Code: "S01"}; case "S77": return notice.Notice{Code: codeFull} }
	n := notice.Notice{Vi: "S99"}; n.Code = "S02"
	say("S03", "…")
	_ = notice.Put("", n)
	return n
}
func codes() map[string]string { return map[string]string{"site": "S04"} }
`
	for name, text := range map[string]string{
		"cmd/x/x.go": source, "cmd/x/x_test.go": strings.ReplaceAll(source, "S0", "T0"), "cmd/y/y.go": "package y\nimport \"bangtin/internal/notice\"\nvar a = notice.Notice{Code: \"A12\"}\n", // it only reads
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := slices.Sorted(maps.Keys(noticeCodes(t, dir)))
	if want := []string{"D03", "S01", "S02", "S03", "S04", "S77", "S99"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// noticeCodes are all strings in the source of programs that call notice.Put that look like a code, and where each was found.
// What looks like one and is none would be told in the table to no purpose; so far nothing does.
func noticeCodes(t *testing.T, root string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "cmd", "*", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	parsed, rooms := map[string]*ast.File{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed[file] = f
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Put" {
				if from, ok := s.X.(*ast.Ident); ok && from.Name == "notice" {
					rooms[filepath.Dir(file)] = true
				}
			}
			return true
		})
	}
	code := regexp.MustCompile(`^"[A-Z][0-9]{2}"$`)
	found := map[string]string{}
	for file, f := range parsed {
		if !rooms[filepath.Dir(file)] {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && code.MatchString(l.Value) {
				found[strings.Trim(l.Value, `"`)] = file
			}
			return true
		})
	}
	return found
}

// TestMakefileSaysItsTargets: the first lines of the Makefile are its help.
func TestMakefileSaysItsTargets(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	phony := regexp.MustCompile(`(?m)^\.PHONY: (.*)$`).FindStringSubmatch(text)
	if phony == nil {
		t.Fatal("no .PHONY")
	}
	for _, target := range strings.Fields(phony[1]) {
		if target == "all" {
			continue // is build
		}
		if !regexp.MustCompile(`(?m)^# make ` + regexp.QuoteMeta(target) + ` `).MatchString(text) {
			t.Errorf("make %s is not in the header", target)
		}
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).MatchString(text) {
			t.Errorf("make %s does not exist", target)
		}
	}
	for page, text := range pages(t) {
		for _, m := range regexp.MustCompile("(?m)(?:`|^)make ([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
			if !slices.Contains(strings.Fields(phony[1]), m[1]) {
				t.Errorf("%s: make %s does not exist", page, m[1])
			}
		}
	}
}
