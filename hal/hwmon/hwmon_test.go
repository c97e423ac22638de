package hwmon_test

import (
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

// settle is more than three readings and less than a repeat.
const settle = 2 * time.Second

func cabinet(root string) hwmon.Config {
	return hwmon.Config{Name: "cabinet", Root: root, Chip: "lm75", Channel: "temp1", Kind: hal.Temperature}
}

func TestChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		for path, text := range map[string]string{
			"hwmon0/name": "acpitz\n", "hwmon0/temp1_input": "99000\n",
			"hwmon1/name": "nct6775\n", "hwmon1/temp2_input": "-10500\n", "hwmon1/in0_input": "12048\n", "hwmon1/fan2_input": "1250\n",
			"hwmon1/temp2_fault": "0\n", "hwmon1/fan3_input": "0\n",
		} {
			sys.write("class/hwmon/"+path, text)
		}
		check := func(channel string, want hal.Reading) {
			l := listen(t, must(t)(hwmon.New(hwmon.Config{Name: "x", Root: sys.root, Chip: "nct6775", Channel: channel, Kind: want.Kind})))
			time.Sleep(settle)
			synctest.Wait()
			got := l.last("x")
			want.Sensor, want.Quality, want.At = "x", hal.QualityGood, got.At
			if got != want || time.Since(got.At) > settle {
				t.Errorf("%s: %+v, want %+v", channel, got, want)
			}
		}
		check("temp2", hal.Reading{Kind: hal.Temperature, Temperature: physic.ZeroCelsius - 10500*physic.MilliCelsius})
		check("in0", hal.Reading{Kind: hal.Voltage, Voltage: 12048 * physic.MilliVolt})
		check("fan2", hal.Reading{Kind: hal.Fan, RPM: 1250})
		check("fan3", hal.Reading{Kind: hal.Fan})
	})
}

// TestFanMayStandStill: 0 is not stuck, any other speed is.
func TestFanMayStandStill(t *testing.T) {
	for _, test := range []struct {
		file string
		want hal.Quality
	}{{"0\n", hal.QualityGood}, {"1250\n", hal.QualityUnknown}} {
		synctest.Test(t, func(t *testing.T) {
			sys := newTree(t)
			sys.write("class/hwmon/hwmon0/name", "nct6775\n")
			sys.write("class/hwmon/hwmon0/fan1_input", test.file)
			limits := hwmon.DefaultLimits(hal.Fan)
			limits.Stuck = stuck
			l := listen(t, must(t)(hwmon.New(hwmon.Config{Name: "fan", Root: sys.root, Chip: "nct6775", Channel: "fan1", Kind: hal.Fan, Limits: limits})))
			time.Sleep(2 * stuck)
			synctest.Wait()
			if r := l.last("fan"); r.Quality != test.want {
				t.Errorf("%q all the time: %+v, want quality %d", test.file, r, test.want)
			}
		})
	}
}

// TestChipIsFoundByName across boots and while running, whatever its number and whoever has its old one.
func TestChipIsFoundByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		sys.write("class/hwmon/hwmon0/name", "acpitz\n")
		sys.write("class/hwmon/hwmon0/temp1_input", "27800\n")
		sys.write("class/hwmon/hwmon3/name", "lm75\n")
		sys.write("class/hwmon/hwmon3/temp1_input", "41000\n")
		l := listen(t, must(t)(hwmon.New(cabinet(sys.root))))
		time.Sleep(settle)
		synctest.Wait()
		l.is(t, "cabinet", 41000)

		// Its number goes to another chip, within one step of it.
		sys.rename("class/hwmon/hwmon3", "class/hwmon/hwmon7")
		sys.rename("class/hwmon/hwmon0", "class/hwmon/hwmon3")
		sys.write("class/hwmon/hwmon3/temp1_input", "44000\n")
		sys.write("class/hwmon/hwmon7/temp1_input", "42500\n")
		time.Sleep(settle)
		synctest.Wait()
		l.is(t, "cabinet", 42500)

		sys.remove("class/hwmon/hwmon7")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.unknown(t, "cabinet", `cannot find "lm75"`)

		sys.write("class/hwmon/hwmon1/name", "lm75\n")
		sys.write("class/hwmon/hwmon1/temp1_input", "43500\n")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.is(t, "cabinet", 43500)
		for _, r := range l.all("cabinet") {
			if r.Quality == hal.QualityGood && (r.Temperature == celsius(27800) || r.Temperature == celsius(44000)) {
				t.Errorf("read another chip: %+v", r)
			}
		}
	})
}

// TestTwins: which of two chips is meant is not guessed.
func TestTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		for hwmon, device := range map[string]string{"class/hwmon/hwmon0": "devices/i2c-1/1-0048", "class/hwmon/hwmon1": "devices/i2c-1/1-0049"} {
			sys.write(hwmon+"/name", "lm75\n")
			sys.device(hwmon, device)
		}
		sys.write("class/hwmon/hwmon0/temp1_input", "20000\n")
		sys.write("class/hwmon/hwmon1/temp1_input", "30000\n")
		bare, second, third := cabinet(sys.root), cabinet(sys.root), cabinet(sys.root)
		second.Device, third.Device = "1-0049", "1-004"
		lost, found, wrong := listen(t, must(t)(hwmon.New(bare))), listen(t, must(t)(hwmon.New(second))), listen(t, must(t)(hwmon.New(third)))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		lost.unknown(t, "cabinet", "the device path is needed")
		found.is(t, "cabinet", 30000)
		wrong.unknown(t, "cabinet", "cannot find")
	})
}

