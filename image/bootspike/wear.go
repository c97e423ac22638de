package main

import (
	"errors"

	"bangtin/image/layout"
)

// revisions are a life's updates: one a month for ten years.
const revisions = 120

// wear goes through the changes of that many updates of slot B in memory, tears each file at every byte that changes,
// and counts how many of these cuts end neither as before the change nor as after it.
func wear(l loader) (cuts, wrong int, err error) {
	for n := 2; n < 2+revisions; n++ {
		type env struct {
			revision int
			state    string
		}
		old, bad, installed, testing, ok := env{n - 1, "ok"}, env{0, "failed"}, env{n + 1, "installed"}, env{n + 1, "testing"}, env{n + 1, "ok"}
		_, a, err := l.environment(layout.A, n, "ok")
		if err != nil {
			return cuts, wrong, err
		}
		for _, change := range [][2]env{{old, bad}, {bad, installed}, {installed, testing}, {testing, ok}, {testing, bad}} {
			_, b, err1 := l.environment(layout.B, change[0].revision, change[0].state)
			_, to, err2 := l.environment(layout.B, change[1].revision, change[1].state)
			if err1 != nil || err2 != nil {
				return cuts, wrong, errors.Join(err1, err2)
			}
			before, after := l.chooses(a, b), l.chooses(a, to)
			for _, at := range changes(b, to) {
				b[at] = to[at]
				cuts++
				if now := l.chooses(a, b); now != before && now != after {
					wrong++
				}
			}
		}
	}
	return cuts, wrong, nil
}
