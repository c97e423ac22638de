package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	main "bangtin/cmd/bangtin-console"
	"bangtin/internal/control/local"
	"bangtin/internal/notice"
)

// A vt is a terminal that somebody looks at: it knows what the page uses, and counts what it does not know.
type vt struct {
	mu       sync.Mutex
	cells    [main.Rows][main.Columns]rune
	row, col int
	unknown  []string
	scrolled int
	rest     []byte
	changed  chan struct{}
}

func newVT() *vt {
	v := &vt{changed: make(chan struct{}, 1)}
	v.clear()
	return v
}

func (v *vt) clear() {
	for r := range v.cells {
		for c := range v.cells[r] {
			v.cells[r][c] = ' '
		}
	}
}

// follow reads what is written to the terminal until it ends.
func (v *vt) follow(r io.Reader) {
	chunk := make([]byte, 512)
	for {
		n, err := r.Read(chunk)
		v.mu.Lock()
		v.rest = v.take(append(v.rest, chunk[:n]...))
		v.mu.Unlock()
		select {
		case v.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// take obeys, and returns what is not whole yet.
func (v *vt) take(b []byte) []byte {
	for len(b) > 0 {
		switch {
		case b[0] == 0x18, b[0] == 0x0f:
			b = b[1:]
		case b[0] == '\r':
			v.col, b = 0, b[1:]
		case b[0] == '\n':
			if v.row++; v.row == main.Rows {
				v.row--
				v.scrolled++
			}
			b = b[1:]
		case b[0] == 0x1b:
			n := v.escape(b)
			if n == 0 {
				return b
			}
			b = b[n:]
		case !utf8.FullRune(b):
			return b
		default:
			r, n := utf8.DecodeRune(b)
			if v.col < main.Columns {
				v.cells[v.row][v.col] = r
				v.col++
			}
			b = b[n:]
		}
	}
	return nil
}

func (v *vt) escape(b []byte) int {
	if len(b) < 3 {
		return 0
	}
	if b[1] != '[' { // ESC % G, ESC ( B
		return 3
	}
	end := bytes.IndexFunc(b[2:], func(r rune) bool { return r >= '@' })
	if end < 0 {
		return 0
	}
	args, what := string(b[2:2+end]), b[2+end]
	switch {
	case what == 'H':
		row, col, _ := strings.Cut(args, ";")
		v.row, v.col = max(0, number(row)-1), max(0, number(col)-1)
	case what == 'K' && args == "":
		for c := v.col; c < main.Columns; c++ {
			v.cells[v.row][c] = ' '
		}
	case what == 'J' && args == "":
		for r := v.row + 1; r < main.Rows; r++ {
			v.cells[r] = v.cells[r-1]
			for c := range v.cells[r] {
				v.cells[r][c] = ' '
			}
		}
	case what == 'r' && args == "":
		v.row, v.col = 0, 0
	case what == 'm', args == "?7" && what == 'l', args == "?25" && what == 'l':
	default:
		v.unknown = append(v.unknown, string(b[:3+end]))
	}
	return 3 + end
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return n
}

// text is what is on it.
func (v *vt) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b strings.Builder
	for r := range v.cells {
		b.WriteString(strings.TrimRight(string(v.cells[r][:]), " ") + "\n")
	}
	return b.String()
}

// until waits for the terminal to be as wanted.
func (v *vt) until(t *testing.T, what string, ok func(text string) bool) {
	t.Helper()
	for end := time.After(30 * time.Second); !ok(v.text()); {
		select {
		case <-v.changed:
		case <-end:
			t.Fatalf("not seen in 30 s: %s; the terminal shows\n%s", what, v.text())
		}
	}
}

// terminal is a pty: its far end, and the end that the page has.
func terminal(t *testing.T) (far, near *os.File) {
	t.Helper()
	far, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Dup(int(slave.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := slave.Close(); err != nil {
		t.Fatal(err)
	}
	near, err = main.OpenTerminal(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close(); near.Close() })
	return far, near
}

func page(t *testing.T, f main.Facts, l main.Language) string {
	t.Helper()
	var b strings.Builder
	for _, row := range main.Page(f, l) {
		b.WriteString(strings.TrimRight(row.Text(), " ") + "\n")
	}
	return b.String()
}

// answering is a daemon that knows one answer.
type answering struct{ state json.RawMessage }

func (a answering) Handle(context.Context, local.Request, local.Peer) local.Answer {
	return local.Answer{State: a.state, Here: &local.Here{Device: "tinh-bien-01", Airing: "lost", Cause: "no-signal"}}
}

// TestTheWholeProgram: the real sources, the real socket, a terminal.
func TestTheWholeProgram(t *testing.T) {
	dir, err := os.MkdirTemp("", "console-") // a socket's path holds 107 bytes only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := notice.Put(filepath.Join(dir, "notices"), notice.Notice{Part: "data", Code: "D03", Vi: "Đầy bộ nhớ.", En: "The storage is full."}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "slot"), []byte("B\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "control.sock")
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	server := &local.Server{Path: socket, Handler: answering{json.RawMessage(`{"gate":"Cửa khẩu \u001b[2J Tịnh Biên","panel":{"power":"on"}}`)}, Log: slog.New(slog.DiscardHandler)}
	go func() { served <- server.Run(ctx) }()
	defer func() { cancel(); <-served }()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := local.Ask(ctx, socket, local.Request{Do: local.Status}); err == nil {
			break
		}
	}

	far, near := terminal(t)
	v := newVT()
	go v.follow(far)
	console := &main.Console{
		Terminal: near, Version: "1.4.0", Log: slog.New(slog.DiscardHandler),
		Inquiries: main.Sources(socket, filepath.Join(dir, "notices"), filepath.Join(dir, "slot"), dir, "printf", "● a.service loaded failed failed A\nb.mount x\n"),
	}
	ended := make(chan error, 1)
	running, stop := context.WithCancel(t.Context())
	go func() { ended <- console.Run(running) }()
	has := func(words ...string) func(string) bool {
		return func(text string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
		}
	}
	v.until(t, "the page", has("KHÔNG PHÁT", "Cửa khẩu ?[2J Tịnh Biên (tinh-bien-01)", "không có tín hiệu hình", "khe B", "a.service b.mount", "D03 Đầy bộ nhớ.", "chỉ để xem"))
	for _, press := range []struct{ keys, sees string }{
		{"e", "The storage is full."}, {"\x03\x1a\x1c\x04", "The storage is full."}, {"q", "The storage is full."}, {"\x13", "The storage is full."}, {"v", "Đầy bộ nhớ."},
		{"e", "The storage is full."}, {strings.Repeat("v", 5000), "The storage is full."}, {"v", "Đầy bộ nhớ."},
	} {
		v.mu.Lock()
		v.clear() // so that only what is drawn again is seen
		v.mu.Unlock()
		if _, err := io.WriteString(far, press.keys); err != nil {
			t.Fatal(err)
		}
		v.until(t, fmt.Sprintf("after %.8q", press.keys), has("BẢNG TIN", press.sees, "English"))
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if v.unknown != nil || v.scrolled > 0 {
		t.Errorf("sequences %q, scrolled %d", v.unknown, v.scrolled)
	}
}

// TestAHangUpEndsIt: systemd starts it anew, on a terminal that lives.
func TestAHangUpEndsIt(t *testing.T) {
	far, near := terminal(t)
	ended := make(chan error, 1)
	go func() { ended <- (&main.Console{Terminal: near, Log: slog.New(slog.DiscardHandler)}).Run(t.Context()) }()
	if _, err := io.ReadFull(far, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it ended without a reason")
	}
}

// TestOnlyWhatChangedIsDrawn: and what is drawn is the page, whatever the kernel wrote between.
func TestOnlyWhatChangedIsDrawn(t *testing.T) {
	far, near := terminal(t)
	v := newVT()
	go v.follow(far)
	s := main.NewScreen(near, time.Minute)
	for name, facts := range pages(t) {
		if err := s.Draw(main.Page(facts, main.Vietnamese)); err != nil {
			t.Fatal(err)
		}
		v.until(t, name, func(text string) bool { return text == page(t, facts, main.Vietnamese) })
	}
	facts := display(t, "09:10:00")
	if _, err := near.WriteString("[ 1.0] kernel: something is wrong, and it takes more than a row of the screen to say so in full\r\n[ 1.1] more\r\n"); err != nil {
		t.Fatal(err)
	}
	s.Forget()
	if err := s.Draw(main.Page(facts, main.English)); err != nil {
		t.Fatal(err)
	}
	v.until(t, "the page after a message of the kernel", func(text string) bool { return text == page(t, facts, main.English) })
	if v.unknown != nil || v.scrolled > 0 {
		t.Errorf("sequences %q, scrolled %d", v.unknown, v.scrolled)
	}
}

// TestALineThatNobodyReads is given up, and shows the newest page to whoever comes, not one that waited for hours.
func TestALineThatNobodyReads(t *testing.T) {
	far, near := terminal(t)
	s := main.NewScreen(near, 20*time.Millisecond)
	var err error
	for hour := 0; err == nil && hour < 10_000; hour++ {
		s.Forget()
		err = s.Draw(main.Page(display(t, fmt.Sprintf("08:%02d:%02d", hour/60%60, hour%60)), main.Vietnamese))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("10,000 pages that nobody read: %v", err)
	}
	for range 3 { // nor does it get worse
		if err := s.Draw(main.Page(display(t, "09:00:00"), main.Vietnamese)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	v := newVT()
	go v.follow(far)
	facts := display(t, "10:00:00")
	for end := time.Now().Add(30 * time.Second); ; {
		if err = s.Draw(main.Page(facts, main.Vietnamese)); err == nil || time.Now().After(end) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	v.until(t, "the newest page", func(text string) bool { return text == page(t, facts, main.Vietnamese) })
}

// TestASourceThatHangs costs the page its time limit once each, and one goroutine for ever.
func TestASourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		held := make(chan struct{})
		ask := main.Gather(
			main.NewInquiry("disk", func(context.Context) func(*main.Facts) {
				asked.Add(1)
				<-held
				return func(f *main.Facts) { f.Slot = "stale" }
			}),
			main.NewInquiry("version", func(context.Context) func(*main.Facts) { return func(f *main.Facts) { f.Version = "1" } }),
			main.NewInquiry("nothing", func(context.Context) func(*main.Facts) { return nil }),
		)
		for range 10 {
			began := time.Now()
			f, silent := ask(t.Context())
			if f.Version != "1" || !slices.Equal(silent, []string{"disk"}) || asked.Load() != 1 || time.Since(began) > 3*time.Second {
				t.Errorf("%+v, silent %q, asked %d times, after %v", f, silent, asked.Load(), time.Since(began))
			}
		}
		close(held)
		synctest.Wait()
		f, silent := ask(t.Context())
		if silent != nil || asked.Load() != 2 || f.Slot != "stale" {
			t.Errorf("once it answers: %+v, silent %q, asked %d times", f, silent, asked.Load())
		}
	})
}

// TestSources: each says what is there, and nothing where nothing is.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slot"), []byte(strings.Repeat("A", 9000)), 0o644); err != nil {
		t.Fatal(err)
	}
	f, silent := main.Gather(main.Sources(filepath.Join(dir, "no.sock"), dir, filepath.Join(dir, "slot"), dir, "false")...)(t.Context())
	if silent != nil || f.Daemon != nil || f.DaemonWhy == "" || f.Slot != "" || f.FailedWhy == "" || f.Uptime <= 0 || f.Data == nil || !f.Data.Missing || f.Data.Total == 0 {
		t.Errorf("%+v, silent %q", f, silent)
	}
	f, silent = main.Gather(main.Sources("", dir, "/nowhere", "/dev/shm", "yes", "a.service")...)(t.Context())
	if !slices.Equal(silent, []string{"services"}) || f.Failed != nil || f.Data == nil || !f.Data.Memory || f.Data.Missing {
		t.Errorf("a systemctl that never ends: silent %q, %q, data %+v", silent, f.Failed, f.Data)
	}
	f, _ = main.Gather(main.Sources("", dir, "/nowhere", "/nowhere", "printf", strings.Repeat("a.service\n", 5000))...)(t.Context())
	if len(f.Failed) != 20 || !f.Data.Missing {
		t.Errorf("%d units, data %+v", len(f.Failed), f.Data)
	}
}
