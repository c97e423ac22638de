package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal takes a terminal into raw mode: no echo, no signals from keys, and no Ctrl-S, which would stop the page for
// ever. Its speed stays as the kernel set it.
func openTerminal(fd int) (*os.File, error) {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	t.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INLCR | unix.IGNCR | unix.INPCK | unix.ISTRIP | unix.IXON | unix.IXOFF | unix.PARMRK
	t.Iflag |= unix.IGNBRK
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag |= unix.CLOCAL | unix.CREAD // a missing carrier is a cable of three wires
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil { // not TCSETSW, which waits for a stuck line
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "terminal"), nil
}

// listen hands over keys until the terminal ends. Of what comes at once only the first byte counts, and what nobody has
// taken yet is replaced by nothing: a flood costs no memory.
func listen(ctx context.Context, terminal io.Reader, keys chan<- byte) error {
	chunk := make([]byte, 256)
	for {
		n, err := terminal.Read(chunk)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("cannot read the terminal: %w", err)
		}
		key := byte(0)
		if n == 1 { // more is an arrow key, a paste or noise
			key = chunk[0]
		}
		select {
		case keys <- key:
		default:
		}
	}
}

// A screen is the terminal with what it shows.
type screen struct {
	file  *os.File
	limit time.Duration
	shown []string // rows as they were drawn; nil when nobody knows what is there
}

func newScreen(file *os.File, limit time.Duration) *screen { return &screen{file: file, limit: limit} }

// forget draws every row the next time.
func (s *screen) forget() { s.shown = nil }

// begin ends what was cut in the middle (CAN), and makes of any VT100 what the page needs: UTF-8, ASCII in G0, no
// attributes, all rows scroll, no line break at the edge, no cursor.
const begin = "\x18\x1b%G\x1b(B\x0f\x1b[m\x1b[r\x1b[?7l\x1b[?25l"

// draw writes the rows that are not there yet, each in its place: nothing flickers and nothing scrolls. What the line does
// not take within the limit is given up, and the next page is a whole one.
func (s *screen) draw(rows []Row) error {
	var b bytes.Buffer
	whole := len(s.shown) != len(rows)
	if whole {
		b.WriteString(begin)
	}
	next := make([]string, len(rows))
	for i, row := range rows {
		next[i] = row.style.sgr() + row.text + "\x1b[m"
		if whole || next[i] != s.shown[i] {
			fmt.Fprintf(&b, "\x1b[%d;1H%s\x1b[K", i+1, next[i])
		}
	}
	if whole {
		b.WriteString("\x1b[J")
	}
	b.WriteString("\x1b[H") // a message of the kernel that begins here scrolls nothing
	s.shown = nil
	if err := s.file.SetWriteDeadline(time.Now().Add(s.limit)); err != nil {
		return fmt.Errorf("cannot write to the terminal: %w", err)
	}
	if _, err := s.file.Write(b.Bytes()); err != nil {
		if isStuck(err) {
			s.drop()
		}
		return fmt.Errorf("cannot write to the terminal: %w", err)
	}
	s.shown = next
	return nil
}

// drop takes back what the kernel still holds, or whoever comes first sees a page that is hours old.
func (s *screen) drop() {
	raw, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	// A terminal that cannot is no worse off.
	_ = raw.Control(func(fd uintptr) { _ = unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCOFLUSH) })
}

func isStuck(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func (s style) sgr() string {
	var codes []string
	for _, c := range []struct {
		has  style
		code string
	}{{bold, "1"}, {inverse, "7"}} {
		if s&c.has != 0 {
			codes = append(codes, c.code)
		}
	}
	if codes == nil {
		return ""
	}
	return "\x1b[" + strings.Join(codes, ";") + "m"
}
