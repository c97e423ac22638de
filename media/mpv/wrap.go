package mpv

import "strings"

// A line is a stretch of units, spaces at its end cut off.
type line struct {
	text  string
	width float64 // in em
}

// wrap breaks units into lines no wider than room, in em. It takes the last good break where the line is then at
// least two thirds full, else the last fair one, else the last that is allowed at all.
func wrap(units []unit, room float64) []line {
	var lines []line
	for len(units) > 0 {
		n := lineLength(units, room)
		lines = append(lines, newLine(units[:n]))
		units = units[n:]
		for len(units) > 0 && units[0].space {
			units = units[1:]
		}
	}
	return lines
}

// lineLength is how many units the first line takes, at least one.
func lineLength(units []unit, room float64) int {
	width, fits := 0.0, 0
	for fits < len(units) && (width+units[fits].width <= room || units[fits].space || fits == 0) {
		width += units[fits].width
		fits++
	}
	if fits == len(units) {
		return fits
	}
	last := map[breakKind]int{}
	filled := map[breakKind]float64{}
	width = 0
	for i := range fits {
		width += units[i].width
		kind := units[i+1].before
		last[kind], filled[kind] = i+1, width
	}
	if last[good] > 0 && (filled[good] >= room*2/3 || last[fair]+last[poor] == 0) {
		return last[good]
	}
	for _, kind := range []breakKind{fair, poor, good, forced} {
		if last[kind] > 0 {
			return last[kind]
		}
	}
	return fits
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

// balance wraps into as few lines as room allows, and makes them about equally long: how a heading is set.
func balance(units []unit, room float64) []line {
	best := wrap(units, room)
	for low, high := 0.0, room; high-low > 0.25; {
		middle := (low + high) / 2
		if narrow := wrap(units, middle); len(narrow) <= len(best) && widest(narrow) <= room {
			best, high = narrow, middle
		} else {
			low = middle
		}
	}
	return best
}

func widest(lines []line) float64 {
	w := 0.0
	for _, l := range lines {
		w = max(w, l.width)
	}
	return w
}
