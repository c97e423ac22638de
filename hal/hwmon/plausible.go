package hwmon

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// Limits say what is plausible of one sensor. Values are in thousandths of °C, V or W, and in whole revolutions a
// minute for a fan. [DefaultLimits] has the figures of a cabinet; who wants others changes what it returns, since a
// field that is zero here is zero.
type Limits struct {
	Min, Max int64 // what lies outside is a fault and not a value; above Max it may be fire, see Rise
	Noise    int64 // a change by more than this is sent at once, a smaller one with the next repeat

	// Step and Rate bound what may come between two readings: Step, and Rate a second. What changes faster jumps, and
	// is not believed at first. Both zero: nothing jumps.
	Step, Rate int64
	// Rise is the fastest a fire at the sensor heats it, a second. It bounds readings that confirm a jump upwards, and what
	// rose above Max no faster counts as Max. Zero: nothing does.
	Rise int64

	Confirm int           // how many further readings must agree with the first after a jump, a fault or the start
	Stale   time.Duration // a value older than this is no value; at least three readings' time
	Stuck   time.Duration // a sensor that repeats itself to the last digit for so long has died; zero: it may
}

// DefaultLimits returns what is plausible of a sensor of that kind in or at a cabinet.
//
// Temperature: −40 to 125 °C is what both LM75 and DS18B20 measure, and leaves out the 127 and −128 °C of a
// thermistor that came off. 5 K/s is ten times the steepest rise that heat detectors are tested with (30 K/min, EN 54-5); above
// it only flames at the sensor itself go. Those heat a small part by up to some 40 K/s: 800 °C outside and a time constant of
// 20 s. So they take it out of its range within three seconds: what rises so is taken as 125 °C, not as a fault. Stuck is a day, because an LM75 counts in 0.5 K, and may say the same for hours in a cooled cabinet; but
// every display is lit eight hours of a day and dark the rest, and its cabinet is not equally warm through both.
//
// Voltage and watts may drop or rise at once, and fans stop: they have no rate. A fan that stands still says 0 for as
// long as it likes, and so does a meter behind a relay that is open: that counts as moving.
func DefaultLimits(kind hal.Kind) Limits {
	l := Limits{Confirm: 2, Stale: 2 * time.Second, Stuck: 24 * time.Hour}
	switch kind {
	case hal.Temperature:
		l.Min, l.Max, l.Noise = -40_000, 125_000, 500
		l.Step, l.Rate, l.Rise = 5_000, 5_000, 40_000
	case hal.Voltage:
		l.Max, l.Noise = 60_000, 100
	case hal.Fan:
		l.Max, l.Noise = 30_000, 100
	case hal.Meter:
		l.Max, l.Noise, l.Confirm = 10_000_000, 1_000, 1
	}
	return l
}

// A sample is what one read brought.
type sample struct {
	value   int64  // in the unit of Limits
	raw     int64  // what the part said, to its last digit
	wrong   string // why this is no value at all; empty when it is one
	suspect string // why it is none unless the readings before it agree

	holds time.Duration // how long the part may say the same before it measures again; not positive: it does not tell
}

// A judge decides what is believed of one sensor. It is pure: all it knows is what it is told, and when.
//
// It has two states. While it trusts the sensor each value that does not jump is believed. A value that jumps, lies
// out of range or is stuck ends that at once; a read that fails ends it when the last value has become stale, so that one lost
// read is not a fault. It trusts again when Confirm further readings agree with a first one, reads that fail between
// them not counted: quality changes at most once in so many readings, however the sensor flutters.
//
// The readings that agree must come from two measurements at least: a part that measures seldom says a wild value several
// times. So they also span the time that such a part holds a value, but Stale at most: no part makes itself unheard by that.
//
// Up and down are not alike. A jump upwards that is confirmed is believed, however high: with a reading each 0.2 s a fire
// counts 0.6 s after it reached the sensor at the latest. A jump downwards must also wait until a cabinet could have cooled that far
// since it was last believed, at Rate: 80 °C that turns into 25 °C is a broken wire sooner than an extinguished fire, and takes 10 s.
// So a faulty sensor may at worst take a panel off the air, and cannot hide a fire by turning cold.
type judge struct {
	kind   hal.Kind
	limits Limits

	trusts bool
	reason string // why it does not trust
	hurry  int    // readings that are wanted at once, to confirm a jump

	belief   int64 // the last value believed
	believed time.Time

	claim    int64 // the newest of the readings that agree while it does not trust
	claimed  time.Time
	agreeing int
	since    time.Time // when the first of them was read

	heard    time.Time // when any value came
	missed   error     // why none came since; nil when nobody knows
	raw      int64
	rawSince time.Time
}

