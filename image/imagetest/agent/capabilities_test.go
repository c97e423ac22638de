package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAFileWithCapabilitiesIsNamed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"plain", "ping"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// struct vfs_cap_data of revision 2: CAP_NET_RAW, 13, permitted and effective.
	value := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := unix.Lsetxattr(filepath.Join(dir, "ping"), capability, value, 0); err != nil {
		t.Skipf("only root on a file system that keeps capabilities can give one: %v", err)
	}
	var said strings.Builder
	if err := capabilities(dir, &said); err != nil {
		t.Fatal(err)
	}
	if want := "capabilities 0100000200200000000000000000000000000000 " + filepath.Join(dir, "ping") + "\n"; said.String() != want {
		t.Errorf("it says %q", said.String())
	}
	if err := capabilities(filepath.Join(dir, "none"), &said); err == nil {
		t.Error("a folder that is not there has no capabilities")
	}
}
