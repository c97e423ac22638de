package control

import (
	"time"

	"periph.io/x/conn/v3/physic"
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
