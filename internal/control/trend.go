package control

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"periph.io/x/conn/v3/physic"
)

// What counts as wear. No source gives numbers for a panel as a whole; they are our judgement, from these: LCD backlights
// are specified to half their light after 50,000 h, which is 17 years of eight hours, so a quarter of the watts in
// months is no ageing but a failed row of LEDs or a driver; a fan that stopped or a filter that is full shows as 10 K and more, and
// the months of An Giang differ by 3 K.
const (
	trendWatts   = 25 // percent up or down
	trendCelsius = 8  // K up
	// trendDays of data make the beginning, and as many make the present: the median of a month forgets a holiday and a heat wave.
	trendDays = 30
	// trendSamples is how many minutes of a day make a row of it.
	trendSamples = 30
	// trendStep is how far brightnesses may lie apart that count as equal, in percent.
	trendStep = 10
	// trendLevels is how many levels of brightness of one day are kept, and trendMonths for how long.
	trendLevels = 4
	trendMonths = 36
	// trendNew is by how many hours a panel's life must have shrunk before it is another panel.
	trendNew = 24
)

// A trendRow is one day at one brightness. Zero watts and zero degrees stand for no data: a lit panel has neither.
type trendRow struct {
	Day     int `json:"d"`           // local days since 1970
	Level   int `json:"b"`           // percent, a multiple of trendStep
	Watts   int `json:"w,omitempty"` // mean, in tenths
	Celsius int `json:"t,omitempty"` // mean of the panel's own thermometer, in tenths
}

// A trendBase is how the panel was when it was new to us.
type trendBase struct {
	Hours  int                  `json:"hours"` // of its life, when they were told last
	Levels map[int]*trendFirsts `json:"levels"`
}

// trendFirsts are the means of the first trendDays days with data at one brightness, and the day of the last of them.
type trendFirsts struct {
	Watts      []int `json:"w,omitempty"`
	WattsDay   int   `json:"wd,omitempty"`
	Celsius    []int `json:"t,omitempty"`
	CelsiusDay int   `json:"td,omitempty"`
}

// A trend compares what the panel draws, and how warm it is, with what it did at first, at equal brightness. It does no
// I/O: what is to be kept comes as settings, of which there are at most trendMonths and one, of a few kB each. What
// was measured of a day is lost with a restart; the rest of the day makes its row.
type trend struct {
	base trendBase
	rows []trendRow // by day
	day  int
	sums map[int]*trendSum // of day, by level
}

type trendSum struct {
	minutes, watts, warm int // how many minutes, with watts, with a temperature
	power                int64
	celsius              int64
}

func newTrend() *trend {
	return &trend{base: trendBase{Levels: map[int]*trendFirsts{}}, sums: map[int]*trendSum{}}
}

// settingTrend is where a month is kept: its place is taken by the same month three years later.
func settingTrend(month int) string { return fmt.Sprintf("control.trend.%02d", month%trendMonths) }

const settingTrendBase = "control.trend.base"

// load takes over what was kept. What cannot be read is left out: the trend of a display is worth less than its picture.
func (t *trend) load(setting func(key string) []byte) error {
	var problem error
	read := func(key string, into any) {
		if raw := setting(key); raw != nil {
			problem = cmp.Or(problem, json.Unmarshal(raw, into))
		}
	}
	read(settingTrendBase, &t.base)
	if t.base.Levels == nil {
		t.base.Levels = map[int]*trendFirsts{}
	}
	maps.DeleteFunc(t.base.Levels, func(_ int, f *trendFirsts) bool { return f == nil })
	for month := range trendMonths {
		var rows []trendRow
		read(settingTrend(month), &rows)
		t.rows = append(t.rows, rows[:min(len(rows), 31*trendLevels)]...)
	}
	slices.SortStableFunc(t.rows, func(a, b trendRow) int { return cmp.Compare(a.Day, b.Day) })
	return problem
}

// sample adds a minute of a lit panel. Zero watts, or zero for the temperature, is one that nobody measured.
func (t *trend) sample(brightness int, watts physic.Power, inside physic.Temperature) {
	level := (brightness + trendStep/2) / trendStep * trendStep
	s := t.sums[level]
	if s == nil {
		s = &trendSum{}
		t.sums[level] = s
	}
	s.minutes++
	if watts > 0 {
		s.watts++
		s.power += int64(watts / (physic.Watt / 10))
	}
	if inside > 0 {
		s.warm++
		s.celsius += int64((inside - physic.ZeroCelsius) / (physic.Celsius / 10))
	}
}

