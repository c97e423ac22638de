package main

import (
	"io"
	"strconv"
	"strings"
	"sync"
)

// A transcript is what the serial console said since the power came. It is read from the line itself: QEMU's own log of
// a line (7.2, chardev/char.c) has what the line does not take at once twice.
type transcript struct {
	mu   sync.Mutex
	said []byte
}

// saidAtMost bounds it; the beginning goes first. A day of status pages is less.
const saidAtMost = 32 << 20

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, b...)
	if over := len(t.said) - saidAtMost; over > 0 {
		t.said = append(t.said[:0], t.said[over:]...)
	}
	return len(b), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.said)
}

var _ io.Writer = (*transcript)(nil)

// The terminal that a technician has.
const (
	rows    = 24
	columns = 80
)

// A terminal is what such a screen shows. The status page only writes what has changed: what it says has to be drawn to
// be read, as words of an older page are still among the bytes.
type terminal struct {
	cells    [rows][columns]rune
	row, col int
}

// shows draws what was said, and returns the rows.
func shows(said string) []string {
	t := &terminal{}
	t.erase(0, rows*columns)
	for text := []rune(strings.ToValidUTF8(said, "?")); len(text) > 0; {
		text = t.take(text)
	}
	out := make([]string, rows)
	for i := range t.cells {
		out[i] = strings.TrimRight(string(t.cells[i][:]), " ")
	}
	return out
}

// take obeys one sign or sequence, and returns the rest.
func (t *terminal) take(text []rune) []rune {
	switch c := text[0]; {
	case c == 0x1b && len(text) > 2 && text[1] == '[':
		end := 2
		for end < len(text) && text[end] >= 0x20 && text[end] <= 0x3f {
			end++
		}
		if end == len(text) {
			return nil
		}
		t.obey(string(text[2:end]), text[end])
		return text[end+1:]
	case c == 0x1b: // a character set: two more
		return text[min(3, len(text)):]
	case c == '\r':
		t.col = 0
	case c == '\n':
		t.feed()
	case c >= 0x20 && c != 0x7f:
		if t.col < columns { // no line break at the edge
			t.cells[t.row][t.col] = c
			t.col++
		}
	}
	return text[1:]
}

func (t *terminal) feed() {
	if t.row++; t.row == rows {
		t.row = rows - 1
		copy(t.cells[:], t.cells[1:])
		t.erase((rows-1)*columns, rows*columns)
	}
}

func (t *terminal) erase(from, to int) {
	for i := from; i < to; i++ {
		t.cells[i/columns][i%columns] = ' '
	}
}

// obey is for a cursor's place, and what is erased; how letters look is nothing here.
func (t *terminal) obey(numbers string, what rune) {
	here := t.row*columns + min(t.col, columns-1)
	switch what {
	case 'H':
		row, col, _ := strings.Cut(numbers, ";")
		t.row, t.col = place(row, rows), place(col, columns)
	case 'K':
		t.erase(here, (t.row+1)*columns)
	case 'J':
		if numbers == "2" {
			here = 0
		}
		t.erase(here, rows*columns)
	}
}

// place is a number from 1, which is also meant where there is none.
func place(number string, most int) int {
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return min(max(n-1, 0), most-1)
}
