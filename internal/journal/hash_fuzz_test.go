package journal_test

import (
	"strings"
	"testing"

	"bangtin/internal/journal"
)

// FuzzParseHash: a hash comes with every acknowledgement of the centre. What is accepted reads back the same.
func FuzzParseHash(f *testing.F) {
	f.Add(strings.Repeat("0f", 32))
	f.Add(strings.Repeat("AB", 32))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := journal.ParseHash(text)
		if err == nil && hash.String() != strings.ToLower(text) {
			t.Fatalf("%q became %s", text, hash)
		}
	})
}
