package control

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// sensorStale is three missed reports; a hal.Sensor reports at least every 10 s.
const sensorStale = 30 * time.Second

// fanWait is how long a fan may stand: one that starts by temperature stands for a while in the morning. Our judgement.
const fanWait = 10 * time.Minute

const (
	// faultyWait is how long a sensor may say nothing sensible.
	faultyWait = time.Minute
	// meterWait is the same for the panel's watts, which guard nothing. A pulse meter needs two pulses: 24 min for a panel
	// of 5 W at 1000 pulses a kWh.
	meterWait = 2 * time.Hour
)

// sensors holds the newest reading of each sensor. take is for the loop; the rest is safe for concurrent use.
type sensors struct {
	readings chan hal.Reading
	safety   Safety
	mu       sync.Mutex
	names    []string // of those in last, sorted
	last     map[string]hal.Reading
	heard    map[string]time.Time          // process time
	good     map[string]physic.Temperature // the last good ones
}

func newSensors(safety Safety, expect []hal.Reading) *sensors {
	s := &sensors{
		readings: make(chan hal.Reading, 16), safety: safety,
		last: map[string]hal.Reading{}, heard: map[string]time.Time{}, good: map[string]physic.Temperature{},
	}
	for _, r := range expect {
		s.take(hal.Reading{Sensor: r.Sensor, Kind: r.Kind, Reason: "nothing heard yet"})
	}
	return s
}

func (s *sensors) take(r hal.Reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, known := slices.BinarySearch(s.names, r.Sensor); !known {
		s.names = slices.Insert(s.names, i, r.Sensor)
	}
	s.last[r.Sensor], s.heard[r.Sensor] = r, time.Now()
	if r.Kind == hal.Temperature && r.Quality == hal.QualityGood {
		s.good[r.Sensor] = r.Temperature
	}
}

// forget drops a sensor that is not asked any more: that it is quiet is no fault.
func (s *sensors) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
	delete(s.last, name)
	delete(s.heard, name)
	delete(s.good, name)
}

// all lists the readings by name. One not heard of for long is of unknown quality.
func (s *sensors) all() []hal.Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]hal.Reading, 0, len(s.names))
	for _, name := range s.names {
		r := s.last[name]
		if r.Quality == hal.QualityGood && time.Since(s.heard[name]) > sensorStale {
			r.Quality, r.Reason = hal.QualityUnknown, "nothing heard for "+sensorStale.String()
		}
		out = append(out, r)
	}
	return out
}

// fire says why the panel must be cut off now; empty when nothing says so.
func (s *sensors) fire() string {
	for _, r := range s.all() {
		switch {
		case r.Quality != hal.QualityGood:
		case r.Kind == hal.Smoke && r.Active:
			return "smoke reported by " + r.Sensor
		case r.Kind == hal.Temperature && r.Temperature >= s.safety.CutOff && s.safety.heeds(r.Sensor):
			why := fmt.Sprintf("%s measures %s, the cut-off is %s", r.Sensor, r.Temperature, s.safety.CutOff)
			if r.Sensor == insideSensor {
				why += "; if the panel lies: " + insideIgnored
			}
			return why
		}
	}
	return ""
}

// unproven says why nobody knows that there is no heat any more: a temperature was at the cut-off when its sensor failed,
// as one does that burns. It is empty when there is none. A person who must have the display lit without that sensor takes
// it out of the site file.
func (s *sensors) unproven() string {
	all := s.all()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range all {
		if r.Quality != hal.QualityGood && r.Kind == hal.Temperature && s.good[r.Sensor] >= s.safety.CutOff && s.safety.heeds(r.Sensor) {
			return fmt.Sprintf("%s says nothing that can be believed (%s): mend it first, or take it out of the site file", r.Sensor, r.Reason)
		}
	}
	return ""
}

// silentSmoke says which smoke detector cannot say that there is no fire; empty when each of them can.
func (s *sensors) silentSmoke() string {
	for _, r := range s.all() {
		if r.Quality != hal.QualityGood && r.Kind == hal.Smoke {
			return fmt.Sprintf("%s says nothing that can be believed (%s): mend it first, or say --despite-silent-smoke", r.Sensor, r.Reason)
		}
	}
	return ""
}

// mains is nil when no sensor tells.
func (s *sensors) mains() *bool {
	for _, r := range s.all() {
		if r.Kind == hal.Mains && r.Quality == hal.QualityGood {
			return &r.Active
		}
	}
	return nil
}

// meter is the newest reading of the first meter that says anything; without a Kind when none does.
func (s *sensors) meter() hal.Reading {
	for _, r := range s.all() {
		if r.Kind == hal.Meter && r.Quality == hal.QualityGood {
			return r
		}
	}
	return hal.Reading{}
}

func (s *sensors) temperatures() []wire.Temperature {
	out := []wire.Temperature{}
	for _, r := range s.all() {
		if r.Kind != hal.Temperature {
			continue
		}
		t := wire.Temperature{Sensor: r.Sensor}
		if r.Quality == hal.QualityGood {
			c := float64((r.Temperature-physic.ZeroCelsius)/(physic.Celsius/10)) / 10
			t.Celsius = &c
		}
		out = append(out, t)
	}
	return out
}

// wrong lists what the sensors have to complain of.
func (s *sensors) wrong(into map[string]alarm) {
	for _, r := range s.all() {
		switch {
		case r.Quality != hal.QualityGood:
			class := journal.Technical
			if r.Kind == hal.Smoke {
				class = journal.Fire // nobody would notice one
			}
			into["sensor-faulty-"+r.Sensor] = alarm{class: class, detail: r.Sensor + ": " + r.Reason, wait: patience(r.Kind)}
		case r.Kind == hal.Mains && !r.Active:
			into["mains-lost"] = alarm{class: journal.Supply, detail: "the mains supply is absent"}
		case r.Kind == hal.Door && r.Active:
			into["door-open"] = alarm{class: journal.Intrusion, detail: r.Sensor + " is open"}
		case r.Kind == hal.Tamper && r.Active:
			into["tamper"] = alarm{class: journal.Intrusion, detail: r.Sensor + " says that somebody is at it"}
		case r.Kind == hal.Fan && r.RPM == 0:
			into["fan-stopped"] = alarm{class: journal.Technical, detail: r.Sensor + " does not turn", wait: fanWait}
		}
	}
}

// patience is how long a sensor of a kind may be of unknown quality before a person hears of it.
func patience(k hal.Kind) time.Duration {
	if k == hal.Meter {
		return meterWait
	}
	return faultyWait
}
