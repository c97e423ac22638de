package main

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A Language is what the page is written in.
type Language int

// Vietnamese is what it begins with.
const (
	Vietnamese Language = iota
	English
)

// after is the language once a key was pressed; other keys change nothing.
func (l Language) after(key byte) Language {
	switch key {
	case 'v', 'V':
		return Vietnamese
	case 'e', 'E':
		return English
	}
	return l
}

// A text is one thing said in both.
type text struct{ vi, en string }

// in says it, with what goes into it; a text among that is said in the same language.
func (t text) in(l Language, args ...any) string {
	format := t.vi
	if l == English {
		format = t.en
	}
	if len(args) == 0 {
		return format
	}
	for i, a := range args {
		if inner, ok := a.(text); ok {
			args[i] = inner.in(l)
		}
	}
	return fmt.Sprintf(format, args...)
}

// plain makes of words from outside what any terminal shows as it is, one column for each character: Latin letters with
// their marks, and signs. What steers, what joins, what turns the direction of writing and what is wide is a question mark.
func plain(s string) string {
	if len(s) > maxPlain {
		s = s[:maxPlain]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r > ' ' && r < 0x7f:
			return r
		case r == '\t' || r == '\n' || r == '\r' || r == 0xa0:
			return ' '
		case r >= 0xa1 && r < 0x300 && unicode.IsGraphic(r), r >= 0x1e00 && r < 0x1f00, strings.ContainsRune("–—‘’“”…•→₫", r):
			return r
		case r >= 0x300 && r < 0x370:
			return -1 // a mark that has no letter of its own
		}
		return '?'
	}, norm.NFC.String(strings.ToValidUTF8(s, "?")))
}

// maxPlain is more than a page holds of one thing.
const maxPlain = 1000 // bytes

// cut makes text fit into a number of columns; what is cut off shows.
func cut(s string, columns int) string {
	runes := []rune(s)
	if len(runes) <= columns {
		return s
	}
	return string(runes[:columns-1]) + "…"
}

// pad fills text up to a number of columns.
func pad(s string, columns int) string {
	s = cut(s, columns)
	return s + strings.Repeat(" ", columns-len([]rune(s)))
}

// wrap breaks text at spaces into at most rows rows of columns columns; what is left over shows as cut off.
func wrap(s string, columns, rows int) []string {
	var all []string
	words := strings.Fields(s)
	for len(words) > 0 {
		row := words[0]
		words = words[1:]
		for len(words) > 0 && len([]rune(row))+1+len([]rune(words[0])) <= columns {
			row += " " + words[0]
			words = words[1:]
		}
		if len(all) == rows-1 {
			return append(all, cut(strings.Join(append([]string{row}, words...), " "), columns))
		}
		if runes := []rune(row); len(runes) > columns { // one word that is longer than a row
			row, words = string(runes[:columns]), append([]string{string(runes[columns:])}, words...)
		}
		all = append(all, row)
	}
	return all
}
