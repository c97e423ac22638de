package hwmon_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

const (
	topID = "28-00000a1b2c3d"
	lowID = "28-0316a2794cff"
)

// w1Slave is what the kernel's file says of a thermometer that has these first eight bytes.
func w1Slave(pad []byte) string {
	pad = append(pad[:8:8], hwmon.CRC8(pad[:8]))
	raw := int(int16(uint16(pad[0]) | uint16(pad[1])<<8))
	return fmt.Sprintf("% x : crc=%02x YES\n% x t=%d\n", pad, pad[8], pad, raw*1000/16)
}

// degrees is w1Slave of a temperature in 1/16 °C.
func degrees(raw int16) string {
	return w1Slave([]byte{byte(raw), byte(raw >> 8), 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10})
}

type vector struct {
	Name     string `json:"name"`
	Response string `json:"response_hex"`
	Meaning  string `json:"meaning"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/w1-scratchpad.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Scratchpads []vector `json:"scratchpads"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Scratchpads) != 2 {
		t.Fatalf("%d vectors, want 2", len(file.Scratchpads))
	}
	return file.Scratchpads
}

// TestVectors: both have a right checksum, and neither is a temperature by itself.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		pad, err := hex.DecodeString(strings.ReplaceAll(v.Response, " ", ""))
		if err != nil || len(pad) != 9 || hwmon.CRC8(pad[:8]) != pad[8] {
			t.Errorf("%s: % x: error %v, checksum %#02x", v.Name, pad, err, hwmon.CRC8(pad[:min(8, len(pad))]))
			continue
		}
		because := map[string]string{"power-on 85.000": "before it has measured", "bus shorted": "the bus is shorted"}[v.Name]
		synctest.Test(t, func(t *testing.T) {
			sys := newTree(t)
			sys.write("bus/w1/devices/"+topID+"/w1_slave", w1Slave(pad))
			l := listen(t, must(t)(hwmon.NewW1(w1Bus(sys, hwmon.W1{Name: "top", ID: topID}))))
			time.Sleep(time.Minute)
			synctest.Wait()
			l.unknown(t, "top", because)
			for _, r := range l.all("top") {
				isUnknown(t, r, because)
			}
		})
	}
}

func w1Bus(sys tree, sensors ...hwmon.W1) hwmon.W1Config {
	return hwmon.W1Config{Root: sys.root, Sensors: sensors}
}

func TestParseW1(t *testing.T) {
	good := degrees(0x0191)
	if pad, milli, err := hwmon.ParseW1([]byte(good)); err != nil || milli != 25062 || pad[0] != 0x91 || pad[8] != hwmon.CRC8(pad[:8]) {
		t.Errorf("%q: % x, %d, %v; want 25062", good, pad, milli, err)
	}
	if _, milli, err := hwmon.ParseW1([]byte(degrees(-162))); err != nil || milli != -10125 {
		t.Errorf("%d, %v; want -10125", milli, err)
	}
	for _, bad := range []string{
		"",
		"\n\n",
		strings.SplitAfter(good, "\n")[0],
		strings.Replace(good, "YES", "NO", 1),
		strings.Replace(good, "YES", "YES ", 1),
		strings.Replace(good, "YES", "YEA", 1),
		strings.Replace(good, "91", "92", 1),
		strings.Replace(good, "4b", "4c", 1),
		strings.Replace(good, "t=25062", "t=25063", 1),
		strings.Replace(good, "t=25062", "t=", 1),
		strings.Replace(good, "t=25062", "", 1),
		strings.Replace(good, "91 ", "91", 1),
		strings.Replace(good, "91 ", "91-", 1),
		strings.Replace(good, "91 ", "zz ", 1),
		good + good,
	} {
		if pad, milli, err := hwmon.ParseW1([]byte(bad)); err == nil {
			t.Errorf("%q is taken as % x, %d", bad, pad, milli)
		}
	}
}

// TestBus reads two thermometers by turns; one that is unplugged does not disturb the other.
func TestBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		top, low := "bus/w1/devices/"+topID+"/w1_slave", "bus/w1/devices/"+lowID+"/w1_slave"
		sys.write(top, degrees(40*16+1))
		sys.write(low, degrees(30*16))
		l := listen(t, must(t)(hwmon.NewW1(w1Bus(sys, hwmon.W1{Name: "top", ID: topID}, hwmon.W1{Name: "low", ID: lowID}))))
		time.Sleep(8 * time.Second)
		synctest.Wait()
		l.is(t, "top", 40062)
		l.is(t, "low", 30000)

		sys.remove("bus/w1/devices/" + topID)
		time.Sleep(15 * time.Second)
		synctest.Wait()
		l.unknown(t, "top", "no such file")
		l.is(t, "low", 30000)

		sys.write(top, degrees(41*16))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		l.is(t, "top", 41000)

		sys.write(low, "")
		time.Sleep(15 * time.Second)
		synctest.Wait()
		l.unknown(t, "low", "empty read")
		l.is(t, "top", 41000)
	})
}

