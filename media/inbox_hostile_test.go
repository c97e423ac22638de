//go:build linux

package media_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/journal"
)

// A stick made to look like one holds a device. Opening it can already do harm: a tape rewinds, a watchdog starts.
func TestInboxOpensNoDevice(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("making a device needs root")
	}
	b := newBench(t, t.TempDir())
	dir := deliver(t, b, nil)
	// Major 511 belongs to no driver: opening it would fail with ENXIO, which the detail would say.
	if err := syscall.Mknod(filepath.Join(dir, "playlist.json"), syscall.S_IFCHR|0o600, 511<<8|200); err != nil {
		t.Skipf("cannot make a device here: %v", err)
	}
	b.scan(t, 10)
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "inbox-unfit" || !strings.Contains(in[0].Detail, "not a plain file") {
		t.Errorf("incidents: %+v", in)
	}
}

// A stick that dies is noted once, logged seldom, and tried again: some come back.
func TestInboxBacksOffFromADyingStick(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a file that cannot be read needs root: /proc/self/mem, whose first page gives EIO")
	}
	b := newBench(t, t.TempDir())
	dir := deliver(t, b, []byte("?"))
	dying := filepath.Join(dir, "playlist.json")
	if err := unix.Mount("/proc/self/mem", dying, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dying, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	failed := 0
	for range 3600 / 2 {
		if err := b.inbox.Scan(context.Background()); err != nil {
			failed++
		}
		b.clock.advance(2 * time.Second)
	}
	if failed < 2 || failed > 20 {
		t.Errorf("failed %d times in an hour, want a few", failed)
	}
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "inbox-unfit" || in[0].Class != journal.Technical {
		t.Errorf("incidents: %+v", in)
	}
}
