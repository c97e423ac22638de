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

// alarms turns what is wrong now into incidents: one when it has lasted long enough, one when it is over.
type alarms struct {
	since  map[string]time.Time
	raised map[string]alarm
}

func newAlarms() *alarms {
	return &alarms{since: map[string]time.Time{}, raised: map[string]alarm{}}
}

// update takes everything that is wrong at now (process time) and returns the incidents that follow.
func (a *alarms) update(now time.Time, wrong map[string]alarm) []journal.Incident {
	var out []journal.Incident
	for _, code := range slices.Sorted(maps.Keys(a.since)) {
		if _, still := wrong[code]; still {
			continue
		}
		delete(a.since, code)
		if was, ok := a.raised[code]; ok {
			delete(a.raised, code)
			out = append(out, journal.Incident{Class: was.class, Code: code, Detail: clip(was.detail, 500), Count: 1, Over: true})
		}
	}
	for _, code := range slices.Sorted(maps.Keys(wrong)) {
		al := wrong[code]
		if _, known := a.since[code]; !known {
			a.since[code] = now
		}
		if _, already := a.raised[code]; already || now.Sub(a.since[code]) < al.wait {
			continue
		}
		a.raised[code] = al
		out = append(out, journal.Incident{Class: al.class, Code: code, Detail: clip(al.detail, 500), Count: 1})
	}
	return out
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
