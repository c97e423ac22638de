package panelproc_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/hal/haltest/panelproc"
)

// exchange sends a request through a terminal and returns the reply.
func exchange(t *testing.T, path, request string, length int) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(request); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, length)
	if _, err := io.ReadFull(f, reply); err != nil {
		t.Fatal(err)
	}
	return string(reply)
}

func TestPanel(t *testing.T) {
	link := filepath.Join(t.TempDir(), "by-id")
	p := panelproc.StartPanel(t, panelproc.BuildPanel(t), "-protocol=lg", "-id=2", "-warmup=0", "-trace", "-link="+link)
	p.Do("mark")
	if got := exchange(t, link, "ka 02 01\r", 10); got != "a 02 OK01x" {
		t.Fatalf("says %q", got)
	}
	if got := p.State(); got != "on" {
		t.Errorf("is %q", got)
	}
	p.Do("unplug")
	if _, err := os.Lstat(link); !os.IsNotExist(err) {
		t.Errorf("the link of an unplugged panel: %v", err)
	}
	p.Do("replug")
	if got := exchange(t, link, "ka 02 ff\r", 10); got != "a 02 OK01x" {
		t.Errorf("says %q after it was unplugged", got)
	}
	p.Do("lose-power")
	if got := p.Seen(); got != "off on" {
		t.Errorf("has been %q", got)
	}
	if e := p.Events(); len(e) != 2 || !strings.HasPrefix(e[0], "power on ") || !strings.HasPrefix(e[1], "power off ") {
		t.Errorf("events are %q", e)
	}
	p.Stop()
	if _, err := os.Lstat(link); !os.IsNotExist(err) {
		t.Errorf("the link of a panel that has ended: %v", err)
	}
}

// TestBaud: at 600 baud the six bytes of the request and the eight of the reply cannot take less than they do.
func TestBaud(t *testing.T) {
	p := panelproc.StartPanel(t, panelproc.BuildPanel(t), "-baud=600")
	began := time.Now()
	got := exchange(t, p.Path, "\xAA\x11\x01\x01\x00\x13", 8)
	if !bytes.Equal([]byte(got), []byte("\xAA\xFF\x01\x03A\x11\x00\x55")) {
		t.Errorf("says % X", got)
	}
	if took, least := time.Since(began), 14*10*time.Second/600; took < least {
		t.Errorf("took %v, less than the %v that the bytes take", took, least)
	}
}