// TestBadFiles: nothing but a number of the kernel's is a value.
func TestBadFiles(t *testing.T) {
	huge := make([]byte, 1<<20)
	for i := range huge {
		huge[i] = '1'
	}
	for _, test := range []struct{ file, because string }{
		{"", "it is empty"},
		{"\n", "it is empty"},
		{"garbage\n", "is no number"},
		{"+25000\n", "is no number"},
		{" 25000\n", "is no number"},
		{"25000 \n", "is no number"},
		{"25000\n25000\n", "is no number"},
		{"25.0\n", "is no number"},
		{"0x19\n", "is no number"},
		{"25_000\n", "is no number"},
		{"99999999999\n", "no number of 32 bits"},
		{"-99999999999\n", "no number of 32 bits"},
		{string(huge), "longer than 64 bytes"},
		{"25000\x00\x00\n", "is no number"},
	} {
		synctest.Test(t, func(t *testing.T) {
			sys := newTree(t)
			sys.write("class/hwmon/hwmon0/name", "lm75\n")
			sys.write("class/hwmon/hwmon0/temp1_input", test.file)
			l := listen(t, must(t)(hwmon.New(cabinet(sys.root))))
			time.Sleep(settle)
			synctest.Wait()
			l.unknown(t, "cabinet", test.because)
		})
	}
}

// TestFaultFlag: the chip itself knows that its sensor came off.
func TestFaultFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		sys.write("class/hwmon/hwmon0/name", "lm75\n")
		sys.write("class/hwmon/hwmon0/temp1_input", "25000\n")
		l := listen(t, must(t)(hwmon.New(cabinet(sys.root))))
		time.Sleep(settle)
		synctest.Wait()
		l.is(t, "cabinet", 25000)
		sys.write("class/hwmon/hwmon0/temp1_fault", "1\n")
		time.Sleep(half)
		synctest.Wait()
		l.unknown(t, "cabinet", "broken or not connected")
		sys.write("class/hwmon/hwmon0/temp1_fault", "0\n")
		time.Sleep(settle)
		synctest.Wait()
		l.is(t, "cabinet", 25000)
		sys.write("class/hwmon/hwmon0/temp1_fault", "?\n")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.unknown(t, "cabinet", "is no number")
	})
}

func TestZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sys := newTree(t)
		sys.write("class/thermal/cooling_device0/type", "Fan\n")
		sys.write("class/thermal/thermal_zone0/type", "acpitz\n")
		sys.write("class/thermal/thermal_zone0/temp", "27800\n")
		sys.write("class/thermal/thermal_zone4/type", "cpu-thermal\n")
		sys.write("class/thermal/thermal_zone4/temp", "48312\n")
		l := listen(t, must(t)(hwmon.NewZone(hwmon.ZoneConfig{Name: "processor", Root: sys.root, Type: "cpu-thermal"})))
		time.Sleep(settle)
		synctest.Wait()
		l.is(t, "processor", 48312)
		// A processor that begins to work.
		sys.write("class/thermal/thermal_zone4/temp", "93000\n")
		time.Sleep(half)
		synctest.Wait()
		l.is(t, "processor", 93000)
		sys.remove("class/thermal")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.unknown(t, "processor", "cannot list")
	})
}

// TestRefused: a set-up that cannot be meant is an error at once.
func TestRefused(t *testing.T) {
	change := func(f func(*hwmon.Config)) hwmon.Config {
		c := cabinet("")
		f(&c)
		return c
	}
	for _, c := range []hwmon.Config{
		change(func(c *hwmon.Config) { c.Name = "" }),
		change(func(c *hwmon.Config) { c.Chip = "" }),
		change(func(c *hwmon.Config) { c.Chip = "../lm75" }),
		change(func(c *hwmon.Config) { c.Channel = "temp" }),
		change(func(c *hwmon.Config) { c.Channel = "temp1234" }),
		change(func(c *hwmon.Config) { c.Channel = "../temp1" }),
		change(func(c *hwmon.Config) { c.Channel = "fan1" }),
		change(func(c *hwmon.Config) { c.Kind = hal.Meter; c.Channel = "power1" }),
		change(func(c *hwmon.Config) { c.Every = time.Millisecond }),
		change(func(c *hwmon.Config) { c.Every = 4 * time.Second }),
		change(func(c *hwmon.Config) { c.Limits = hwmon.Limits{Min: 1, Max: 1} }),
		change(func(c *hwmon.Config) { c.Limits = hwmon.Limits{Max: 1, Confirm: -1} }),
	} {
		if s, err := hwmon.New(c); err == nil {
			t.Errorf("%+v is taken: %v", c, s)
		}
	}
	if _, err := hwmon.NewZone(hwmon.ZoneConfig{Name: "x", Type: "a/b"}); err == nil {
		t.Error("a zone with a slash in its type is taken")
	}
	for _, kind := range []hal.Kind{hal.Temperature, hal.Voltage, hal.Fan, hal.Meter} {
		if l := hwmon.DefaultLimits(kind); l.Stuck != 24*time.Hour || l.Stale != 2*time.Second || l.Min >= l.Max {
			t.Errorf("limits of %s are %+v", kind, l)
		}
	}
}
