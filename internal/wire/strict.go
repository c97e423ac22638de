package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth of nested objects and arrays. A state nests three deep, a record with its body a few more.
const maxDepth = 16

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

// decode reads exactly one JSON object of at most limit bytes into v. What encoding/json forgives is refused here,
// because two readers of one signed message must not understand two different things: unknown fields, a field
// twice, a field in other letters, broken UTF-8, bytes after the end.
func decode(data []byte, limit int, v any) error {
	if len(data) > limit {
		return fmt.Errorf("%d bytes, more than %d", len(data), limit)
	}
	if !utf8.Valid(data) {
		return errors.New("not UTF-8")
	}
	if err := checkShape(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// checkShape walks the tokens of one JSON object.
func checkShape(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a float64 would refuse numbers that the field itself may take
	first, err := d.Token()
	if err != nil {
		return err
	}
	if first != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	if err := checkObject(d, 1); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	return nil
}

func checkObject(d *json.Decoder, depth int) error {
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok || !plainName(name) {
			return fmt.Errorf("%.40q is no field name", t)
		}
		if seen[name] {
			return fmt.Errorf("field %q stands twice", name)
		}
		seen[name] = true
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	_, err := d.Token() // the closing brace
	return err
}

func checkArray(d *json.Decoder, depth int) error {
	for d.More() {
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func checkValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if depth >= maxDepth {
		return errors.New("nested too deep")
	}
	switch t {
	case json.Delim('{'):
		return checkObject(d, depth+1)
	case json.Delim('['):
		return checkArray(d, depth+1)
	}
	return nil
}

// plainName holds for every name of this contract. Others are refused because encoding/json takes "Until" for
// "until", and even the long s for an s.
func plainName(s string) bool {
	return s != "" && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
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
