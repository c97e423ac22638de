package media_test

import (
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"bangtin/media"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func regulation(t testing.TB) media.Schedule {
	return media.Schedule{
		Windows: []media.Window{{7 * time.Hour, 11 * time.Hour}, {14 * time.Hour, 18 * time.Hour}},
		Lead:    90 * time.Second,
		Zone:    zone(t, "Asia/Ho_Chi_Minh"),
	}
}

func TestEveryDayOf2027Owes480Minutes(t *testing.T) {
	s := regulation(t)
	days := 0
	for d := time.Date(2027, 1, 1, 12, 0, 0, 0, s.Zone); d.Year() == 2027; d = d.AddDate(0, 0, 1) {
		start, end := s.Day(d)
		if got := s.Required(start.Unix(), end.Unix()); got != 480*60 {
			t.Errorf("%s: owes %d s, want %d", d.Format(time.DateOnly), got, 480*60)
		}
		days++
	}
	if days != 365 {
		t.Errorf("2027 has %d days here", days)
	}
	from, to := time.Date(2027, 1, 1, 0, 0, 0, 0, s.Zone), time.Date(2028, 1, 1, 0, 0, 0, 0, s.Zone)
	if got := s.Required(from.Unix(), to.Unix()); got != 365*480*60 {
		t.Errorf("the year owes %d s, want %d", got, 365*480*60)
	}
}

func TestAt(t *testing.T) {
	s := regulation(t)
	tests := []struct {
		at             string
		inWindow, lead bool
		start, change  string
	}{
		{"2027-02-06 06:58:29", false, false, "2027-02-06 07:00:00", "2027-02-06 06:58:30"}, // the first day of Tết
		{"2027-02-06 06:58:30", false, true, "2027-02-06 07:00:00", "2027-02-06 07:00:00"},
		{"2027-02-06 07:00:00", true, false, "2027-02-06 07:00:00", "2027-02-06 11:00:00"},
		{"2027-02-06 10:59:59", true, false, "2027-02-06 07:00:00", "2027-02-06 11:00:00"},
		{"2027-02-06 11:00:00", false, false, "2027-02-06 14:00:00", "2027-02-06 13:58:30"},
		{"2028-02-28 18:00:00", false, false, "2028-02-29 07:00:00", "2028-02-29 06:58:30"}, // a leap day
		{"2028-02-29 17:00:00", true, false, "2028-02-29 14:00:00", "2028-02-29 18:00:00"},
		{"2027-12-31 23:59:59", false, false, "2028-01-01 07:00:00", "2028-01-01 06:58:30"},
	}
	for _, tt := range tests {
		t.Run(tt.at, func(t *testing.T) {
			at, err := time.ParseInLocation(time.DateTime, tt.at, s.Zone)
			if err != nil {
				t.Fatal(err)
			}
			m := s.At(at)
			if m.InWindow != tt.inWindow || m.Lead != tt.lead {
				t.Errorf("in window %v, lead %v; want %v, %v", m.InWindow, m.Lead, tt.inWindow, tt.lead)
			}
			if got := m.Start.Format(time.DateTime); got != tt.start {
				t.Errorf("window starts %s, want %s", got, tt.start)
			}
			if got := m.NextChange.Format(time.DateTime); got != tt.change {
				t.Errorf("next change %s, want %s", got, tt.change)
			}
		})
	}
}

// owed is the same schedule told second by second and without any arithmetic on zones: a second is owed while the
// highest reading of the wall clock so far stands in a window.
func owed(s media.Schedule, from, to int64) []bool {
	out := make([]bool, 0, to-from)
	var highest time.Time
	for u := from - 4*3600; u < to; u++ { // no zone here is set back by more
		local := time.Unix(u, 0).In(s.Zone)
		y, mo, d := local.Date()
		h, mi, sec := local.Clock()
		if reads := time.Date(y, mo, d, h, mi, sec, 0, time.UTC); reads.After(highest) {
			highest = reads
		}
		if u < from {
			continue
		}
		since := time.Duration(highest.Unix()%86400) * time.Second
		in := false
		for _, w := range s.Windows {
			in = in || since >= w.From && since < w.To
		}
		out = append(out, in)
	}
	return out
}

// The days are those on which clocks do odd things, and random ones.
func TestScheduleAgreesWithCountingSeconds(t *testing.T) {
	odd := []struct{ zone, day string }{
		{"Asia/Ho_Chi_Minh", "2027-02-06"},
		{"Europe/Berlin", "2027-03-28"}, {"Europe/Berlin", "2027-10-31"},
		{"America/New_York", "2027-03-14"}, {"America/New_York", "2027-11-07"},
		{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-17"}, // change at midnight
		{"America/St_Johns", "2010-11-07"}, {"America/St_Johns", "2010-03-14"}, // change at 00:01
		{"Australia/Lord_Howe", "2027-04-04"}, {"Australia/Lord_Howe", "2027-10-03"}, // half an hour
		{"Pacific/Apia", "2011-12-29"}, {"Pacific/Apia", "2011-12-31"}, // a day left out
		{"Asia/Kathmandu", "2028-02-29"}, {"Pacific/Kiritimati", "2027-01-01"}, {"Etc/GMT+12", "2027-12-31"},
	}
	r := rand.New(rand.NewPCG(2, 2027))
	names := []string{"Europe/London", "America/Santiago", "Africa/Casablanca", "Asia/Tehran", "Asia/Gaza", "UTC"}
	for range 6 {
		day := time.Date(1990+r.IntN(50), 1, 1+r.IntN(365), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		odd = append(odd, struct{ zone, day string }{names[r.IntN(len(names))], day})
	}
	for _, o := range odd {
		z := zone(t, o.zone)
		day, err := time.ParseInLocation(time.DateOnly, o.day, z)
		if err != nil {
			t.Fatal(err)
		}
		midnight := []media.Window{{0, 30 * time.Minute}, {23*time.Hour + 20*time.Minute, 24 * time.Hour}}
		for _, w := range [][]media.Window{midnight, windows(r)} {
			s := media.Schedule{Windows: w, Lead: 90 * time.Second, Zone: z}
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			agree(t, s, day.Unix()-6*3600, day.Unix()+32*3600)
		}
	}
}

func agree(t *testing.T, s media.Schedule, from, to int64) {
	t.Helper()
	want := owed(s, from, to)
	var sum int64
	for i, in := range want {
		u := from + int64(i)
		if in {
			sum++
		}
		edge := i > 0 && want[i-1] != in || i+1 < len(want) && want[i+1] != in
		if edge || i%29 == 0 { // asking at each second would say no more and take long
			m := s.At(time.Unix(u, 0))
			if m.InWindow != in || m.NextChange.Unix() <= u {
				t.Fatalf("%v %v: %+v, counting says in window %v", time.Unix(u, 0).In(s.Zone), s.Windows, m, in)
			}
			if i+1 < len(want) && want[i+1] != in && m.NextChange.Unix() != u+1 {
				t.Fatalf("%v %v: %+v, counting sees a change in a second", time.Unix(u, 0).In(s.Zone), s.Windows, m)
			}
		}
		if edge || i%997 == 0 {
			if got := s.Required(from, u+1); got != sum {
				t.Fatalf("%v %v: %d s owed, counting says %d", time.Unix(u, 0).In(s.Zone), s.Windows, got, sum)
			}
		}
	}
}

// windows returns one to four valid windows, some of them adjoining.
func windows(r *rand.Rand) []media.Window {
	var out []media.Window
	at := time.Duration(r.IntN(3)) * 20 * time.Minute
	for range 1 + r.IntN(4) {
		to := at + time.Duration(1+r.IntN(300))*time.Minute + time.Duration(r.IntN(60))*time.Second
		out = append(out, media.Window{From: at, To: to})
		at = to + time.Duration(r.IntN(3))*30*time.Minute
	}
	return out
}

// A day is a partition: every second is in exactly one, and the days' sums are the whole's.
func TestDaysAdjoin(t *testing.T) {
	for _, name := range []string{"America/St_Johns", "Pacific/Apia", "Europe/Berlin", "America/Sao_Paulo"} {
		s := regulation(t)
		s.Zone = zone(t, name)
		at := time.Date(2009, 12, 30, 0, 0, 0, 0, time.UTC)
		first, end := s.Day(at)
		var sum int64
		start := first
		for end.Before(at.AddDate(3, 0, 0)) {
			sum += s.Required(start.Unix(), end.Unix())
			next, nextEnd := s.Day(end)
			if !next.Equal(end) {
				t.Fatalf("%s: a day ends %v, the next starts %v", name, end, next)
			}
			if last, _ := s.Day(end.Add(-time.Second)); !last.Equal(start) {
				t.Fatalf("%s: last second of the day from %v counts to the day from %v", name, start, last)
			}
			if early, _ := s.Day(end.Add(30 * time.Minute)); !early.Equal(end) {
				t.Fatalf("%s: half an hour after %v counts to the day from %v", name, end, early)
			}
			start, end = next, nextEnd
		}
		if got := s.Required(first.Unix(), start.Unix()); got != sum {
			t.Errorf("%s: days owe %d s, all together %d", name, sum, got)
		}
	}
}

func TestMomentHoldsUntilNextChange(t *testing.T) {
	s := regulation(t)
	s.Windows = append(s.Windows, media.Window{From: 18 * time.Hour, To: 24 * time.Hour})
	for at := time.Date(2027, 1, 1, 0, 0, 0, 0, s.Zone); at.YearDay() < 20; {
		m := s.At(at)
		if !m.NextChange.After(at) {
			t.Fatalf("at %v the next change is %v", at, m.NextChange)
		}
		if before := s.At(m.NextChange.Add(-time.Second)); before != m {
			t.Fatalf("a second before its change: %+v, want %+v", before, m)
		}
		if after := s.At(m.NextChange); after == m {
			t.Fatalf("nothing changes at %v", m.NextChange)
		}
		at = m.NextChange
	}
}

func TestScheduleValidate(t *testing.T) {
	h := time.Hour
	tests := []struct {
		name string
		edit func(*media.Schedule)
	}{
		{"no zone", func(s *media.Schedule) { s.Zone = nil }},
		{"no windows", func(s *media.Schedule) { s.Windows = nil }},
		{"empty window", func(s *media.Schedule) { s.Windows = []media.Window{{h, h}} }},
		{"over midnight", func(s *media.Schedule) { s.Windows = []media.Window{{22 * h, 26 * h}} }},
		{"before midnight", func(s *media.Schedule) { s.Windows = []media.Window{{-h, h}} }},
		{"overlap", func(s *media.Schedule) { s.Windows = []media.Window{{7 * h, 11 * h}, {10 * h, 12 * h}} }},
		{"wrong order", func(s *media.Schedule) { s.Windows = []media.Window{{14 * h, 18 * h}, {7 * h, 11 * h}} }},
		{"half seconds", func(s *media.Schedule) { s.Windows = []media.Window{{h, 2*h + time.Millisecond}} }},
		{"negative lead", func(s *media.Schedule) { s.Lead = -1 }},
		{"long lead", func(s *media.Schedule) { s.Lead = 2 * h }},
	}
	if err := regulation(t).Validate(); err != nil {
		t.Fatalf("the regulation's own windows are refused: %v", err)
	}
	for _, tt := range tests {
		s := regulation(t)
		tt.edit(&s)
		if s.Validate() == nil {
			t.Errorf("%s: accepted", tt.name)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	s := regulation(b)
	at := time.Date(2027, 1, 1, 12, 0, 0, 0, s.Zone)
	for b.Loop() {
		s.At(at)
	}
}

func BenchmarkRequiredYear(b *testing.B) {
	s := regulation(b)
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, s.Zone).Unix()
	for b.Loop() {
		s.Required(from, from+365*86400)
	}
}
