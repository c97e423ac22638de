package site

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// maxUnknown is how many unknown keys are named: more are not a site file.
const maxUnknown = 20

// A reader takes values out of the decoded file and collects what is wrong with them. Every key that it is
// asked for is thereby a known one.
type reader struct {
	tree     map[string]any
	lines    map[string]int
	known    []string // "table", "table.key" and "table.table.key"
	findings []Finding
}

// wrong notes a finding about key.
func (r *reader) wrong(key, format string, args ...any) {
	r.findings = append(r.findings, Finding{Line: r.lines[key], Problem: key + ": " + fmt.Sprintf(format, args...)})
}

// table makes name a known table and tells whether the file has it.
func (r *reader) table(name string) bool {
	value := r.value(name)
	if value == nil {
		return false
	}
	if _, ok := value.(map[string]any); !ok {
		r.wrong(name, "must be a table: write [%s] on a line of its own", name)
		return false
	}
	return true
}

// value looks "table.key" or "table.table.key" up and makes it known; nil when the file does not have it.
func (r *reader) value(key string) any {
	r.known = append(r.known, key)
	parts := strings.Split(key, ".")
	values := r.tree
	for _, table := range parts[:len(parts)-1] {
		values, _ = values[table].(map[string]any)
	}
	return values[parts[len(parts)-1]]
}

// text returns a string, or otherwise when the file does not have the key.
func (r *reader) text(key, otherwise string) string {
	switch v := r.value(key).(type) {
	case nil:
		return otherwise
	case string:
		return v
	default:
		r.wrong(key, "must be text in quotation marks")
		return otherwise
	}
}

// required is text for a key that has no default.
func (r *reader) required(key, example string) string {
	if r.value(key) == nil {
		r.wrong(key, "is missing: write %s = %q below [%s]", lastPart(key), example, tableOf(key))
		return example
	}
	return r.text(key, example)
}

// integer returns a whole number within [lowest, highest].
func (r *reader) integer(key string, otherwise, lowest, highest int) int {
	value := r.value(key)
	if value == nil {
		return otherwise
	}
	n, ok := value.(int64)
	if !ok {
		r.wrong(key, "must be a whole number from %d to %d, without quotation marks", lowest, highest)
		return otherwise
	}
	if n < int64(lowest) || n > int64(highest) {
		r.wrong(key, "is %d: write a number from %d to %d", n, lowest, highest)
		return otherwise
	}
	return int(n)
}

// duration returns a time such as "90s" within [lowest, highest].
func (r *reader) duration(key string, otherwise, lowest, highest time.Duration) time.Duration {
	text := r.text(key, otherwise.String())
	d, err := time.ParseDuration(text)
	if err != nil {
		r.wrong(key, "%q is not a length of time: write a number and a unit, such as %q", text, "90s")
		return otherwise
	}
	if d < lowest || d > highest {
		r.wrong(key, "is %s: write a length of time from %s to %s", d, lowest, highest)
		return otherwise
	}
	return d
}

// choice returns one word of a list.
func (r *reader) choice(key, value string, words ...string) string {
	if slices.Contains(words, value) {
		return value
	}
	r.wrong(key, "%q is none of %s%s", value, strings.Join(words, ", "), didYouMean(value, words))
	return words[0]
}

// yes returns true or false, which is what a missing key means.
func (r *reader) yes(key string) bool {
	switch v := r.value(key).(type) {
	case nil:
		return false
	case bool:
		return v
	default:
		r.wrong(key, "must be true or false, without quotation marks")
		return false
	}
}

// texts returns a list of strings.
func (r *reader) texts(key string, otherwise []string) []string {
	value := r.value(key)
	if value == nil {
		return otherwise
	}
	list, ok := value.([]any)
	if !ok {
		r.wrong(key, "must be a list of texts: write %s = %q", lastPart(key), otherwise)
		return otherwise
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			r.wrong(key, "entry %d must be text in quotation marks", i+1)
			return otherwise
		}
	}
	return texts
}

// unknown notes every key of the file that nobody asked for. An unknown table stands for its keys.
func (r *reader) unknown(keys []toml.Key) {
	reported := map[string]bool{}
	for _, key := range keys {
		name := r.strange(key)
		if name == "" || reported[name] {
			continue
		}
		reported[name] = true
		if len(reported) > maxUnknown {
			r.findings = append(r.findings, Finding{Problem: fmt.Sprintf("more than %d unknown keys", maxUnknown)})
			return
		}
		r.findings = append(r.findings, Finding{
			Line:    r.lines[name],
			Problem: fmt.Sprintf("unknown key %q%s", name, didYouMean(name, r.known)),
		})
	}
}

// strange names the first part of a key that nobody asked for; empty where there is none. A part with a dot in it is
// quoted: "site.data" in quotation marks is not site.data.
func (r *reader) strange(key toml.Key) string {
	name := ""
	for i, part := range key {
		if strings.Contains(part, ".") {
			part = strconv.Quote(part)
		}
		if i > 0 {
			name += "."
		}
		name += part
		if !slices.Contains(r.known, name) {
			return name
		}
	}
	return ""
}

// sorted gives the findings in the order of their lines, those without a line last.
func (r *reader) sorted() []Finding {
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		switch {
		case a.Line == b.Line:
			return 0
		case b.Line == 0 || a.Line != 0 && a.Line < b.Line:
			return -1
		}
		return 1
	})
	return r.findings
}

func tableOf(key string) string { return key[:strings.LastIndex(key, ".")] }

func lastPart(key string) string { return key[strings.LastIndex(key, ".")+1:] }
