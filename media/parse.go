package media

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"
)

// Limits on a playlist, checked before or while it is parsed.
const (
	MaxPlaylist = 1 << 20 // bytes of the payload; 500 items are about 400 kB
	MaxItems    = 500
	maxDepth    = 6 // playlist, items, item, source: four; the rest is margin
)

// ParsePlaylist reads the payload of a playlist envelope, or a draft of one. It is strict: no unknown, repeated or
// differently written field, no invalid UTF-8, nothing after the value. Two readers that disagree on such input
// would disagree on what was approved. What the playlist says is for Validate to judge.
func ParsePlaylist(payload []byte) (*Playlist, error) {
	if len(payload) > MaxPlaylist {
		return nil, fmt.Errorf("cannot read playlist: %d bytes, at most %d", len(payload), MaxPlaylist)
	}
	if !utf8.Valid(payload) {
		return nil, errors.New("cannot read playlist: not UTF-8")
	}
	if err := plainJSON(payload); err != nil {
		return nil, fmt.Errorf("cannot read playlist: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	p := new(Playlist)
	if err := dec.Decode(p); err != nil {
		return nil, fmt.Errorf("cannot read playlist: %w", err)
	}
	return p, nil
}

// All field names are of this form. Requiring it closes a door of encoding/json, which takes "Approver" and
// "ſource" for fields too; together with the refusal of repeats each field has one spelling and one value.
var fieldName = regexp.MustCompile(`^[a-z0-9_]+$`)

// plainJSON checks what encoding/json lets pass.
func plainJSON(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := plainValue(dec, maxDepth); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the closing brace")
	}
	return nil
}

func plainValue(dec *json.Decoder, depth int) error {
	if depth == 0 {
		return errors.New("nested too deeply")
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return plainObject(dec, depth)
	case json.Delim('['):
		for dec.More() {
			if err := plainValue(dec, depth-1); err != nil {
				return err
			}
		}
		_, err = dec.Token() // the closing bracket
	}
	return err
}

func plainObject(dec *json.Decoder, depth int) error {
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		name, ok := token.(string)
		if !ok || !fieldName.MatchString(name) {
			return fmt.Errorf("unknown field %.40q", fmt.Sprint(token))
		}
		if seen[name] {
			return fmt.Errorf("field %q stands twice in one object", name)
		}
		seen[name] = true
		if err := plainValue(dec, depth-1); err != nil {
			return err
		}
	}
	_, err := dec.Token() // the closing brace
	return err
}
