package site

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

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
	if finding, ok := oversized(data); ok {
		return nil, &Error{[]Finding{finding}}
	}
	tree := map[string]any{}
	meta, err := toml.Decode(string(data), &tree)
	if err != nil {
		return nil, &Error{[]Finding{syntax(err, data)}}
	}
	r := &reader{tree: tree, lines: keyLines(string(data))}
	s := r.site()
	r.unknown(meta.Keys())
	if len(r.findings) > 0 {
		return nil, &Error{r.sorted()}
	}
	return s, nil
}

// Within MaxSize the parser still takes over a minute for one key of 30,000 parts or as many tables in each
// other. With these two limits the slowest file found takes a quarter of a second.
const (
	maxLine   = 1000 // bytes
	maxBraces = 100
)

// oversized finds what is not worth parsing.
func oversized(data []byte) (Finding, bool) {
	if len(data) > MaxSize {
		return Finding{Problem: fmt.Sprintf("it has more than %d bytes", MaxSize)}, true
	}
	if bytes.Count(data, []byte("{")) > maxBraces {
		return Finding{Problem: fmt.Sprintf("it has more than %d inline tables: write [tables]", maxBraces)}, true
	}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if len(line) > maxLine {
			return Finding{Line: number, Problem: fmt.Sprintf("it has more than %d bytes", maxLine)}, true
		}
	}
	return Finding{}, false
}

// syntax turns what the TOML parser says into one line: it quotes line breaks of the file as they are.
func syntax(err error, data []byte) Finding {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		if hides(parse.LastKey) || hides(lineOf(data, parse.Position.Line)) {
			return Finding{Line: parse.Position.Line, Problem: "cannot be read, and may hold a password, so it is not shown: write key = \"value\" on one line"}
		}
		return Finding{Line: parse.Position.Line, Problem: oneLine(parse.Message)}
	}
	return Finding{Problem: oneLine(err.Error())}
}

// lineOf is line number of a file, 1 for the first; empty where there is none.
func lineOf(data []byte, number int) string {
	for line := range bytes.Lines(data) {
		if number--; number == 0 {
			return string(line)
		}
	}
	return ""
}

// oneLine makes line breaks and other control characters visible instead of obeyed.
func oneLine(text string) string {
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
