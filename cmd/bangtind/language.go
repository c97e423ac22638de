package main

import (
	"fmt"
	"strings"
)

// A phrase is words for the person who commissions a display: English as it stands in the code, Vietnamese from the
// catalogue. A test holds the two together.
type phrase struct {
	english string
	args    []any // a phrase among them is said in the same language
}

func say(english string, args ...any) phrase { return phrase{english, args} }

// asIs is text that is the same in every language: names, figures, errors.
func asIs(text string) phrase { return phrase{english: text} }

// A tongue is one language: the translation of each English phrase, nil for English itself.
type tongue map[string]string

func (t tongue) text(p phrase) string {
	format := p.english
	if vi, ok := t[format]; ok {
		format = vi
	}
	if len(p.args) == 0 {
		return format
	}
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if inner, ok := a.(phrase); ok {
			a = t.text(inner)
		}
		args[i] = a
	}
	return fmt.Sprintf(format, args...)
}

// speak chooses the language: the option, or else the environment as POSIX orders it. Vietnamese is what remains.
func (m *Main) speak(option string) (tongue, error) {
	switch {
	case option == "en", option == "" && m.english():
		return nil, nil
	case option == "vi", option == "":
		return vietnamese(), nil
	}
	return nil, fmt.Errorf("cannot speak %q: use vi or en", option)
}

func (m *Main) english() bool {
	if m.Getenv == nil {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := m.Getenv(name); value != "" {
			return strings.HasPrefix(value, "en")
		}
	}
	return false
}
