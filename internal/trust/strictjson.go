package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxDepth of nested objects and arrays bounds the recursion. A record with its body nests deepest, about six.
const maxDepth = 16

// DecodeJSON reads exactly one JSON object into v, a pointer to a struct. It stands here because what is signed must
// have one reading: where encoding/json forgives, another reader may understand something else than this one obeys.
// So it refuses unknown fields, a field twice in one object, a field in other letters, bytes that are not UTF-8,
// deep nesting, and anything after the object. It does not bound the size: callers do that before they call it.
//
// All fields of v are written in a-z, 0-9, "_", "-" and ".", up to 60 of them, but for those named in exceptions.
// encoding/json takes "Until" for "until" and even the long s for an s; together with the refusal of a field twice
// this leaves each field one spelling and one value.
func DecodeJSON(raw []byte, v any, exceptions ...string) error {
	if !utf8.Valid(raw) {
		return errors.New("not UTF-8")
	}
	w := walker{json.NewDecoder(bytes.NewReader(raw)), exceptions}
	w.dec.UseNumber() // a float64 would refuse numbers that the field itself may take
	if first, err := w.dec.Token(); err != nil {
		return err
	} else if first != json.Delim('{') {
		return errors.New("not a JSON object")
	}
	if err := w.object(1); err != nil {
		return err
	}
	if _, err := w.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// A walker goes through the tokens before anything is read into a value.
type walker struct {
	dec        *json.Decoder
	exceptions []string
}

// object consumes an object after its opening brace.
func (w walker) object(depth int) error {
	seen := make(map[string]bool)
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok || !w.proper(name) {
			return fmt.Errorf("unknown field %.40q: no field has such a name", fmt.Sprint(token))
		}
		if seen[name] {
			return fmt.Errorf("field %q stands twice in one object", name)
		}
		seen[name] = true
		if err := w.value(depth); err != nil {
			return err
		}
	}
	_, err := w.dec.Token() // the closing brace
	return err
}

func (w walker) value(depth int) error {
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	if depth >= maxDepth {
		return errors.New("nested too deeply")
	}
	switch token {
	case json.Delim('{'):
		return w.object(depth + 1)
	case json.Delim('['):
		for w.dec.More() {
			if err := w.value(depth + 1); err != nil {
				return err
			}
		}
		_, err = w.dec.Token() // the closing bracket
	}
	return err
}

// proper holds for a name that encoding/json can only take for a field of exactly this name.
func (w walker) proper(name string) bool {
	folds := func(exception string) bool { return strings.EqualFold(name, exception) }
	if slices.ContainsFunc(w.exceptions, folds) {
		return slices.Contains(w.exceptions, name)
	}
	return name != "" && len(name) <= 60 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
}
