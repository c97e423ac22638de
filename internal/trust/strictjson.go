package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// maxDepth is more than anything here nests, and bounds the recursion.
const maxDepth = 8

// decodeStrict reads one JSON value into v and refuses what encoding/json lets pass: a key given twice, a key in
// another case, bytes that are not UTF-8, anything after the value. Two readers that disagree on such input would
// disagree on what was signed. names are all object keys that may occur, at whatever place.
func decodeStrict(raw []byte, v any, names ...string) error {
	if !utf8.Valid(raw) {
		return errors.New("not UTF-8")
	}
	tokens := json.NewDecoder(bytes.NewReader(raw))
	if err := walk(tokens, names, maxDepth); err != nil {
		return err
	}
	if _, err := tokens.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// walk consumes one value and checks the keys of every object in it.
func walk(dec *json.Decoder, names []string, depth int) error {
	if depth == 0 {
		return errors.New("nested too deeply")
	}
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		return walkObject(dec, names, depth)
	case json.Delim('['):
		for dec.More() {
			if err := walk(dec, names, depth-1); err != nil {
				return err
			}
		}
		_, err = dec.Token()
		return err
	}
	return nil
}

func walkObject(dec *json.Decoder, names []string, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, isString := tok.(string)
		if !isString || !slices.Contains(names, key) {
			return fmt.Errorf("unknown field %.40q", tok)
		}
		if seen[key] {
			return fmt.Errorf("field %q is given twice", key)
		}
		seen[key] = true
		if err := walk(dec, names, depth-1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}
