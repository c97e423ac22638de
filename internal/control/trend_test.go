package control_test

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/internal/control"
)

// days lives so many days, each like the one before.
func days(tr *control.Trend, from time.Time, n, minutes, brightness int, watts, celsius float64) time.Time {
	for range n {
		tr.Day(from, minutes, brightness, physic.Power(watts*float64(physic.Watt)), degrees(celsius))
		from = from.AddDate(0, 0, 1)
	}
	return from
}

func degrees(celsius float64) physic.Temperature {
	if celsius == 0 {
		return 0
	}
	return physic.ZeroCelsius + physic.Temperature(celsius*float64(physic.Celsius))
}

func TestTrend(t *testing.T) {
	for _, tt := range []struct {
		name string
		live func(tr *control.Trend, from time.Time) time.Time
		want string // what is said, empty for nothing
	}{
		{"nothing yet", func(tr *control.Trend, from time.Time) time.Time { return from }, ""},
		{"as ever", func(tr *control.Trend, from time.Time) time.Time { return days(tr, from, 200, 480, 80, 100, 45) }, ""},
		{"a third less", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 120, 0), 30, 480, 80, 80, 0)
		}, "at 80 % brightness it draws 80.0 W and drew 120.0 W at first (-33 %)"},
		{"a third more", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 90, 0), 30, 480, 80, 120, 0)
		}, "(+33 %)"},
		{"a quarter less is the last that is well", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 100, 0), 30, 480, 80, 75, 0)
		}, ""},
		{"another brightness", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 120, 0), 200, 480, 40, 60, 0)
		}, ""},
		{"nearly the same brightness", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 78, 120, 0), 30, 480, 81, 60, 0)
		}, "at 80 %"},
		{"warmer by nine", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 0, 45), 30, 480, 80, 0, 54)
		}, "it has 54.0 °C inside and had 45.0 °C at first"},
		{"warmer by eight", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 0, 45), 30, 480, 80, 0, 53)
		}, ""},
		{"cooler", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 0, 45), 30, 480, 80, 0, 25)
		}, ""},
		{"a beginning of 29 days", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 29, 480, 80, 120, 45), 30, 480, 80, 60, 60)
		}, ""},
		{"two weeks are no trend", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, days(tr, from, 60, 480, 80, 120, 45), 14, 480, 80, 60, 60), 0, 0, 0, 0, 0)
		}, ""},
		{"more than half of a month is", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, from, 60, 480, 80, 120, 45).AddDate(0, 0, days16(tr, from))
		}, "at 80 %"},
		{"and back", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, days(tr, from, 60, 480, 80, 120, 45), 30, 480, 80, 60, 60), 30, 480, 80, 118, 46)
		}, ""},
		{"days of a quarter of an hour", func(tr *control.Trend, from time.Time) time.Time {
			return days(tr, days(tr, from, 30, 480, 80, 120, 45), 30, 15, 80, 60, 60)
		}, ""},
		{"a new panel", func(tr *control.Trend, from time.Time) time.Time {
			tr.Lived(9000)
			from = days(tr, from, 60, 480, 80, 120, 45)
			tr.Lived(12)
			return days(tr, from, 60, 480, 80, 60, 60)
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := control.NewTrend()
			tt.live(tr, time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC))
			for range 2 {
				if got := tr.Why(); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
					t.Errorf("it says %q, want %q", got, tt.want)
				}
				if err := tr.Restart(); err != nil { // and says the same
					t.Fatal(err)
				}
			}
		})
	}
}

// days16 is sixteen days of half the watts after sixty.
func days16(tr *control.Trend, from time.Time) int {
	days(tr, from.AddDate(0, 0, 60), 16, 480, 80, 60, 60)
	return 16
}

// TestEighteenMonths of a panel at a gate: seasons, a meter's noise, four brightnesses a day, a row of LEDs that fails
// after a year, a restart each week. Then twenty years, of which three are kept.
func TestEighteenMonths(t *testing.T) {
	tr := control.NewTrend()
	local := time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC)
	told := 0
	for day := range 18 * 30 {
		season := 3 * math.Sin(2*math.Pi*float64(day)/365)
		noise := float64(day*7919%11) - 5 // percent
		health := 1 - 0.03*float64(day)/365
		if day >= 360 {
			health -= 0.3
		}
		for _, level := range []int{100, 80, 60, 20} {
			watts := (30 + 0.9*float64(level)) * health * (1 + noise/100)
			tr.Day(local, 100, level, physic.Power(watts*float64(physic.Watt)), degrees(40+season+noise/5))
		}
		local = local.AddDate(0, 0, 1)
		if day%7 == 0 {
			if err := tr.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		why := tr.Why()
		if why != "" && told == 0 {
			told = day
			t.Logf("day %d: %s", day, why)
		}
		if why == "" && told != 0 {
			t.Fatalf("day %d: it is well again", day)
		}
	}
	if told < 360+10 || told > 360+20 {
		t.Errorf("the row that failed on day 360 was told on day %d", told)
	}
	for year := range 20 {
		local = days(tr, local, 365, 60, 100, 60+float64(year), 45)
	}
	size := 0
	for key, value := range tr.Kept {
		size += len(key) + len(value)
	}
	t.Logf("after 21 years: %d settings of %d bytes, %d rows", len(tr.Kept), size, tr.Rows())
	if len(tr.Kept) > 37 || size > 100_000 || tr.Rows() > 36*31*4 {
		t.Error("more is kept than should be")
	}
}

// TestTrendOfGarbage: settings that were damaged cost the trend, not the start.
func TestTrendOfGarbage(t *testing.T) {
	tr := control.NewTrend()
	days(tr, time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC), 90, 480, 80, 100, 45)
	for _, garbage := range []string{"", "{", `null`, `[]`, `{"levels":{"80":null}}`, `{"levels":{"80":{"w":[1]}}}`, strings.Repeat("[", 1000)} {
		for key := range tr.Kept {
			tr.Kept[key] = []byte(garbage)
		}
		_ = tr.Restart() // an error is logged
		if got := tr.Why(); got != "" {
			t.Errorf("of %.20q it says %q", garbage, got)
		}
		days(tr, time.Date(2027, 6, 1, 12, 0, 0, 0, time.UTC), 2, 480, 80, 100, 45)
	}
}

// TestDaysAreKept: the row of an evening is on disk after midnight, though the disk took nothing at midnight.
func TestDaysAreKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, at(t, "17:00:00"))
		s.panelOf = func() hal.Panel { return s.rig.Panel() }
		s.begin()
		time.Sleep(6*time.Hour + 59*time.Minute)
		s.disk.full.Store(true)
		time.Sleep(2 * time.Minute)
		s.disk.full.Store(false)
		time.Sleep(time.Minute)
		raw, err := s.journal.Setting(s.t.Context(), "control.trend.base")
		if err != nil {
			t.Fatal(err)
		}
		var base struct {
			Hours  int `json:"hours"`
			Levels map[string]struct {
				Watts   []int `json:"w"`
				Celsius []int `json:"t"`
			} `json:"levels"`
		}
		if err := json.Unmarshal(raw, &base); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		full := base.Levels["100"]
		if len(full.Watts) != 1 || full.Watts[0] != 1200 || len(full.Celsius) != 1 || full.Celsius[0] != 300 || base.Hours != 1000 {
			t.Errorf("kept is %s", raw)
		}
		s.end()
		s.close()
	})
}
