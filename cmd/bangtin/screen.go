package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// redraw writes the page over the last one, with the time on top, which goes on where nothing else changes: a picture
// that stands still and one that is old must not look alike.
func (v *view) redraw(found []finding, size func() (width, height int)) {
	head := v.local().Format("15:04:05")
	if v.broken != "" {
		head += "  " + v.p.text(say("WHAT STANDS BELOW IS OLD: %s", visible(v.broken)))
	}
	width, height := size()
	page := v.fit(head+"\n"+v.page(found), width, height-1)
	fmt.Fprint(v.p.Stdout, "\x1b[H", strings.ReplaceAll(page, "\n", "\x1b[K\n"), "\x1b[J")
}

// fit keeps a page within a screen: its first lines, how many are left out, and its last line.
func (v *view) fit(page string, width, height int) string {
	lines := strings.SplitAfter(strings.TrimSuffix(page, "\n"), "\n")
	last := lines[len(lines)-1] + "\n"
	lines = lines[:len(lines)-1]
	room := max(height, 5) - rows(last, width)
	if used(lines, width) > room {
		n := 0
		for n < len(lines) && used(lines[:n+1], width) < room {
			n++
		}
		more := v.p.text(say("… and %d more lines: a larger window or --gate shows them", len(lines)-n))
		lines = append(lines[:n:n], more+"\n")
	}
	return strings.Join(lines, "") + last
}

func used(lines []string, width int) int {
	n := 0
	for _, l := range lines {
		n += rows(l, width)
	}
	return n
}

// rows is how many a line takes on the screen.
func rows(line string, width int) int {
	letters := utf8.RuneCountInString(strings.TrimSuffix(line, "\n"))
	return max(1, (letters+width-1)/max(width, 1))
}

// screen tells whether standard output is a terminal that can be written over, and how large it is.
func (p *Program) screen() (size func() (width, height int), ok bool) {
	f, isFile := p.Stdout.(*os.File)
	if !isFile || p.objects != nil || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	if runtime.GOOS == "windows" && p.Getenv("WT_SESSION") == "" {
		return nil, false // the old console shows escapes as they are
	}
	return func() (width, height int) {
		w, h, err := term.GetSize(int(f.Fd()))
		if err != nil || w < 1 || h < 1 {
			return 80, 24
		}
		return w, h
	}, true
}
