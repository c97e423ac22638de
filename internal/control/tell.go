package control

import (
	"math"
	"slices"
	"strconv"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/internal/wire"
)

// The names of what is told beside the sensors and is none. A site file's names must not be the same.
const (
	signalSensor = "panel-signal" // the panel sees a picture on its input
	relaySensor  = "relay"        // what the relay was told
)

// reasonBytes keeps a state small in which every sensor has one.
const reasonBytes = 200

// sensorNews is how often what sensors say may make a state worth sending at once: a contact that chatters costs a metered
// link no more than a second heartbeat would.
const sensorNews = time.Minute

// tell lists what every sensor says, the panel's own signal and the relay: at most [wire.MaxSensors], what guards people
// and the cabinet first. What has no room there still has its alarm when it is faulty.
func (c *Control) tell(now time.Time) []wire.Sensor {
	readings := c.sensors.all()
	slices.SortStableFunc(readings, func(a, b hal.Reading) int { return rank(a.Kind) - rank(b.Kind) })
	out := append(c.tellSignal(now), c.tellRelay(now)...)
	for _, r := range readings {
		if len(out) == wire.MaxSensors {
			break
		}
		out = append(out, told(r))
	}
	return out
}

func rank(k hal.Kind) int {
	order := []hal.Kind{hal.Smoke, hal.Mains, hal.Door, hal.Tamper, hal.Key, hal.Meter, hal.Temperature}
	if i := slices.Index(order, k); i >= 0 {
		return i
	}
	return len(order)
}

// told is a reading in the words of the wire.
func told(r hal.Reading) wire.Sensor {
	s := wire.Sensor{Name: clip(r.Sensor, 100), Kind: string(r.Kind), Quality: r.Quality.String()}
	if r.Quality != hal.QualityGood {
		s.Reason = clip(r.Reason, reasonBytes)
		return s
	}
	switch r.Kind {
	case hal.Temperature:
		s.Value, s.Unit = rounded(float64(r.Temperature-physic.ZeroCelsius)/float64(physic.Celsius), 10), "°C"
	case hal.Meter:
		s.Value, s.Unit = rounded(float64(r.Watts)/float64(physic.Watt), 10), "W"
	case hal.Voltage:
		s.Value, s.Unit = rounded(float64(r.Voltage)/float64(physic.Volt), 100), "V"
	case hal.Fan:
		s.Value, s.Unit = rounded(float64(r.RPM), 1), "rpm"
	default:
		s.Value = contact(r.Active)
	}
	return s
}

// rounded is v to one part in parts of its unit: nobody measures it finer.
func rounded(v, parts float64) *float64 {
	v = math.Round(v*parts) / parts
	return &v
}

func contact(active bool) *float64 {
	v := 0.0
	if active {
		v = 1
	}
	return &v
}

// tellSignal is nothing where the panel never told since it was switched on: one that is off is not asked.
func (c *Control) tellSignal(now time.Time) []wire.Sensor {
	seen := c.seen.Panel.Told.Signal
	stale := now.Sub(seen.At) > toldFresh*signalEvery
	switch {
	case seen.At.IsZero(), stale && c.seen.Panel.Power != hal.PowerOn && !c.seen.Panel.Blind:
		return nil
	case stale:
		return []wire.Sensor{{Name: signalSensor, Kind: "signal", Quality: hal.QualityUnknown.String(), Reason: "the panel does not tell it any more"}}
	}
	return []wire.Sensor{{Name: signalSensor, Kind: "signal", Quality: hal.QualityGood.String(), Value: contact(seen.Present)}}
}

// tellRelay says what was written to the relay, which waits out its dwell before it closes; nothing where there is none.
func (c *Control) tellRelay(now time.Time) []wire.Sensor {
	s := wire.Sensor{Name: relaySensor, Kind: "relay", Quality: hal.QualityGood.String()}
	switch {
	case c.relay == nil:
		return nil
	case c.relayErr != nil:
		s.Quality, s.Reason = hal.QualityUnknown.String(), clip(c.relayErr.Error(), reasonBytes)
	default:
		w := c.relay.asked // what decide has passed on in this step
		s.Value = contact(w.closed || now.Before(w.by))
	}
	return []wire.Sensor{s}
}

// standsBy is DrawDark while the meter says so, or else nothing: or a state would go on telling what the panel drew before it
// was switched, for a heartbeat. What it draws while it is lit moves with the picture.
func (c *Control) standsBy() Draw {
	if c.cfg.Meter.Says(c.sensors.meter()) == DrawDark {
		return DrawDark
	}
	return DrawUnknown
}

// contacts is what of the sensors is news: who is there, how far each is believed, and what those say that have no unit. What is
// measured wobbles, and a reason counts the seconds; both go with the next state.
func contacts(all []wire.Sensor) string {
	out := ""
	for _, s := range all {
		out += s.Name + "\x00" + s.Kind + "\x00" + s.Quality + "\x00"
		if on, known := s.On(); known {
			out += strconv.FormatBool(on)
		}
		out += "\x00"
	}
	return out
}
