package hwmon_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

// A beat is what the sensor's file says for some time, and what is believed at its end.
type beat struct {
	hold    time.Duration
	file    string // empty: the file is gone
	want    string // thousandths of °C; empty: unknown
	because string // part of the reason
}

const (
	half  = 500 * time.Millisecond // between two reads of TestJudge
	stuck = 10 * time.Minute       // in these tests: a day takes long to play
)

// TestJudge lets a thermometer say things on virtual time.
func TestJudge(t *testing.T) {
	calm := beat{5 * time.Second, "30000", "30000", ""}
	for _, test := range []struct {
		name  string
		beats []beat
	}{
		{"three readings at the start", []beat{
			{0, "30000", "", "1 of 3 readings agree"}, {half, "30000", "", "1 of 3"}, {half, "30500", "30500", ""}}},
		{"a reading beyond the range", []beat{calm, {half, "127000", "", "127 °C is outside -40 °C to 125 °C"}}},
		{"a reading below the range", []beat{calm, {half, "-128000", "", "-128 °C is outside"}}},
		{"the edges of the range are inside", []beat{
			{2 * time.Second, "125000", "125000", ""}}},
		{"one wild reading, then as before", []beat{calm, {half, "70000", "", "jumped from 30 °C to 70 °C in 500ms"},
			{half, "30000", "", "jumped"}, {half, "30000", "", "jumped"}, {half, "30000", "30000", ""}}},
		{"a fire: a jump upwards counts when two more readings confirm it", []beat{calm,
			{half, "80000", "", "jumped"}, {half, "80500", "", "jumped"}, {half, "81000", "81000", ""}}},
		{"flames at the sensor: each reading is a jump from the last", []beat{calm,
			{half, "48000", "", "jumped"}, {half, "66000", "", "jumped"}, {half, "84000", "84000", ""}}},
		{"a fire in the cabinet: 10 K a second is believed all the way", []beat{calm,
			{half, "35000", "35000", ""}, {half, "40000", "40000", ""}, {half, "45000", "45000", ""}, {half, "50000", "50000", ""}}},
		{"a jump that is taken back each time is never believed", []beat{calm,
			{half, "80000", "", "jumped"}, {half, "30000", "", "jumped"}, {half, "80000", "", "jumped"}, {half, "30000", "", "jumped"},
			{half, "80000", "", "jumped"}, {half, "30000", "", "jumped"}}},
		{"a fall waits until a cabinet could have cooled so far", []beat{{5 * time.Second, "80000", "80000", ""},
			{9 * time.Second, "25000", "", "jumped from 80 °C to 25 °C"}, {2 * time.Second, "25000", "25000", ""}}},
		{"a small fall is no jump", []beat{calm, {half, "25000", "25000", ""}}},
		{"one lost read is no fault", []beat{calm, {half, "", "30000", ""}, {half, "30000", "30000", ""}}},
		{"many lost reads are", []beat{calm, {2 * time.Second, "", "30000", ""}, {half, "", "", "no such file"},
			{half, "30000", "", "no such file"}, {half, "30000", "", "no such file"}, {half, "30000", "30000", ""}}},
		{"lost reads do not reset what is being confirmed", []beat{calm,
			{half, "80000", "", "jumped"}, {half, "", "", "jumped"}, {half, "80500", "", "jumped"}, {half, "", "", "jumped"}, {half, "81000", "81000", ""}}},
		{"hotter while it was away", []beat{calm, {time.Minute, "", "", "no such file"}, {3 * half, "90000", "90000", ""}}},
		{"stuck for so long", []beat{calm, {stuck - 6*time.Second, "30000", "30000", ""}, {2 * time.Second, "30000", "", "stuck: 30 °C to the last digit for 10m0s"},
			{time.Minute, "30000", "", "stuck"}, {half, "30500", "", "stuck"}, {half, "30500", "", "stuck"}, {half, "31000", "31000", ""}}},
		{"one step in that time is enough", []beat{calm, {9 * time.Minute, "30000", "30000", ""}, {9 * time.Minute, "30500", "30500", ""}, {2 * time.Minute, "30000", "30000", ""}}},
		{"away for long is not stuck", []beat{calm, {2 * stuck, "", "", "no such file"}, {3 * half, "30000", "30000", ""}}},
		{"it goes wrong as soon as it is wrong", []beat{calm, {half, "130000", "", "outside"}, {half, "30000", "", "outside"}, {half, "130000", "", "outside"},
			{half, "30000", "", "outside"}, {half, "130000", "", "outside"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, test.beats) })
		})
	}
}

