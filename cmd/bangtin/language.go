package main

import (
	"fmt"
	"strings"
)

// A phrase is words for people: English as it stands in the code, Vietnamese from the catalogue. A test holds the
// two together.
type phrase struct {
	english string
	args    []any
}

func say(english string, args ...any) phrase { return phrase{english, args} }

// text is the phrase in the person's language.
func (p *Program) text(ph phrase) string {
	format := ph.english
	if vi, ok := p.translation[format]; ok {
		format = vi
	}
	if len(ph.args) == 0 {
		return format
	}
	return fmt.Sprintf(format, ph.args...)
}

// tell writes one line of result.
func (p *Program) tell(english phrase) { fmt.Fprintln(p.Stdout, p.text(english)) }

// chooseLanguage takes --lang off the front of the arguments, or else looks at the environment as POSIX orders it.
// Vietnamese is what remains: the tool is for people of a Vietnamese department.
func (p *Program) chooseLanguage() ([]string, error) {
	p.translation = vietnamese()
	lang, args := p.locale(), p.Args
	if len(args) > 0 {
		if value, ok := strings.CutPrefix(args[0], "--lang="); ok {
			lang, args = value, args[1:]
		} else if args[0] == "--lang" && len(args) > 1 {
			lang, args = args[1], args[2:]
		}
	}
	switch {
	case lang == "en":
		p.translation = nil
	case lang != "vi":
		return nil, &problem{field: "--lang", what: say("%q is not a language of this program", lang),
			remedy: say("use vi or en"), usage: true}
	}
	return args, nil
}

func (p *Program) locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := p.Getenv(name); value != "" {
			if strings.HasPrefix(value, "en") {
				return "en"
			}
			return "vi"
		}
	}
	return "vi"
}
