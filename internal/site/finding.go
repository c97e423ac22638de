package site

import (
	"fmt"
	"strings"
)

// A Finding is one thing that is wrong with a site file.
type Finding struct {
	Line    int    // 1 for the first; 0 when it belongs to no line, as a missing key does
	Problem string // one line: names the key, what is wrong and what to write instead
}

func (f Finding) String() string {
	if f.Line == 0 {
		return f.Problem
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.Problem)
}

// An Error is everything that is wrong with a site file, in the order of the lines.
type Error struct {
	Findings []Finding
}

// Error gives one line for each finding.
func (e *Error) Error() string {
	lines := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		lines[i] = "cannot read site file: " + f.String()
	}
	return strings.Join(lines, "\n")
}

// keyLines tells on which line each key and table stands, as far as it is written in the usual way. It serves
// messages alone: what a key means is for the TOML parser to say.
func keyLines(text string) map[string]int {
	lines := map[string]int{}
	table := ""
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if header, ok := strings.CutPrefix(line, "["); ok {
			header, _, _ = strings.Cut(strings.TrimPrefix(header, "["), "]")
			table = plainKey(header)
			note(lines, table, number)
			continue
		}
		key, _, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		name := plainKey(key)
		if table != "" {
			name = table + "." + name
		}
		note(lines, name, number)
	}
	return lines
}

func note(lines map[string]int, key string, number int) {
	if _, ok := lines[key]; !ok {
		lines[key] = number
	}
}

// plainKey takes spaces and quotes away: `panel . "port"` is panel.port.
func plainKey(key string) string {
	return strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "").Replace(key)
}
