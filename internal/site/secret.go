package site

import (
	"fmt"
	"io"
	"regexp"
)

// A Secret is a part of the site file that is for one machine to know and for nobody to read: it is written to no log,
// answer, upload or error. The zero Secret is the empty one. It is behind a pointer because package fmt prints a string
// within a struct where a verb is wrong, whatever its methods say.
type Secret struct{ text *string }

// Hide makes a secret of text.
func Hide(text string) Secret { return Secret{&text} }

// Reveal is the secret itself, for the one machine.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Equal compares what is hidden.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String hides the secret, as do Format and MarshalText; of an empty one it shows that it is.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return ""
	}
	return "(secret)"
}

// Format hides the secret from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the secret from JSON and from package slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// secret is text for a value that no message may quote.
func (r *reader) secret(key string) Secret { return Hide(r.text(key, "")) }

// isText tells whether a key is there with text, so that what is none has one finding and not two.
func (r *reader) isText(key string) bool {
	_, ok := r.value(key).(string)
	return ok
}

// hides tells whether a line of the file may hold a secret, as far as a line alone tells: the parser of TOML quotes
// from lines that it cannot read.
func hides(line string) bool { return regexp.MustCompile(`(?i)pass|pin`).MatchString(line) }
