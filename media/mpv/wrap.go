package mpv

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// A line is a stretch of units, spaces at its end cut off.
type line struct {
	text  string
	width float64 // in em
}

// A way is how to set the units up to some point.
type way struct {
	from  int // where its last line begins
	torn  int // lines that end inside a word
	lines int
	cost  float64
}

// better puts whole words before few lines, and few lines before even ones.
func (w way) better(than way) bool {
	return cmp.Or(cmp.Compare(w.torn, than.torn), cmp.Compare(w.lines, than.lines), cmp.Compare(w.cost, than.cost)) < 0
}

// breakCost is what ending a line before a unit costs, where 1 is the cost of a line left wholly empty.
func breakCost(kind breakKind) float64 {
	switch kind {
	case fair:
		return 0.2
	case poor:
		return 0.5
	}
	return 0
}

// wrap breaks units into as few lines as room (in em) allows without tearing a word and, among those ways, takes the
// one with the most even lines at the best places. tail is how much an unfilled last line matters: 1 in centred text, 0 in flush text.
// A stretch that may not be broken and is wider than room is torn after the last unit that fits.
func wrap(units []unit, room, tail float64) []line {
	best := make([]way, len(units)+1) // best[i] sets units[:i] in whole lines
	for end := 1; end <= len(units); end++ {
		torn, cost, weight := 0, 0.0, tail
		if end < len(units) {
			cost, weight = breakCost(units[end].before), 1
			if units[end].before == forced {
				torn = 1
			}
		}
		best[end] = bestWay(best, units, end, func(width float64) way {
			empty := max(0, 1-width/room)
			return way{torn: torn, lines: 1, cost: cost + weight*empty*empty}
		}, room)
	}
	return follow(best, units)
}

// bestWay tries every beginning of a line that ends before units[end].
func bestWay(best []way, units []unit, end int, line func(width float64) way, room float64) way {
	chosen := way{torn: math.MaxInt}
	width, trailing := 0.0, true
	for from := end - 1; from >= 0; from-- {
		if trailing = trailing && units[from].space; !trailing {
			width += units[from].width
		}
		if width > room && from < end-1 {
			break
		}
		last, before := line(width), best[from]
		w := way{from, before.torn + last.torn, before.lines + last.lines, before.cost + last.cost}
		if w.better(chosen) {
			chosen = w
		}
	}
	return chosen
}

// follow reads the lines out of the best ways, from the last to the first.
func follow(best []way, units []unit) []line {
	var lines []line
	for end := len(units); end > 0; end = best[end].from {
		lines = append(lines, newLine(units[best[end].from:end]))
	}
	slices.Reverse(lines)
	return lines
}

func newLine(units []unit) line {
	for len(units) > 0 && units[len(units)-1].space {
		units = units[:len(units)-1]
	}
	var l line
	var text strings.Builder
	for _, u := range units {
		text.WriteString(u.text)
		l.width += u.width
	}
	l.text = text.String()
	return l
}
