package main

import (
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// A wire232 is the panels' end of a serial line: it answers questions that it knows, and notes everything it hears.
type wire232 struct {
	path string

	mu    sync.Mutex
	heard []byte
}

// newWire answers each request, written in hex, with what stands behind it.
func newWire(t *testing.T, answers map[string]string) *wire232 {
	t.Helper()
	far, near, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(near.Fd())); err != nil {
		t.Fatal(err)
	}
	w := &wire232{path: near.Name()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.listen(far, answers)
	}()
	t.Cleanup(func() {
		near.Close()
		far.Close()
		<-ended
	})
	return w
}

func (w *wire232) listen(line *os.File, answers map[string]string) {
	var pending string
	for b := make([]byte, 256); ; {
		n, err := line.Read(b)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.heard = append(w.heard, b[:n]...)
		w.mu.Unlock()
		pending += strings.ToUpper(hex.EncodeToString(b[:n]))
		for question, answer := range answers {
			if before, after, asked := strings.Cut(pending, strings.ReplaceAll(question, " ", "")); asked {
				pending = before + after
				reply, err := hex.DecodeString(strings.ReplaceAll(answer, " ", ""))
				if err != nil {
					return
				}
				if _, err := line.Write(reply); err != nil {
					return
				}
			}
		}
	}
}

// philips is a panel with set ID 2 that is on and says its model.
func philips() map[string]string {
	return map[string]string{
		"05 02 00 19 1E":    "06 02 01 19 02 1E",
		"06 02 00 A1 00 A5": "0B 02 01 A1 42 44 4C 20 34 33 C4",
	}
}

func TestPanelDiscover(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	w := newWire(t, philips())
	got := d.must("panel discover --port " + w.path + " --ids 1-2,2 --protocol sicp")
	if want := "protocol=sicp id=2 power=on model=\"BDL 43\"\n"; got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestPanelDiscoverFindsSeveral(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	answers := philips()
	answers["AA 11 01 00 12"] = "AA FF 01 03 41 11 00 55" // off, and tells no model
	answers["AA 11 02 00 13"] = "AA FF 02 03 4E 11 01 64" // refuses, so it is there
	answers["04 01 19 1C"] = "05 01 19 01 1C"             // an old Philips panel
	w := newWire(t, answers)
	got := d.must("panel discover --port " + w.path + " --ids 1,2 --protocol mdc --protocol sicp")
	want := "protocol=mdc id=1 power=off\nprotocol=mdc id=2 power=unknown\n" +
		"protocol=sicp id=1 power=off edition=ungrouped\nprotocol=sicp id=2 power=on model=\"BDL 43\"\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestPanelDiscoverNothing: the person is told what to try, in both languages.
func TestPanelDiscoverNothing(t *testing.T) {
	w := newWire(t, nil)
	for lang, words := range map[string][]string{
		"en": {"no panel answers", "null modem", "standby", "RJ45", "--ids"},
		"vi": {"không có màn hình nào trả lời", "null modem", "chế độ chờ", "RJ45", "--ids"},
	} {
		d := &desk{t: t, dir: t.TempDir(), lang: lang, now: morning}
		d.refuses("panel discover --port "+w.path+" --ids 1 --protocol sicp", exitFailed, words...)
	}
}

func TestPanelDiscoverSkipsBroadcast(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir(), lang: "en", now: morning}
	w := newWire(t, nil)
	d.refuses("panel discover --port "+w.path+" --ids 0 --protocol sicp", exitFailed, "no panel answers")
	d.refuses("panel discover --port "+w.path+" --ids 254-255 --protocol mdc", exitFailed, "no panel answers")
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.heard) > 0 {
		t.Errorf("every panel was asked: % X", w.heard)
	}
}
