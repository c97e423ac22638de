package control

import (
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

// A Trend is the trend of a panel with a journal's settings, for tests.
type Trend struct {
	trend *trend
	Kept  map[string][]byte
}

func NewTrend() *Trend { return &Trend{newTrend(), map[string][]byte{}} }

// Restart loads what was kept.
func (t *Trend) Restart() error {
	t.trend = newTrend()
	return t.trend.load(func(key string) []byte { return t.Kept[key] })
}

// Day lives one day of so many lit minutes, and turns to the next.
func (t *Trend) Day(local time.Time, minutes, brightness int, watts physic.Power, inside physic.Temperature) {
	t.keep(local)
	for range minutes {
		t.trend.sample(brightness, watts, inside)
	}
	t.keep(local.AddDate(0, 0, 1))
}

func (t *Trend) keep(local time.Time) {
	for key, value := range t.trend.turn(dayOf(local)) {
		t.Kept[key] = value
	}
}

func (t *Trend) Lived(hours int) { t.trend.lived(hours) }
func (t *Trend) Why() string     { return t.trend.why() }
func (t *Trend) Rows() int       { return len(t.trend.rows) }

// Inside has the panel's own thermometer answer so in turn, and returns what was believed last and how often the next
// answer was wanted at once.
func Inside(answers ...int) (believed hal.Reading, soons int) {
	var i inside
	for _, c := range answers {
		if i.take(physic.ZeroCelsius+physic.Temperature(c)*physic.Celsius, time.Now(), &believed) {
			soons++
		}
	}
	return believed, soons
}
