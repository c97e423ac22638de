package main

import (
	"bytes"
	"strings"
	"testing"
)

// loaderTexts are a program's texts as a linker puts them down: each with its end.
func loaderTexts(texts ...string) []byte {
	program := []byte("\x7fMZ code\x00\x00\x00\x00")
	for _, text := range texts {
		program = append(append(program, utf16le(text)...), 0, 0)
	}
	return program
}

func TestQuiet(t *testing.T) {
	failing := []string{"ERROR: ", "Cannot load specified kernel image", "Volume %d: is gone\n"}
	all := append(append(said(), "Detected i6300ESB watchdog\n"), failing...)
	program := loaderTexts(all...)
	before := bytes.Clone(program)
	got, err := quiet(program)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(program, before) {
		t.Error("what was given is changed")
	}
	emptied := make([]string, 0, len(all))
	for _, text := range all[:len(all)-len(failing)] {
		emptied = append(emptied, "\x00"+text[1:])
	}
	if want := loaderTexts(append(emptied, failing...)...); !bytes.Equal(got, want) {
		t.Errorf("got %q", strings.ReplaceAll(string(got), "\x00", ""))
	}
	for name, texts := range map[string][]string{
		"one is missing":             all[1:],
		"one is there twice":         append(all, all[0]),
		"a watchdog is there twice":  append(all, "Detected i6300ESB watchdog\n"),
		"one is the end of another":  append(append([]string{}, all[1:]...), "x"+all[0]),
		"one is a beginning, no end": append(append([]string{}, all[1:]...), all[0]+"x"),
	} {
		if _, err := quiet(loaderTexts(texts...)); err == nil || !strings.Contains(err.Error(), "times") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
