package centre_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"bangtin/internal/centre"
	"bangtin/internal/wire"
)

const gate = "tinh-bien-01"

// A day is a watch on virtual time, looking every five seconds as the centre does.
type day struct {
	t      *testing.T
	watch  *centre.Watch
	now    centre.Moment
	speaks map[string]string // displays that report each minute, and what darkness they report
	told   []string
}

// begin is a centre that has listened since the given time of the 29th of January 2027 in Việt Nam.
func begin(t *testing.T, clock string) *day {
	t.Helper()
	location, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", "2027-01-29 "+clock, location)
	if err != nil {
		t.Fatal(err)
	}
	windows, err := centre.ParseWindows([]string{"07:00-11:00", "14:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	night, err := centre.ParseWindows([]string{"20:00-22:00"})
	if err != nil {
		t.Fatal(err)
	}
	d := &day{t: t, now: centre.Moment{Mono: time.Hour, Wall: at}, speaks: map[string]string{}}
	d.watch = centre.NewWatch(centre.Plan{Location: location, Windows: windows, Of: map[string][]centre.Window{"cho-dem-01": night}}, d.now)
	d.watch.Listening(d.now, true)
	return d
}

// live goes on for the given time.
func (d *day) live(long time.Duration) {
	const step = 5 * time.Second
	for ; long > 0; long -= step {
		d.now.Mono += step
		d.now.Wall = d.now.Wall.Add(step)
		if d.now.Mono%time.Minute == 0 {
			for device, dark := range d.speaks {
				d.report(device, dark)
			}
		}
		d.tick()
	}
}

func (d *day) report(device, dark string) {
	d.watch.Reported(device, d.now, centre.Report{Dark: dark, Sure: true})
}

func (d *day) tick() {
	for _, i := range d.watch.Tick(d.now) {
		over := ""
		if i.Over {
			over = " over"
		}
		d.told = append(d.told, fmt.Sprintf("%s %s %s%s since %s: %s", d.clock(i.At), i.Device, i.Code, over, d.clock(i.Since), i.Detail))
	}
}

func (d *day) clock(at time.Time) string { return at.In(d.now.Wall.Location()).Format("15:04:05") }

// want compares what was told since the last time.
func (d *day) want(lines ...string) {
	d.t.Helper()
	if !slices.Equal(d.told, lines) {
		d.t.Errorf("told:\n  %s\nwant:\n  %s", strings.Join(d.told, "\n  "), strings.Join(lines, "\n  "))
	}
	d.told = nil
}

func TestSilenceInsideAWindow(t *testing.T) {
	d := begin(t, "08:00")
	d.speaks[gate] = ""
	d.live(30 * time.Minute)
	d.want()
	delete(d.speaks, gate)
	d.watch.Connection(gate, d.now, wire.Gone, false)
	d.live(5 * time.Minute) // the promise
	d.want("08:34:00 tinh-bien-01 dark since 08:30:00: silent: its connection broke")
	d.live(time.Hour)
	d.want() // once
	d.speaks[gate] = ""
	d.live(time.Minute)
	d.want("09:36:00 tinh-bien-01 dark over since 08:30:00: the display shows a picture again")
}

func TestSilenceOutsideOfEveryWindow(t *testing.T) {
	d := begin(t, "11:30")
	d.speaks[gate] = "the panel is off; schedule: outside every window"
	d.live(10 * time.Minute)
	delete(d.speaks, gate)
	d.live(2*time.Hour + 20*time.Minute - 5*time.Second)
	d.want() // 13:59:55
	d.live(5 * time.Minute)
	d.want("14:04:00 tinh-bien-01 dark since 14:00:00: silent: it was not heard since the centre started")
	d.live(4 * time.Hour)
	d.want("18:00:00 tinh-bien-01 dark over since 14:00:00: the window is over")
}

// A display that powers its panel up a moment late, or is late with its first report, is none to tell of.
func TestTheFirstMinutesOfAWindow(t *testing.T) {
	d := begin(t, "06:00")
	d.speaks[gate] = "the panel is off; schedule: outside every window"
	d.live(63 * time.Minute)
	d.want()
	d.speaks[gate] = ""
	d.live(3*time.Hour + 55*time.Minute)
	d.want()
	d.speaks[gate] = "the panel is off; schedule: outside every window"
	d.live(3 * time.Hour)
	d.want()
}

func TestDisplaySaysThatItIsDark(t *testing.T) {
	d := begin(t, "08:00")
	d.speaks[gate] = ""
	d.live(10 * time.Minute)
	d.speaks[gate] = "the panel is off; department: tắt"
	d.live(3 * time.Minute)
	d.speaks[gate] = ""
	d.live(10 * time.Minute)
	d.want() // three minutes are none to tell of
	d.speaks[gate] = "the player is stalled; schedule: inside a window"
	d.live(6 * time.Minute)
	d.want("08:28:00 tinh-bien-01 dark since 08:24:00: the player is stalled; schedule: inside a window")
	d.speaks[gate] = ""
	d.live(time.Minute)
	d.want("08:30:00 tinh-bien-01 dark over since 08:24:00: the display shows a picture again")
}

func TestDisplayWithWindowsOfItsOwn(t *testing.T) {
	d := begin(t, "19:30")
	d.speaks["cho-dem-01"], d.speaks[gate] = "", ""
	d.live(20 * time.Minute)
	clear(d.speaks)
	d.live(20 * time.Minute)
	d.want("20:04:00 cho-dem-01 dark since 20:00:00: silent: it was not heard since the centre started")
}

// What was heard before the centre started is expected, after it has listened for a while itself.
func TestStartOfTheCentre(t *testing.T) {
	d := begin(t, "08:00")
	d.watch.Expect(gate, d.now.Wall.Add(-time.Hour))
	d.watch.Expect("da-bo-01", d.now.Wall.Add(-31*24*time.Hour))
	d.live(235 * time.Second)
	d.want()
	d.live(time.Minute)
	d.want("08:04:05 tinh-bien-01 dark since 08:00:05: silent: it was not heard since the centre started")
}

// While the centre is not connected, and the first minutes after, silence proves nothing. A retained state is no sign
// of life.
func TestTheCentresOwnOutage(t *testing.T) {
	d := begin(t, "08:00")
	d.speaks[gate] = ""
	d.live(10 * time.Minute)
	delete(d.speaks, gate)
	d.watch.Listening(d.now, false)
	d.live(time.Hour)
	d.want()
	d.watch.Listening(d.now, true)
	d.watch.Reported(gate, d.now, centre.Report{Retained: true})
	d.watch.Connection(gate, d.now, wire.Online, true)
	d.live(235 * time.Second)
	d.want()
	d.live(time.Minute)
	d.want("09:14:00 tinh-bien-01 dark since 09:10:00: silent, though it is connected to the broker")
}

// The machine stood still, as a guest does that is moved: nobody was silent.
func TestTheCentreStandsStill(t *testing.T) {
	d := begin(t, "08:00")
	d.speaks[gate] = ""
	d.live(10 * time.Minute)
	d.now.Mono += 20 * time.Minute
	d.now.Wall = d.now.Wall.Add(20 * time.Minute)
	d.tick()
	d.live(10 * time.Minute)
	d.want()
}

// The centre's clock steps into a window in the night: displays that are rightly off are not told of, and the time is
// not told either, until most displays agree with the clock again.
func TestTheCentresClockSteps(t *testing.T) {
	for _, step := range []time.Duration{6 * time.Hour, -6 * time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			start := "02:00"
			if step < 0 {
				start = "13:00" // back into the morning's window
			}
			d := begin(t, start)
			devices := []string{gate, "vinh-xuong-01", "khanh-binh-01"}
			for _, device := range devices {
				d.speaks[device] = "the panel is off; schedule: outside every window"
			}
			d.live(10 * time.Minute)
			d.now.Wall = d.now.Wall.Add(step)
			d.report(gate, d.speaks[gate]) // the first of them comes before the next look
			offset := func(by time.Duration) {
				for _, device := range devices {
					d.watch.Reported(device, d.now, centre.Report{Dark: d.speaks[device], Sure: true, Offset: by})
				}
			}
			clear(d.speaks)
			for range 30 {
				offset(step)
				d.live(time.Minute)
			}
			if len(d.told) != 1 || !strings.Contains(d.told[0], "clock-doubtful since") || !d.watch.Doubtful() {
				t.Errorf("told %q", d.told)
			}
			d.told = nil
			d.now.Wall = d.now.Wall.Add(-step)
			for range 30 {
				offset(0)
				d.live(time.Minute)
			}
			if len(d.told) != 1 || !strings.Contains(d.told[0], "clock-doubtful over") || d.watch.Doubtful() {
				t.Errorf("told %q", d.told)
			}
		})
	}
}

