package main

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"bangtin/image/layout"
)

// variable is text as the firmware keeps it.
func variable(text string) []byte {
	value := []byte{6, 0, 0, 0}
	for _, unit := range utf16.Encode([]rune(text)) {
		value = binary.LittleEndian.AppendUint16(value, unit)
	}
	return value
}

func bootPartition(t testing.TB, slot layout.Slot) string {
	t.Helper()
	p, ok := layout.Find(layout.Boot, slot)
	if !ok {
		t.Fatal("no boot partition", slot)
	}
	return p.GUID
}

func TestSlotOfVariable(t *testing.T) {
	a, b := bootPartition(t, layout.A), bootPartition(t, layout.B)
	for _, test := range []struct {
		name  string
		value []byte
		want  layout.Slot
	}{
		{"A, as the stub writes it", variable(strings.ToUpper(a) + "\x00"), layout.A},
		{"B without its end", variable(b), layout.B},
		{"another partition", variable("8b1d7e0a-1d5c-4b0e-9a51-62616e670001\x00"), ""},
		{"nothing", nil, ""},
		{"attributes alone", variable(""), ""},
		{"half a character", append(variable(a), 0), ""},
		{"goes on", variable(a + "\x00x"), ""},
		{"cut", variable(a[:35]), ""},
	} {
		if got := slotOfVariable(test.value); got != test.want {
			t.Errorf("%s: slot %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzSlotOfVariable(f *testing.F) {
	f.Add(variable(bootPartition(f, layout.A) + "\x00"))
	f.Add([]byte{6, 0, 0, 0, 0, 0xd8, 0, 0xdc})
	f.Fuzz(func(t *testing.T, value []byte) {
		slot := slotOfVariable(value)
		if slot == "" {
			return
		}
		text := strings.ToLower(string(value[4:])) // behind the attributes, which are no text
		if plain := strings.ReplaceAll(text, "\x00", ""); plain != bootPartition(t, slot) {
			t.Fatalf("slot %s of %q", slot, plain)
		}
	})
}