// TestPowerOn: 85.000 °C is believed between its neighbours and nowhere else.
func TestPowerOn(t *testing.T) {
	const restart = 85 * 16
	for _, test := range []struct {
		name   string
		before []int16 // one a second
		want   int64   // zero: unknown
	}{
		{"at the start", []int16{restart, restart, restart, restart}, 0},
		{"out of a cool cabinet", []int16{400, 400, 400, restart}, 0},
		{"again and again", []int16{400, 400, 400, restart, restart, restart, restart, restart}, 0},
		{"in a fire that passes it", []int16{84 * 16, 84 * 16, 84*16 + 8, restart}, 85000},
		{"after it", []int16{84 * 16, 84 * 16, 84*16 + 8, restart, 86 * 16}, 86000},
		{"while a jump to it is confirmed", []int16{400, 400, 400, 83 * 16, restart, 86 * 16}, 86000},
		{"it does not begin a jump", []int16{400, 400, 400, restart, 86 * 16, 86 * 16}, 0},
		{"long after", []int16{84 * 16, 84 * 16, 84 * 16, 0, 0, 0, 0, 0, 0, 0, 0, restart}, 0}, // 0: gone
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sys := newTree(t)
				limits := hwmon.DefaultLimits(hal.Temperature)
				limits.Noise = 0
				c := w1Bus(sys, hwmon.W1{Name: "top", ID: topID})
				c.Limits = limits
				var l *listener
				for i, raw := range test.before {
					path := "bus/w1/devices/" + topID + "/w1_slave"
					sys.write(path, degrees(raw))
					if raw == 0 {
						sys.remove(path)
					}
					if i == 0 {
						l = listen(t, must(t)(hwmon.NewW1(c)))
						time.Sleep(time.Millisecond)
					} else {
						time.Sleep(time.Second)
					}
					synctest.Wait()
				}
				if test.want == 0 {
					l.unknown(t, "top", "")
					return
				}
				l.is(t, "top", test.want)
			})
		})
	}
}

// TestHurry: fire at one of eight thermometers counts after its turn and two readings more, while one that
// flutters does not keep the others from theirs.
func TestHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		var sensors []hwmon.W1
		path := func(i int) string { return fmt.Sprintf("bus/w1/devices/28-%012x/w1_slave", i) }
		for i := range 8 {
			sensors = append(sensors, hwmon.W1{Name: fmt.Sprint(i), ID: fmt.Sprintf("28-%012x", i)})
			sys.write(path(i), degrees(30*16))
		}
		l := listen(t, must(t)(hwmon.NewW1(w1Bus(sys, sensors...))))
		time.Sleep(40 * time.Second)
		synctest.Wait()
		for i := range 8 {
			l.is(t, fmt.Sprint(i), 30000)
		}
		sys.write(path(5), degrees(80*16))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.is(t, "5", 80000)

		for i := range 240 {
			sys.write(path(5), degrees(int16([]int{80, 50, 20}[i%3])*16))
			time.Sleep(time.Second)
			synctest.Wait()
			for j := range 8 {
				// A round of eight, two readings more, and the time to the next repeat.
				if r := l.last(fmt.Sprint(j)); j != 5 && (r.Quality != hal.QualityGood || time.Since(r.At) > 16*time.Second) {
					t.Fatalf("%+v at %s: starved by another", r, time.Now())
				}
			}
		}
	})
}

func TestW1Refused(t *testing.T) {
	one := hwmon.W1{Name: "top", ID: topID}
	many := make([]hwmon.W1, 9)
	for i := range many {
		many[i] = hwmon.W1{Name: fmt.Sprint(i), ID: fmt.Sprintf("28-%012x", i)}
	}
	for _, sensors := range [][]hwmon.W1{
		nil, many, {one, one}, {one, {Name: "top", ID: lowID}}, {one, {Name: "low", ID: topID}}, {{ID: topID}},
		{{Name: "x", ID: "10-00000a1b2c3d"}}, {{Name: "x", ID: "28-00000A1B2C3D"}}, {{Name: "x", ID: "28-00000a1b2c3"}}, {{Name: "x", ID: "28-../../../etc"}},
	} {
		if s, err := hwmon.NewW1(hwmon.W1Config{Sensors: sensors}); err == nil {
			t.Errorf("%+v is taken: %v", sensors, s)
		}
	}
}