// play runs the beats over a tree with one chip, a tick after each read.
func play(t *testing.T, beats []beat) {
	sys := newTree(t)
	sys.write("class/hwmon/hwmon0/name", "lm75\n")
	put := func(text string) {
		if text == "" {
			sys.remove("class/hwmon/hwmon0/temp1_input")
			return
		}
		sys.write("class/hwmon/hwmon0/temp1_input", text+"\n")
	}
	put(beats[0].file)
	limits := hwmon.DefaultLimits(hal.Temperature)
	limits.Stuck = stuck
	l := listen(t, must(t)(hwmon.New(hwmon.Config{Name: "cabinet", Root: sys.root, Chip: "lm75", Channel: "temp1", Kind: hal.Temperature, Every: half, Limits: limits})))
	time.Sleep(time.Millisecond)
	for i, b := range beats {
		put(b.file)
		time.Sleep(b.hold)
		synctest.Wait()
		if b.want == "" {
			if r := l.last("cabinet"); r.Quality != hal.QualityUnknown || !strings.Contains(r.Reason, b.because) {
				t.Errorf("beat %d: %s, quality %d %q; want unknown because of %q", i, r.Temperature, r.Quality, r.Reason, b.because)
			}
			isUnknown(t, l.last("cabinet"), "")
			continue
		}
		var milli int64
		if _, err := fmt.Sscan(b.want, &milli); err != nil {
			t.Fatal(err)
		}
		// Changes within noise may wait for the next repeat.
		if r := l.last("cabinet"); r.Quality != hal.QualityGood || max(r.Temperature-celsius(milli), celsius(milli)-r.Temperature) > celsius(500)-celsius(0) {
			t.Errorf("beat %d: %s, quality %d %q; want %s", i, r.Temperature, r.Quality, r.Reason, celsius(milli))
		}
	}
}

// isUnknown: no value, and a reason that holds part.
func isUnknown(t *testing.T, r hal.Reading, part string) {
	t.Helper()
	bare := hal.Reading{Sensor: r.Sensor, Kind: r.Kind, At: r.At, Reason: r.Reason}
	if r != bare || r.Reason == "" || !strings.Contains(r.Reason, part) || r.Kind == "" {
		t.Errorf("reading %+v: want unknown, without a value, because of %q", r, part)
	}
}

// TestReadingsKeepComing: at start, when something changed beyond noise, and otherwise at least every 10 s.
func TestReadingsKeepComing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		sys.write("class/hwmon/hwmon0/name", "lm75\n")
		sys.write("class/hwmon/hwmon0/temp1_input", "30000\n")
		l := listen(t, must(t)(hwmon.New(hwmon.Config{Name: "cabinet", Root: sys.root, Chip: "lm75", Channel: "temp1", Kind: hal.Temperature})))
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := l.all("cabinet"); len(got) != 1 {
			t.Fatalf("said %+v at start, want one reading", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		said := len(l.all("cabinet"))

		// An LM75 between two steps: nothing to say but the repeats.
		for i := range 20 {
			sys.write("class/hwmon/hwmon0/temp1_input", []string{"30500\n", "30000\n"}[i%2])
			time.Sleep(half)
		}
		synctest.Wait()
		if more := len(l.all("cabinet")) - said; more < 1 || more > 3 {
			t.Errorf("%d readings in 10 s of noise, want the repeats alone", more)
		}

		sys.write("class/hwmon/hwmon0/temp1_input", "31500\n")
		time.Sleep(half)
		synctest.Wait()
		l.is(t, "cabinet", 31500)

		sys.remove("class/hwmon/hwmon0")
		time.Sleep(time.Minute)
		synctest.Wait()
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := 1; i < len(l.times); i++ {
			if gap := l.times[i].Sub(l.times[i-1]); gap > 10*time.Second {
				t.Errorf("silent for %s", gap)
			}
		}
		if gap := time.Since(l.times[len(l.times)-1]); gap > 10*time.Second {
			t.Errorf("silent for %s at the end", gap)
		}
	})
}

// TestNeverSafeByFault: whatever a thermometer at 80 °C does when it breaks, it does not read as cool within 9 s.
func TestNeverSafeByFault(t *testing.T) {
	for _, file := range []string{"", "\n", "garbage", "25000", "0", "-128000", "127000", "99999999999"} {
		synctest.Test(t, func(t *testing.T) {
			sys := newTree(t)
			sys.write("class/hwmon/hwmon0/name", "lm75\n")
			sys.write("class/hwmon/hwmon0/temp1_input", "80000\n")
			l := listen(t, must(t)(hwmon.New(hwmon.Config{Name: "cabinet", Root: sys.root, Chip: "lm75", Channel: "temp1", Kind: hal.Temperature})))
			time.Sleep(5 * time.Second)
			synctest.Wait()
			l.is(t, "cabinet", 80000)
			sys.write("class/hwmon/hwmon0/temp1_input", file)
			time.Sleep(9 * time.Second)
			synctest.Wait()
			for i, r := range l.all("cabinet") {
				if r.Quality == hal.QualityGood && r.Temperature != celsius(80000) {
					t.Errorf("file %q: reading %d is %+v", file, i, r)
				}
			}
			l.unknown(t, "cabinet", "")
		})
	}
}
