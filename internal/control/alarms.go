package control

import (
	"maps"
	"slices"
	"time"

	"bangtin/internal/journal"
)

// An alarm is something wrong that a person must hear of once it has lasted.
type alarm struct {
	class  journal.IncidentClass
	detail string
	wait   time.Duration // how long it must last before it is an incident
}

// calmFor is how long an alarm that came back must be away before it is over: a door that rattles is one door.
const calmFor = time.Minute

// alarms turns what is wrong now into incidents: one when it has lasted long enough, one when it is over. One that comes
// back within calmFor is over only when it has been away for as long, and counts how often it came.
type alarms struct {
	since  map[string]time.Time
	raised map[string]*raised
	over   map[string]time.Time // when it was, within calmFor
}

// A raised alarm is an incident that is not over.
type raised struct {
	alarm
	count   int       // how often it came
	restive bool      // it came back
	away    time.Time // since when; zero while it is there
}

func newAlarms() *alarms {
	return &alarms{since: map[string]time.Time{}, raised: map[string]*raised{}, over: map[string]time.Time{}}
}

// update takes everything that is wrong at now (process time) and returns the incidents that follow.
func (a *alarms) update(now time.Time, wrong map[string]alarm) []journal.Incident {
	var out []journal.Incident
	maps.DeleteFunc(a.over, func(_ string, at time.Time) bool { return now.Sub(at) >= calmFor })
	for _, code := range slices.Sorted(maps.Keys(a.since)) {
		if _, still := wrong[code]; still {
			continue
		}
		was := a.raised[code]
		if was != nil && was.away.IsZero() {
			was.away = now
		}
		if was != nil && was.restive && now.Sub(was.away) < calmFor {
			continue
		}
		delete(a.since, code)
		if was != nil {
			delete(a.raised, code)
			a.over[code] = now
			out = append(out, journal.Incident{Class: was.class, Code: code, Detail: clip(was.detail, 500), Count: was.count, Over: true})
		}
	}
	for _, code := range slices.Sorted(maps.Keys(wrong)) {
		if inc, news := a.raise(now, code, wrong[code]); news {
			out = append(out, inc)
		}
	}
	return out
}

// raise takes one that is wrong now.
func (a *alarms) raise(now time.Time, code string, al alarm) (inc journal.Incident, news bool) {
	if _, known := a.since[code]; !known {
		a.since[code] = now
	}
	if was := a.raised[code]; was != nil {
		if !was.away.IsZero() {
			was.count, was.away = was.count+1, time.Time{}
		}
		return inc, false
	}
	if now.Sub(a.since[code]) < al.wait {
		return inc, false
	}
	_, restive := a.over[code]
	a.raised[code] = &raised{alarm: al, count: 1, restive: restive}
	return journal.Incident{Class: al.class, Code: code, Detail: clip(al.detail, 500), Count: 1}, true
}

// codes lists what is raised, sorted.
func (a *alarms) codes() []string { return slices.Sorted(maps.Keys(a.raised)) }

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
