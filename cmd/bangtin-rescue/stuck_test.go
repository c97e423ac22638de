package main_test

import (
	"testing"

	rescue "bangtin/cmd/bangtin-rescue"
	"bangtin/internal/notice"
)

// TestUnstuck: that the system did not start is said until it has.
func TestUnstuck(t *testing.T) {
	dir := t.TempDir()
	is := func(want int) {
		t.Helper()
		if all, err := notice.All(dir); err != nil || len(all) != want {
			t.Errorf("%d notices, want %d: %v", len(all), want, err)
		}
	}
	unstuck := func(started string) {
		t.Helper()
		if err := rescue.Unstuck(t.Context(), dir, started); err != nil {
			t.Error(err)
		}
	}
	unstuck("true") // there is none
	for part, code := range map[string]string{"boot": "D04", "data": "D03"} {
		if err := notice.Put(dir, notice.Notice{Part: part, Code: code, Vi: "x", En: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	unstuck("false")
	is(2)
	unstuck("true")
	is(1)
}
