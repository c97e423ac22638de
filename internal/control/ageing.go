package control

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/internal/journal"
)

// An ageing feeds the trend from what is observed and brings it to disk. But for keep it belongs to the decision loop.
type ageing struct {
	trend *trend
	at    time.Time // of the newest sample, process time
	found string    // what the trend said when it was last asked

	journal Books
	dirty   chan struct{} // there is something in unsaved
	mu      sync.Mutex
	unsaved map[string][]byte // settings
}

// newAgeing takes over what the last run has kept.
func newAgeing(ctx context.Context, j Books) (*ageing, error) {
	a := &ageing{trend: newTrend(), journal: j, dirty: make(chan struct{}, 1), unsaved: map[string][]byte{}}
	var problem error
	err := a.trend.load(func(key string) []byte {
		raw, err := j.Setting(ctx, key)
		if err != nil {
			problem = err
		}
		return raw
	})
	if problem == nil {
		problem = err
	}
	if problem != nil {
		problem = fmt.Errorf("cannot load the whole trend of the panel: %w", problem)
	}
	a.found = a.trend.why()
	return a, problem
}

// look takes a minute of a panel that is on, and turns the day. local is wall time where the display stands.
func (a *ageing) look(now, local time.Time, trust journal.TimeTrust, lit bool, told Told, meter hal.Reading) {
	if trust == journal.Untrusted {
		return // nobody knows which day it is
	}
	if kept := a.trend.turn(dayOf(local)); kept != nil {
		a.found = a.trend.why()
		a.mu.Lock()
		maps.Copy(a.unsaved, kept)
		a.mu.Unlock()
		select {
		case a.dirty <- struct{}{}:
		default:
		}
	}
	if !lit || told.Brightness == LeaveBrightness || now.Sub(a.at) < time.Minute {
		return
	}
	a.at = now
	var inside physic.Temperature
	if told.Inside.Quality == hal.QualityGood {
		inside = told.Inside.Temperature
	}
	a.trend.lived(told.Hours)
	var watts physic.Power
	if meter.Quality == hal.QualityGood {
		watts = meter.Watts
	}
	a.trend.sample(told.Brightness, watts, inside)
}

// save commits what is not on disk yet.
func (a *ageing) save(ctx context.Context) error {
	a.mu.Lock()
	settings := a.unsaved
	a.unsaved = map[string][]byte{}
	a.mu.Unlock()
	if len(settings) == 0 {
		return nil
	}
	err := a.journal.Commit(ctx, journal.Write{Label: "trend", Settings: settings})
	if err != nil {
		a.mu.Lock()
		maps.Copy(settings, a.unsaved) // what came meanwhile is newer
		a.unsaved = settings
		a.mu.Unlock()
	}
	return err
}