func newJudge(kind hal.Kind, limits Limits) *judge {
	return &judge{kind: kind, limits: limits, reason: "not read yet"}
}

// take judges a value that was read at that time.
func (j *judge) take(at time.Time, s sample) {
	if j.heard.IsZero() || at.Sub(j.heard) > j.limits.Stale || s.raw != j.raw || rests(j.kind, s.value) {
		j.raw, j.rawSince = s.raw, at
	}
	j.heard, j.missed = at, nil
	if j.burns(at, s.value) {
		s.value = j.limits.Max
	}
	stuck := at.Sub(j.rawSince)
	switch {
	case s.wrong != "":
		j.doubt(s.wrong)
	case s.value < j.limits.Min || s.value > j.limits.Max:
		j.doubt(fmt.Sprintf("%s is outside %s to %s", j.text(s.value), j.text(j.limits.Min), j.text(j.limits.Max)))
	case j.limits.Stuck > 0 && stuck >= j.limits.Stuck:
		j.doubt(fmt.Sprintf("stuck: %s to the last digit for %s", j.text(s.value), stuck.Truncate(time.Minute)))
	case s.suspect != "" && !j.corroborated(at, s.value):
		j.doubt(s.suspect)
	case j.trusts && j.near(s.value, j.belief, at.Sub(j.believed)):
		j.believe(at, s.value)
	default:
		j.weigh(at, s.value, s.holds)
	}
}

// rests tells a value that a part may say for as long as it likes: of a fan that stands still, and of a supply that is cut.
func rests(kind hal.Kind, value int64) bool {
	return value == 0 && (kind == hal.Fan || kind == hal.Meter)
}

// weigh is for a value that is not believed by itself, of a part that may hold it for so long.
func (j *judge) weigh(at time.Time, value int64, holds time.Duration) {
	if j.trusts {
		j.doubt(fmt.Sprintf("jumped from %s to %s in %s", j.text(j.belief), j.text(value), at.Sub(j.believed).Truncate(time.Millisecond)))
		j.hurry = j.limits.Confirm
	}
	if j.agrees(at, value) {
		j.agreeing++
	} else {
		j.agreeing, j.since = 1, at
	}
	j.claim, j.claimed = value, at
	switch {
	case j.agreeing <= j.limits.Confirm:
		if j.believed.IsZero() {
			j.reason = fmt.Sprintf("%d of %d readings agree", j.agreeing, j.limits.Confirm+1)
		}
	case at.Sub(j.since) < min(holds, j.limits.Stale): // it may be one measurement
	case j.cooled(at, value):
		j.believe(at, value)
	}
}

// agrees tells whether value follows the readings that are being weighed: as slowly as a cabinet changes, or rising
// as fast as flames heat it.
func (j *judge) agrees(at time.Time, value int64) bool {
	past := at.Sub(j.claimed)
	if j.agreeing == 0 {
		return false
	}
	rises := value > j.claim && value-j.claim <= j.limits.Step+span(j.limits.Rise, past)
	return j.near(value, j.claim, past) || rises
}

// burns tells whether a fire can have heated the sensor above its range since it was last believed, or since the last of the
// readings that are being weighed.
func (j *judge) burns(at time.Time, value int64) bool {
	from, since := j.claim, j.claimed
	if j.trusts {
		from, since = j.belief, j.believed
	}
	heats := j.limits.Rise > 0 && (j.trusts || j.agreeing > 0)
	return heats && value > j.limits.Max && value-from <= j.limits.Step+span(j.limits.Rise, at.Sub(since))
}