func TestParseWindows(t *testing.T) {
	for _, bad := range [][]string{nil, {"7:00-11:00"}, {"11:00-07:00"}, {"07:00-24:30"}, {"07:00-11:00", "10:00-12:00"}, {"25:00-26:00"}, {"07:00-11:00 "}} {
		if w, err := centre.ParseWindows(bad); err == nil {
			t.Errorf("%q is taken as %v", bad, w)
		}
	}
	w, err := centre.ParseWindows([]string{"00:00-07:00", "07:00-24:00"})
	if err != nil || len(w) != 2 || w[1].To != 24*time.Hour {
		t.Errorf("%v, %v", w, err)
	}
}

// The centre's clock is wrong for a while: nobody is given up by it.
func TestNobodyIsForgottenByAWrongClock(t *testing.T) {
	for _, wrong := range []time.Duration{5 * time.Second, 2 * time.Hour} {
		t.Run(wrong.String(), func(t *testing.T) {
			d := begin(t, "08:00")
			d.watch.Expect(gate, d.now.Wall.Add(-time.Hour))
			d.now.Wall = d.now.Wall.AddDate(70, 0, 0)
			d.live(wrong)
			d.now.Wall = d.now.Wall.AddDate(-70, 0, 0)
			d.want()
			d.live(10 * time.Minute)
			if len(d.told) != 1 || !strings.Contains(d.told[0], "tinh-bien-01 dark since") {
				t.Errorf("told %q", d.told)
			}
		})
	}
}

// Who is away for a month is not expected any more, by a clock that went on for a day.
func TestForgets(t *testing.T) {
	d := begin(t, "08:00")
	d.watch.Expect(gate, d.now.Wall.Add(-29*24*time.Hour))
	d.live(48 * time.Hour)
	if n := d.watch.Counts(); n.Unknown != 0 {
		t.Errorf("%+v", n)
	}
}

// The centre was away; what the broker queued meanwhile says nothing of clocks.
func TestQueuedHeartbeatsRaiseNoDoubt(t *testing.T) {
	d := begin(t, "06:50")
	report := func() {
		for i := range 10 {
			d.watch.Reported(fmt.Sprintf("gate-%03d", i), d.now, centre.Report{Dark: "the panel is off", Sure: true,
				Offset: time.Duration(i)*30*time.Second + 15*time.Second})
		}
	}
	report()
	d.live(20 * time.Second)
	report()
	d.live(20 * time.Second)
	if d.want(); d.watch.Doubtful() {
		t.Error("the centre doubts its clock")
	}
	report() // the same of those who speak now is another matter
	d.live(5 * time.Second)
	if !d.watch.Doubtful() {
		t.Error("the centre does not doubt its clock")
	}
}
