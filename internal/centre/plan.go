package centre

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// A Window is a part of a day: From and To are wall-clock times after midnight in whole minutes, To is exclusive and at
// most 24 h.
type Window struct{ From, To time.Duration }

// A Plan says when displays owe a picture.
type Plan struct {
	Location *time.Location
	Windows  []Window            // of every display
	Of       map[string][]Window // of displays that have their own
}

var window = regexp.MustCompile(`^(\d\d):([0-5]\d)-(\d\d):([0-5]\d)$`)

// ParseWindows reads windows such as "07:00-11:00", sorted and without overlap.
func ParseWindows(texts []string) ([]Window, error) {
	if len(texts) < 1 || len(texts) > 24 {
		return nil, fmt.Errorf("%d windows: write 1 to 24", len(texts))
	}
	var windows []Window
	for _, text := range texts {
		parts := window.FindStringSubmatch(text)
		if parts == nil {
			return nil, fmt.Errorf("%.40q is not a window: write it as %q", text, "07:00-11:00")
		}
		w := Window{From: clock(parts[1], parts[2]), To: clock(parts[3], parts[4])}
		if w.From >= w.To || w.To > 24*time.Hour {
			return nil, fmt.Errorf("%q does not lie within one day", text)
		}
		if n := len(windows); n > 0 && w.From < windows[n-1].To {
			return nil, errors.New("sort the windows and let none overlap")
		}
		windows = append(windows, w)
	}
	return windows, nil
}

// clock turns two digits each of hours and minutes into the time since midnight.
func clock(hours, minutes string) time.Duration {
	h, herr := strconv.Atoi(hours)
	m, merr := strconv.Atoi(minutes)
	if err := errors.Join(herr, merr); err != nil {
		panic("bug: a window has digits only: " + err.Error())
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
}

// of is the windows of a display.
func (p Plan) of(device string) []Window {
	if own, ok := p.Of[device]; ok {
		return own
	}
	return p.Windows
}

// opened returns when the window in which now lies was opened, and false outside of every window.
func (p Plan) opened(windows []Window, now time.Time) (time.Time, bool) {
	local := now.In(p.Location)
	for _, w := range windows {
		from := at(local, w.From)
		if !local.Before(from) && local.Before(at(local, w.To)) {
			return from, true
		}
	}
	return time.Time{}, false
}

// at is the wall-clock time of the day.
func at(day time.Time, d time.Duration) time.Time {
	minutes := int(d / time.Minute)
	return time.Date(day.Year(), day.Month(), day.Day(), minutes/60, minutes%60, 0, 0, day.Location())
}
