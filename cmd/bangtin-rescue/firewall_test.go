package main_test

import (
	"testing"

	rescue "bangtin/cmd/bangtin-rescue"
	"bangtin/internal/notice"
)

func TestFirewallThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	if err := rescue.Open(dir); err != nil {
		t.Fatal(err)
	}
	if all, err := notice.All(dir); err != nil || len(all) != 1 || all[0].Code != "F01" {
		t.Errorf("%v, %v", all, err)
	}
}
