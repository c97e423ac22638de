package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"bangtin/internal/trust"
)

// Encode is the JSON of v as it goes over the wire. Unlike [json.Marshal] it leaves <, > and & as they are: the
// body of a record is hashed as its exact bytes and must arrive as these.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", v, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// parse reads what one side said to the other, of at most limit bytes, and has it checked. what names it in errors.
func parse[T any, P interface {
	*T
	check() error
}](data []byte, limit int, what string) (P, error) {
	v := P(new(T))
	if len(data) > limit {
		return nil, fmt.Errorf("cannot read %s: %d bytes, more than %d", what, len(data), limit)
	}
	if err := trust.DecodeJSON(data, v); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", what, err)
	}
	if err := v.check(); err != nil {
		return nil, fmt.Errorf("cannot take %s: %w", what, err)
	}
	return v, nil
}

// checkText refuses text that is too long for its place or could disturb a log, a terminal or a screen.
func checkText(name, s string, maxRunes int) error {
	if n := utf8.RuneCountInString(s); n > maxRunes {
		return fmt.Errorf("%s has %d characters, more than %d", name, n, maxRunes)
	}
	for _, r := range s {
		if disturbs(r) {
			return fmt.Errorf("%s has the control character %U", name, r)
		}
	}
	return nil
}

// disturbs holds for control characters, line separators and the format characters that can turn the direction of
// a whole line. The zero-width space and the joiners stay: Khmer needs them.
func disturbs(r rune) bool {
	switch r {
	case '\u200b', '\u200c', '\u200d':
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// whole refuses an order that leaves a field out: what is not said must not mean something, such as "without end". Fields
// that may be left out say so by omitempty. v points to the struct that raw was decoded into.
func whole(raw []byte, v any) error {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(raw, &said); err != nil {
		return err
	}
	t := reflect.TypeOf(v).Elem()
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if _, ok := said[name]; !ok && !strings.Contains(options, "omitempty") {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}