// cooled tells whether what was last believed may have come down to value by now.
func (j *judge) cooled(at time.Time, value int64) bool {
	return j.believed.IsZero() || value >= j.belief || j.near(value, j.belief, at.Sub(j.believed))
}

// corroborated tells whether a reading just before came close to value.
func (j *judge) corroborated(at time.Time, value int64) bool {
	if j.trusts {
		return j.near(value, j.belief, min(at.Sub(j.believed), j.limits.Stale))
	}
	return j.agrees(at, value)
}

// near tells whether a may follow b within past, without a jump.
func (j *judge) near(a, b int64, past time.Duration) bool {
	if j.limits.Step == 0 && j.limits.Rate == 0 {
		return true
	}
	return max(a-b, b-a) <= j.limits.Step+span(j.limits.Rate, past)
}

// span is how far something moves in that time. An hour is for ever: it keeps the product small.
func span(rate int64, past time.Duration) int64 {
	return rate * min(past, time.Hour).Milliseconds() / 1000
}

func (j *judge) believe(at time.Time, value int64) {
	j.trusts, j.reason, j.hurry, j.agreeing = true, "", 0, 0
	j.belief, j.believed = value, at
}

func (j *judge) doubt(reason string) {
	j.trusts, j.reason, j.hurry, j.agreeing = false, reason, 0, 0
}

// miss is told that there is still no new value, and why if anybody knows.
func (j *judge) miss(now time.Time, err error) {
	j.missed = cmp.Or(err, j.missed)
	switch {
	case j.heard.IsZero():
		if j.missed != nil {
			j.reason = j.missed.Error()
		}
	case now.Sub(j.heard) > j.limits.Stale:
		j.doubt(fmt.Sprint(cmp.Or(j.missed, fmt.Errorf("no value for %s", j.limits.Stale))))
	}
}

// reading is what is to be said of the sensor now.
func (j *judge) reading(name string, now time.Time) hal.Reading {
	r := hal.Reading{Sensor: name, Kind: j.kind, At: now, Reason: j.reason}
	if !j.trusts {
		return r
	}
	r.Quality, r.At = hal.QualityGood, j.believed
	switch j.kind {
	case hal.Temperature:
		r.Temperature = physic.ZeroCelsius + physic.Temperature(j.belief)*physic.MilliCelsius
	case hal.Voltage:
		r.Voltage = physic.ElectricPotential(j.belief) * physic.MilliVolt
	case hal.Fan:
		r.RPM = int(j.belief)
	case hal.Meter:
		r.Watts = physic.Power(j.belief) * physic.MilliWatt
	}
	return r
}

// text is a value as people write it.
func (j *judge) text(value int64) string {
	unit := map[hal.Kind]string{hal.Temperature: " °C", hal.Voltage: " V", hal.Meter: " W"}[j.kind]
	if unit == "" {
		return fmt.Sprintf("%d rpm", value)
	}
	sign := ""
	if value < 0 {
		sign, value = "-", -value
	}
	digits := strings.TrimRight(fmt.Sprintf("%d.%03d", value/1000, value%1000), "0")
	return sign + strings.TrimSuffix(digits, ".") + unit
}

// check refuses limits that would judge nothing or everything.
func (l Limits) check() error {
	switch {
	case l.Min >= l.Max:
		return fmt.Errorf("limits of %d to %d leave nothing", l.Min, l.Max)
	case min(l.Noise, l.Step, l.Rate, l.Rise) < 0 || l.Confirm < 0 || l.Confirm > 10 || l.Stale < 0 || l.Stuck < 0:
		return fmt.Errorf("limits are negative or too large: %+v", l)
	}
	return nil
}

// or is l, or the default where nothing is set.
func (l Limits) or(other Limits) Limits { return cmp.Or(l, other) }
