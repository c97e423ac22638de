package media

import (
	"errors"
	"fmt"
	"time"
)

const day = 24 * time.Hour

// A Window is a part of every day in which the display owes a picture, by the site's wall clock: From inclusive,
// To exclusive, both whole seconds since local midnight. 24 h is allowed for To. A window does not cross midnight;
// two windows do.
type Window struct {
	From, To time.Duration
}

// A Schedule says when the display owes a picture. It is a plain value: its methods are pure and may be called
// from any goroutine. Every day of the year is alike; the regulation (Article 6.1) excepts none.
type Schedule struct {
	Windows []Window       // in order, not overlapping
	Lead    time.Duration  // the panel is powered this much before a window; 0 to 1 h
	Zone    *time.Location // of the site
}

// A Moment is what the schedule says of one instant. It stays true until NextChange, so a caller that remembers
// it need not ask every second.
type Moment struct {
	InWindow   bool
	Lead       bool      // not yet in the window, but within Lead of its start
	Start, End time.Time // of the window the instant is in, else of the next one; End is exclusive
	NextChange time.Time // when any of the above changes; zero only for a Schedule without windows
}

// Validate finds what would make a schedule ambiguous. The other methods need a valid schedule.
func (s Schedule) Validate() error {
	if s.Zone == nil {
		return errors.New("cannot use schedule: it has no time zone")
	}
	if s.Lead < 0 || s.Lead > time.Hour {
		return fmt.Errorf("cannot use schedule: lead %v is not between 0 and 1h", s.Lead)
	}
	if len(s.Windows) == 0 || len(s.Windows) > 24 {
		return fmt.Errorf("cannot use schedule: it has %d windows, needs 1 to 24", len(s.Windows))
	}
	var last time.Duration
	for i, w := range s.Windows {
		switch {
		case w.From%time.Second != 0 || w.To%time.Second != 0:
			return fmt.Errorf("cannot use schedule: window %d is not in whole seconds", i+1)
		case w.From < 0 || w.To > day || w.From >= w.To:
			return fmt.Errorf("cannot use schedule: window %d from %v to %v is not inside one day", i+1, w.From, w.To)
		case w.From < last:
			return fmt.Errorf("cannot use schedule: window %d starts before the one ahead of it ends", i+1)
		}
		last = w.To
	}
	return nil
}

// At says what the schedule wants at t.
func (s Schedule) At(t time.Time) Moment {
	// A zone that moves across the date line leaves out a whole day, and the clock may read yesterday's date once
	// more, hence two days ahead and one to spare.
	midnight := s.midnight(t.Unix())
	for d := int64(0); d <= 3; d++ {
		for _, w := range s.Windows {
			to := s.instant(midnight + d*daySeconds + seconds(w.To))
			if to <= t.Unix() {
				continue
			}
			from := s.instant(midnight + d*daySeconds + seconds(w.From))
			if from < to {
				return s.moment(t, time.Unix(from, 0), time.Unix(to, 0))
			}
		}
	}
	return Moment{}
}

func (s Schedule) moment(t, start, end time.Time) Moment {
	m := Moment{Start: start.In(s.Zone), End: end.In(s.Zone)}
	power := m.Start.Add(-s.Lead)
	switch {
	case !t.Before(start):
		m.InWindow = true
		m.NextChange = m.End
	case !t.Before(power):
		m.Lead = true
		m.NextChange = m.Start
	default:
		m.NextChange = power
	}
	return m
}

// Required counts the seconds owed between two UTC seconds since 1970, from inclusive and to exclusive. It is 0
// when to is not after from. The work grows with the number of days between them.
func (s Schedule) Required(from, to int64) int64 {
	var sum int64
	last := s.midnight(to) + daySeconds // which has begun already where the clock was set back across midnight
	for d := s.midnight(from); d <= last; d += daySeconds {
		for _, w := range s.Windows {
			start := max(from, s.instant(d+seconds(w.From)))
			end := min(to, s.instant(d+seconds(w.To)))
			sum += max(0, end-start)
		}
	}
	return sum
}

// Day returns the start and the exclusive end of the local day that t is in. It may have 23 or 25 hours.
func (s Schedule) Day(t time.Time) (start, end time.Time) {
	midnight := s.midnight(t.Unix())
	// Where the clock was set back across midnight, the new day has begun already though the clock reads the old.
	if next := s.instant(midnight + daySeconds); next <= t.Unix() {
		midnight += daySeconds
	}
	return time.Unix(s.instant(midnight), 0).In(s.Zone), time.Unix(s.instant(midnight+daySeconds), 0).In(s.Zone)
}

// Wall time is counted here as if it were UTC: seconds from 1970-01-01 00:00 on the wall. Days are then all 86400
// long and the leap years are right by arithmetic; only instant knows of the zone.

const daySeconds = int64(day / time.Second)

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// midnight is the wall time of the last midnight the wall clock showed at UTC second u.
func (s Schedule) midnight(u int64) int64 {
	_, offset := time.Unix(u, 0).In(s.Zone).Zone()
	wall := u + int64(offset)
	return wall - ((wall%daySeconds)+daySeconds)%daySeconds
}

// instant is the first UTC second at which the wall clock has reached wall. Where the clock is put forward over
// wall, that is the second of the change; where it is set back, the first of the two; so instant never falls when
// wall rises, adjoining windows neither overlap nor leave a gap, and no second is owed twice.
//
// time.Date alone does not say which of two answers it gives in these cases.
func (s Schedule) instant(wall int64) int64 {
	// No zone is or was further than 16 h from UTC, so the wall clock has certainly not reached wall here.
	u := wall - 16*3600
	for {
		t := time.Unix(u, 0).In(s.Zone)
		_, offset := t.Zone()
		u = max(u, wall-int64(offset))
		_, end := t.ZoneBounds()
		if end.IsZero() || u < end.Unix() {
			return u
		}
		u = end.Unix()
	}
}
