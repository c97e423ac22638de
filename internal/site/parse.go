package site

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/BurntSushi/toml"
)

// MaxSize is the largest site file in bytes. The example has under 1200.
const MaxSize = 64 << 10

// Read reads and parses the site file at path.
func Read(path string) (*Site, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read site file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("cannot read site file: %w", err)
	}
	return Parse(data)
}

// Parse reads a site file. The error is an *Error, with a finding for everything that is wrong.
func Parse(data []byte) (*Site, error) {
	if len(data) > MaxSize {
		return nil, &Error{[]Finding{{Problem: fmt.Sprintf("it has more than %d bytes", MaxSize)}}}
	}
	tree := map[string]any{}
	meta, err := toml.Decode(string(data), &tree)
	if err != nil {
		return nil, &Error{[]Finding{syntax(err)}}
	}
	r := &reader{tree: tree, lines: keyLines(string(data))}
	s := r.site()
	r.unknown(meta.Keys())
	if len(r.findings) > 0 {
		return nil, &Error{r.sorted()}
	}
	return s, nil
}

func syntax(err error) Finding {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return Finding{Line: parse.Position.Line, Problem: parse.Message}
	}
	return Finding{Problem: err.Error()}
}
