package main

import (
	"fmt"
	"strings"
	"time"
)

// zone is where people's times are meant and shown.
func zone() (*time.Location, error) {
	z, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		return nil, fmt.Errorf("cannot load time zone: %w", err)
	}
	return z, nil
}

// when reads a time as people write it, in Vietnam's time unless it says otherwise, or as a span from now.
func (p *Program) when(option, s string) (time.Time, error) {
	z, err := zone()
	if err != nil {
		return time.Time{}, err
	}
	if span, ok := strings.CutPrefix(s, "+"); ok {
		if d, err := time.ParseDuration(span); err == nil && d > 0 {
			return p.Now().UTC().Add(d).Truncate(time.Second), nil
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, z); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &problem{field: option, what: say("%q is not a time", s),
		remedy: say(`write "2027-02-06 18:00" (Vietnam's time) or a span such as +2h`), usage: true}
}

// clock shows a time to people.
func clock(t time.Time) (string, error) {
	z, err := zone()
	if err != nil {
		return "", err
	}
	return t.In(z).Format("2006-01-02 15:04 -07"), nil
}

// nextVersion is UTC milliseconds, or one more than the last where the clock has gone back.
func nextVersion(now time.Time, last uint64) uint64 {
	return max(uint64(max(now.UnixMilli(), 0)), last+1)
}