// lived takes the hours that the panel has been on in its life. One that has lived less than before is another one, and
// its beginning is now.
func (t *trend) lived(hours int) {
	if hours <= 0 {
		return
	}
	if hours+trendNew < t.base.Hours {
		t.base.Levels, t.rows, t.sums = map[int]*trendFirsts{}, nil, map[int]*trendSum{}
	}
	t.base.Hours = hours
}

// turn comes to a day. Where that is another one it makes rows of the day before, and returns the settings that keep them.
func (t *trend) turn(day int) map[string][]byte {
	if day == t.day {
		return nil
	}
	closed, sums := t.day, t.sums
	t.day, t.sums = day, map[int]*trendSum{}
	levels := slices.SortedFunc(maps.Keys(sums), func(a, b int) int {
		return cmp.Or(cmp.Compare(sums[b].minutes, sums[a].minutes), cmp.Compare(a, b))
	})
	added := false
	for _, level := range levels[:min(len(levels), trendLevels)] {
		row := sums[level].row(closed, level)
		if row.Watts == 0 && row.Celsius == 0 {
			continue
		}
		added = true
		t.rows = append(t.rows, row)
		t.first(row)
	}
	if !added {
		return nil
	}
	t.rows = slices.DeleteFunc(t.rows, func(r trendRow) bool { return month(closed)-month(r.Day) >= trendMonths || r.Day > closed })
	var rows []trendRow
	for _, r := range t.rows {
		if month(r.Day) == month(closed) {
			rows = append(rows, r)
		}
	}
	kept := map[string][]byte{}
	for key, v := range map[string]any{settingTrendBase: t.base, settingTrend(month(closed)): rows} {
		if raw, err := json.Marshal(v); err == nil { // numbers alone: it cannot fail
			kept[key] = raw
		}
	}
	return kept
}

func (s *trendSum) row(day, level int) trendRow {
	r := trendRow{Day: day, Level: level}
	if s.watts >= trendSamples {
		r.Watts = int(s.power / int64(s.watts))
	}
	if s.warm >= trendSamples {
		r.Celsius = int(s.celsius / int64(s.warm))
	}
	return r
}

// first takes the row into the beginning as long as that is not complete.
func (t *trend) first(r trendRow) {
	f := t.base.Levels[r.Level]
	if f == nil {
		f = &trendFirsts{}
		t.base.Levels[r.Level] = f
	}
	if r.Watts != 0 && len(f.Watts) < trendDays {
		f.Watts, f.WattsDay = append(f.Watts, r.Watts), r.Day
	}
	if r.Celsius != 0 && len(f.Celsius) < trendDays {
		f.Celsius, f.CelsiusDay = append(f.Celsius, r.Celsius), r.Day
	}
}

// why says how the panel is not any more what it was, with figures; empty while it is, or nobody can tell.
func (t *trend) why() string {
	for _, level := range slices.Sorted(maps.Keys(t.base.Levels)) {
		f := t.base.Levels[level]
		now, ok := t.last(level, f.WattsDay, func(r trendRow) int { return r.Watts })
		if then := median(f.Watts); ok && len(f.Watts) == trendDays && then > 0 {
			if change := (now - then) * 100 / then; change < -trendWatts || change > trendWatts {
				return fmt.Sprintf("at %d %% brightness it draws %s W and drew %s W at first (%+d %%)", level, tenths(now), tenths(then), change)
			}
		}
		now, ok = t.last(level, f.CelsiusDay, func(r trendRow) int { return r.Celsius })
		if then := median(f.Celsius); ok && len(f.Celsius) == trendDays && now-then > trendCelsius*10 {
			return fmt.Sprintf("at %d %% brightness it has %s °C inside and had %s °C at first", level, tenths(now), tenths(then))
		}
	}
	return ""
}

// last is the median of the newest days with data at a brightness, all of them after the beginning; false while these are
// too few.
func (t *trend) last(level, after int, value func(trendRow) int) (int, bool) {
	var found []int
	for _, r := range slices.Backward(t.rows) {
		if r.Day <= after || len(found) == trendDays {
			break
		}
		if v := value(r); r.Level == level && v != 0 {
			found = append(found, v)
		}
	}
	return median(found), len(found) == trendDays
}

// median leaves its argument as it is; of nothing it is zero.
func median(values []int) int {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

func tenths(v int) string { return fmt.Sprintf("%.1f", float64(v)/10) }

// dayOf is the number of a local day since 1970.
func dayOf(local time.Time) int {
	y, m, d := local.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// month counts months since year 0.
func month(day int) int {
	y, m, _ := time.Unix(int64(day)*24*60*60, 0).UTC().Date()
	return y*12 + int(m) - 1
}
