package hwmon_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

// flames is what a DS18B20 says that long after flames of 800 °C got to it, with a time constant of 20 s: up to 40 K/s, and
// no more than its register holds, 127.9375 °C.
func flames(ambient float64, past time.Duration) string {
	celsius := ambient + (800-ambient)*(1-math.Exp(-past.Seconds()/20))
	return degrees(int16(min(celsius*16, 0x7FF)))
}

// TestFlamesAtAThermometer: they are heat whichever of a bus's thermometers they are at and whenever they begin, though it
// soon leaves its range. From the cut-off on it takes the thermometer's turn and two readings. Time is virtual.
func TestFlamesAtAThermometer(t *testing.T) {
	const cutOff = 75
	for n := 1; n <= 8; n++ {
		for _, ambient := range []float64{-20, 30, 60} {
			over := time.Duration(-20 * math.Log(1-(cutOff-ambient)/(800-ambient)) * float64(time.Second))
			limit := over + time.Duration(n+2)*time.Second + 200*time.Millisecond
			for phase := range 5 {
				synctest.Test(t, func(t *testing.T) {
					l, burn := busOf(t, n, ambient)
					// Beside the reads, at each part of a round.
					time.Sleep(time.Duration(4*n)*time.Second + time.Duration(phase*n)*time.Second/5 + time.Millisecond)
					for began := time.Now(); time.Since(began) < limit; time.Sleep(100 * time.Millisecond) {
						burn(time.Since(began))
						synctest.Wait()
						if r := l.last("0"); r.Quality == hal.QualityGood && r.Temperature >= celsius(cutOff*1000) {
							return
						}
					}
					t.Errorf("%d thermometers at %v °C, phase %d: not hot after %v: %+v", n, ambient, phase, limit, l.last("0"))
				})
			}
		}
	}
}

// busOf is a bus of n thermometers at the ambient temperature. Flames burn at the first of them.
func busOf(t *testing.T, n int, ambient float64) (l *listener, burn func(past time.Duration)) {
	t.Helper()
	sys := newTree(t)
	path := func(i int) string { return fmt.Sprintf("bus/w1/devices/28-%012x/w1_slave", i) }
	var sensors []hwmon.W1
	for i := range n {
		sensors = append(sensors, hwmon.W1{Name: fmt.Sprint(i), ID: fmt.Sprintf("28-%012x", i)})
		sys.write(path(i), flames(ambient, 0))
	}
	l = listen(t, must(t)(hwmon.NewW1(w1Bus(sys, sensors...))))
	var said string
	return l, func(past time.Duration) {
		if now := flames(ambient, past); now != said {
			sys.write(path(0), now)
			said = now
		}
	}
}

// TestABrokenThermometerIsNoFire: what leaves the range faster than flames heat is broken.
func TestABrokenThermometerIsNoFire(t *testing.T) {
	for _, before := range []int16{-20 * 16, 30 * 16, 60 * 16} {
		synctest.Test(t, func(t *testing.T) {
			sys := newTree(t)
			path := "bus/w1/devices/" + topID + "/w1_slave"
			sys.write(path, degrees(before))
			l := listen(t, must(t)(hwmon.NewW1(w1Bus(sys, hwmon.W1{Name: "top", ID: topID}))))
			time.Sleep(10*time.Second + time.Millisecond)
			synctest.Wait()
			l.is(t, "top", int64(before)*1000/16)
			sys.write(path, degrees(0x7FF))
			time.Sleep(time.Minute)
			synctest.Wait()
			l.unknown(t, "top", "127.937 °C is outside")
			for _, r := range l.all("top") {
				if r.Quality == hal.QualityGood && r.Temperature >= celsius(75_000) {
					t.Errorf("believed %s", r.Temperature)
				}
			}
		})
	}
}
