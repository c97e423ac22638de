package main

import (
	"fmt"
	"strings"
	"testing"

	"bangtin/internal/wire"
)

func TestSensorsInOneLine(t *testing.T) {
	good := func(kind string, value float64, unit string) wire.Sensor {
		return wire.Sensor{Name: "n-" + kind, Kind: kind, Value: &value, Unit: unit, Quality: wire.SensorGood}
	}
	doubtful := wire.Sensor{Name: "psu", Kind: "temperature", Quality: "unknown", Reason: "no reading for 30s"}
	var row []wire.Sensor
	for i := range wire.MaxSensors {
		row = append(row, wire.Sensor{Name: fmt.Sprint("t", i), Kind: "temperature", Value: new(float64(i)), Unit: "°C", Quality: wire.SensorGood})
	}
	for name, tt := range map[string]struct {
		sensors     []wire.Sensor
		english, vi string
	}{
		"none": {nil, "", ""},
		"all is as it shall be": {[]wire.Sensor{
			good("signal", 1, ""), good("relay", 1, ""), good("smoke", 0, ""), good("mains", 1, ""), good("door", 0, ""), good("tamper", 0, ""),
			good("key", 0, ""), good("meter", 61.4, "W"), good("temperature", 41.5, "°C"),
		}, "mains present, 61.4 W, n-temperature 41.5 °C", "có điện lưới, 61.4 W, n-temperature 41.5 °C"},
		"nothing is": {[]wire.Sensor{
			good("meter", 0.5, "W"), doubtful, good("signal", 0, ""), good("relay", 0, ""), good("smoke", 1, ""), good("mains", 0, ""), good("door", 1, ""),
			good("tamper", 1, ""), good("key", 1, ""),
		}, "no picture on the panel's input, relay open, SMOKE, NO MAINS, door open, tampered with, key turned, psu unknown, 0.5 W",
			"màn hình không nhận được hình, rơ-le đang ngắt, CÓ KHÓI, MẤT ĐIỆN LƯỚI, cửa tủ đang mở, bị tác động, khóa công tắc đã vặn, psu: không rõ, 0.5 W"},
		"of kinds nobody knows":   {[]wire.Sensor{good("flood", 1, ""), good("quake", 0, ""), good("wind", 3e100, "m/s")}, "n-flood, n-wind 3e+100 m/s", "n-flood, n-wind 3e+100 m/s"},
		"in doubts nobody knows":  {[]wire.Sensor{{Name: "door", Kind: "door", Quality: "frozen"}}, "door unknown", "door: không rõ"},
		"good, and without value": {[]wire.Sensor{{Name: "door", Kind: "door", Quality: wire.SensorGood}}, "", ""},
		"to disturb a terminal":   {[]wire.Sensor{{Name: "a\x1bc", Kind: "meter", Quality: "unknown"}}, "a\ufffdc unknown", "a\ufffdc: không rõ"},
		"more than a line has room for": {row, "t0 0 °C, t1 1 °C, t2 2 °C, t3 3 °C, t4 4 °C, t5 5 °C, t6 6 °C, t7 7 °C, t8 8 °C, t9 9 °C, t10 10 °C, t11 11 °C, and 20 more",
			"t0 0 °C, t1 1 °C, t2 2 °C, t3 3 °C, t4 4 °C, t5 5 °C, t6 6 °C, t7 7 °C, t8 8 °C, t9 9 °C, t10 10 °C, t11 11 °C, và 20 mục nữa"},
	} {
		if got := (&Program{}).sensorWords(tt.sensors); got != tt.english || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", name, got, tt.english)
		}
		if got := (&Program{translation: vietnamese()}).sensorWords(tt.sensors); got != tt.vi {
			t.Errorf("%s: %q, want %q", name, got, tt.vi)
		}
	}
}
