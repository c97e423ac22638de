package hwmon_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/hwmon"
)

const inaAddress = 0x40

// read is the transfer that reads a register, set the one that writes it.
func read(register byte, v uint16) i2ctest.IO {
	return i2ctest.IO{Addr: inaAddress, W: []byte{register}, R: []byte{byte(v >> 8), byte(v)}}
}

func set(register byte, v uint16) i2ctest.IO {
	return i2ctest.IO{Addr: inaAddress, W: []byte{register, byte(v >> 8), byte(v)}}
}

// all219 and all226 are the transfers of a whole reading, with the set-up that datasheets' examples have: 2 mΩ, 1 mA a step.
func all219(shunt, bus, power uint16) []i2ctest.IO {
	return []i2ctest.IO{read(5, 0x5000), read(0, 0x3FFF), read(1, shunt), read(2, bus), read(3, power)}
}

func all226(shunt, bus, power, mask uint16) []i2ctest.IO {
	return []i2ctest.IO{read(5, 0x0A00), read(0, 0x4527), read(1, shunt), read(2, bus), read(3, power), read(6, mask)}
}

func join(parts ...[]i2ctest.IO) []i2ctest.IO {
	var all []i2ctest.IO
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func meter(model string, bus i2c.Bus) hwmon.INAConfig {
	return hwmon.INAConfig{Name: "panel", Model: model, Bus: bus, Address: inaAddress, ShuntMilliOhm: 2, MaxCurrent: 32768 * physic.MilliAmpere}
}

// TestINA plays transcripts, one reading each second. The figures of the first are those of the datasheets' own
// examples (SBOS448, SBOS547): 10 A at 11.98 V through 2 mΩ.
func TestINA(t *testing.T) {
	example219, example226 := all219(0x07D0, 0x5D98, 0x1766), all226(0x1F40, 0x2570, 0x12B8, 0)
	lost219 := []i2ctest.IO{read(5, 0), read(0, 0x399F), set(0, 0x3FFF), set(5, 0x5000)}
	lost226 := []i2ctest.IO{read(5, 0), read(0, 0x4127), set(0, 0x4527), set(5, 0x0A00)}
	for _, test := range []struct {
		name    string
		model   string
		script  []i2ctest.IO
		seconds int
		watts   physic.Power // negative: unknown
		because string
	}{
		{"ina219, the example", "ina219", join(example219, example219), 2, 119800 * physic.MilliWatt, ""},
		{"ina226, the example", "ina226", join(example226, example226), 2, 119800 * physic.MilliWatt, ""},
		{"ina219, one reading is not enough", "ina219", example219, 1, -1, "1 of 2 readings agree"},
		{"ina219, new", "ina219", join(lost219, example219, example219), 3, 119800 * physic.MilliWatt, ""},
		{"ina226, new", "ina226", join(lost226, example226, example226), 3, 119800 * physic.MilliWatt, ""},
		{"ina219, brown-out", "ina219", join(example219, example219, lost219), 3, -1, "calibration was lost"},
		{"ina226, brown-out", "ina226", join(example226, example226, lost226), 3, -1, "calibration was lost"},
		{"ina226, brown-out over", "ina226", join(example226, example226, lost226, example226, example226), 5, 119800 * physic.MilliWatt, ""},
		{"ina226, the configuration alone was lost", "ina226", join(example226, example226,
			[]i2ctest.IO{read(5, 0x0A00), read(0, 0x4127), set(0, 0x4527), set(5, 0x0A00)}), 3, -1, "calibration was lost"},
		{"ina226, the calibration alone was lost", "ina226", join(example226, example226,
			[]i2ctest.IO{read(5, 0), read(0, 0x4527), set(0, 0x4527), set(5, 0x0A00)}), 3, -1, "calibration was lost"},
		{"ina219, dark", "ina219", join(all219(0, 0x5D98, 0), all219(0, 0x5D98, 0)), 2, 0, ""},
		{"ina219, a small offset backwards is nothing", "ina219", join(all219(0xFFFB, 0x5D98, 15), all219(0xFFFB, 0x5D98, 15)), 2, 0, ""},
		{"ina219, wired the wrong way round", "ina219", join(all219(0xF830, 0x5D98, 0x1766)), 1, -1, "backwards"},
		{"ina226, wired the wrong way round", "ina226", join(all226(0xE0C0, 0x2570, 0x12B8, 0)), 1, -1, "backwards"},
		{"ina219, overflow", "ina219", all219(0x07D0, 0x5D99, 0x1766), 1, -1, "overflowed"},
		{"ina226, overflow", "ina226", all226(0x1F40, 0x2570, 0x12B8, 4), 1, -1, "overflowed"},
		{"ina219, too much current", "ina219", all219(32000, 0x5D98, 0x1766), 1, -1, "more than it can measure"},
		{"ina226, too much current", "ina226", all226(0x7FFF, 0x2570, 0x12B8, 0), 1, -1, "more than it can measure"},
		{"ina219, too much voltage", "ina219", all219(0x07D0, 6501<<3, 13002), 1, -1, "more than the part bears"},
		{"ina226, no voltage", "ina226", all226(0x1F40, 0, 0, 0), 1, -1, "not connected"},
		{"ina219, 0 W and a current, twice", "ina219", join(all219(0x07D0, 0x5D98, 0), all219(0x07D0, 0x5D98, 0)), 1, -1, "it says 0 mW, but 11980 mV and 20000 µV"},
		{"ina219, registers of two conversions", "ina219", join(all219(0x07D0, 0x5D98, 0), example219, example219), 2, 119800 * physic.MilliWatt, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &i2ctest.Playback{Ops: test.script, DontPanic: true}
				l := listen(t, must(t)(hwmon.NewINA(meter(test.model, bus))))
				time.Sleep(time.Duration(test.seconds)*time.Second - time.Millisecond)
				synctest.Wait()
				if err := bus.Close(); err != nil {
					t.Error(err)
				}
				r := l.last("panel")
				if test.watts < 0 {
					l.unknown(t, "panel", test.because)
				} else if r.Quality != hal.QualityGood || r.Watts != test.watts || r.Kind != hal.Meter {
					t.Errorf("%+v, want %s", r, test.watts)
				}
			})
		})
	}
}

// TestAMeterMayRestAtNothing: behind a relay that is open it says 0 for as long as that is, and is not stuck.
func TestAMeterMayRestAtNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		reading []i2ctest.IO
		want    hal.Quality
	}{
		{"the supply is cut", all219(0, 0, 0), hal.QualityGood},
		{"119.8 W to the last digit", all219(0x07D0, 0x5D98, 0x1766), hal.QualityUnknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			var script []i2ctest.IO
			for range 30 {
				script = append(script, test.reading...)
			}
			bus := &i2ctest.Playback{Ops: script, DontPanic: true}
			c := meter("ina219", bus)
			c.Limits = hwmon.DefaultLimits(hal.Meter)
			c.Limits.Stuck = 20 * time.Second
			l := listen(t, must(t)(hwmon.NewINA(c)))
			time.Sleep(30*time.Second - time.Millisecond)
			synctest.Wait()
			if r := l.last("panel"); r.Quality != test.want {
				t.Errorf("%s: %+v, want quality %d", test.name, r, test.want)
			}
		})
	}
}

// TestINA219CalibrationIsEven: 15 A through 2 mΩ give 44739, of which the part keeps 44738. Its steps are those of the
// latter.
func TestINA219CalibrationIsEven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reading := []i2ctest.IO{read(5, 0xAEC2), read(0, 0x3FFF), read(1, 0x07D0), read(2, 0x5D98), read(3, 13085)}
		bus := &i2ctest.Playback{Ops: join([]i2ctest.IO{read(5, 0), read(0, 0x399F), set(0, 0x3FFF), set(5, 0xAEC2)}, reading, reading), DontPanic: true}
		c := meter("ina219", bus)
		c.MaxCurrent = 15 * physic.Ampere
		l := listen(t, must(t)(hwmon.NewINA(c)))
		time.Sleep(3*time.Second - time.Millisecond)
		synctest.Wait()
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
		if r := l.last("panel"); r.Quality != hal.QualityGood || r.Watts < 119790*physic.MilliWatt || r.Watts > 119810*physic.MilliWatt {
			t.Errorf("%+v, want 119.80 W", r)
		}
	})
}

// TestINASilent: a part that does not answer is unknown, and so is one that never did.
func TestINASilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		example := all226(0x1F40, 0x2570, 0x12B8, 0)
		bus := &i2ctest.Playback{Ops: join(example, example), DontPanic: true} // fails when it is used up
		l := listen(t, must(t)(hwmon.NewINA(meter("ina226", bus))))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if r := l.last("panel"); r.Quality != hal.QualityGood {
			t.Fatalf("%+v, want good", r)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.unknown(t, "panel", "cannot read register 0x05")
	})
}

// A hungBus answers like Bus until it hangs: then a transfer ends when it is let go.
type hungBus struct {
	i2c.Bus
	mu   sync.Mutex
	hang chan struct{} // nil: it works
}

func (b *hungBus) Tx(address uint16, w, r []byte) error {
	b.mu.Lock()
	hang := b.hang
	b.mu.Unlock()
	if hang != nil {
		<-hang
		return errors.New("remote I/O error")
	}
	return b.Bus.Tx(address, w, r)
}

func (b *hungBus) set(c chan struct{}) {
	b.mu.Lock()
	b.hang = c
	b.mu.Unlock()
}

// A part is an INA226 that answers for ever.
type part struct{ i2c.Bus }

func (part) Tx(_ uint16, w, r []byte) error {
	for _, op := range all226(0x1F40, 0x2570, 0x12B8, 0) {
		if op.W[0] == w[0] {
			copy(r, op.R)
		}
	}
	return nil
}

// TestHang: a bus that hangs makes the sensor unknown within 3 s, and unknown it goes on saying; when the bus lets go
// it is good again. One transfer hangs meanwhile, not one for each reading.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &hungBus{Bus: part{}}
		l := listen(t, must(t)(hwmon.NewINA(meter("ina226", bus))))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if r := l.last("panel"); r.Quality != hal.QualityGood {
			t.Fatalf("%+v, want good", r)
		}
		hang := make(chan struct{})
		bus.set(hang)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		l.unknown(t, "panel", "does not answer a read")
		said := len(l.all("panel"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if more := len(l.all("panel")) - said; more < 6 {
			t.Errorf("%d readings in a minute of silence, want one each 10 s at least", more)
		}
		l.unknown(t, "panel", "does not answer a read")
		bus.set(nil)
		close(hang)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if r := l.last("panel"); r.Quality != hal.QualityGood {
			t.Errorf("%+v, want good", r)
		}
	})
}

// TestHangAtStart: it says that it knows nothing, rather than nothing.
func TestHangAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		l := listen(t, must(t)(hwmon.NewINA(meter("ina226", &hungBus{Bus: part{}, hang: hang}))))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		l.unknown(t, "panel", "does not answer a read")
	})
}

// TestRunEndsWhileABusHangs: at once, and it leaves the transfer to the kernel.
func TestRunEndsWhileABusHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		s := must(t)(hwmon.NewINA(meter("ina226", &hungBus{Bus: part{}, hang: hang})))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, make(chan hal.Reading)) }() // and nobody listens
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		default:
			t.Error("Run goes on")
		}
	})
}

func TestINARefused(t *testing.T) {
	change := func(f func(*hwmon.INAConfig)) hwmon.INAConfig {
		c := meter("ina226", part{})
		f(&c)
		return c
	}
	for _, c := range []hwmon.INAConfig{
		change(func(c *hwmon.INAConfig) { c.Model = "ina220" }),
		change(func(c *hwmon.INAConfig) { c.Bus = nil }),
		change(func(c *hwmon.INAConfig) { c.Name = "" }),
		change(func(c *hwmon.INAConfig) { c.Address = 0x50 }),
		change(func(c *hwmon.INAConfig) { c.ShuntMilliOhm = 0 }),
		change(func(c *hwmon.INAConfig) { c.ShuntMilliOhm = 20000 }),
		change(func(c *hwmon.INAConfig) { c.MaxCurrent = 0 }),
		change(func(c *hwmon.INAConfig) { c.MaxCurrent = 41 * physic.Ampere }), // 82 mV
		change(func(c *hwmon.INAConfig) { c.MaxCurrent = 10 * physic.MilliAmpere }),
	} {
		if s, err := hwmon.NewINA(c); err == nil {
			t.Errorf("%+v is taken: %v", c, s)
		}
	}
}

// TestOpenBus: an adapter that is not there, or is not named like that, is an error of each transfer and no
// more. (What it opens is a character device: see the bench.)
func TestOpenBus(t *testing.T) {
	sys := newTree(t)
	sys.write("bus/i2c/devices/i2c-7/name", "SMBus I801 adapter at f040\n")
	sys.write("bus/i2c/devices/7-0048/name", "lm75\n")
	for _, name := range []string{"CP2112 SMBus Bridge", "lm75", "I801"} {
		b, err := hwmon.OpenBus(sys.root, name)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.Tx(inaAddress, []byte{0}, nil); err == nil {
				t.Errorf("%s: a transfer went well", name)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := hwmon.OpenBus(sys.root, "../i2c-7"); err == nil {
		t.Error("an adapter with a slash in its name is taken")
	}
}

// TestAdapters: a USB adapter's name ends in a number that changes, and two adapters may have one name.
func TestAdapters(t *testing.T) {
	sys := newTree(t)
	for path, name := range map[string]string{
		"pci0000:00/0000:00:1f.4/i2c-0":                              "SMBus I801 adapter at f040",
		"pci0000:00/0000:00:1f.4/i2c-15":                             "SMBus I801 adapter at f0400",
		"pci0000:00/usb1/1-2/1-2:1.0/0003:10C4:EA90.0007/i2c-5":      "CP2112 SMBus Bridge on hidraw3",
		"platform/soc/fe804000.i2c/i2c-11":                           "bcm2835 (i2c@7e804000)",
		"platform/soc/fe205000.i2c/i2c-12":                           "bcm2835 (i2c@7e205000)",
		"platform/soc/fef04500.i2c/i2c-13":                           "twin",
		"platform/soc/fef09500.i2c/i2c-14":                           "twin",
		"pci0000:00/0000:00:1f.4/i2c-0/0-0048":                       "lm75",
		"pci0000:00/0000:00:15.0/i2c_designware.0/i2c-1/i2c-ELAN:00": "i2c-ELAN",
	} {
		sys.write("devices/"+path+"/name", name+"\n")
		link := filepath.Join(sys.root, "bus/i2c/devices", filepath.Base(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(filepath.Join(sys.root, "devices", path), link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		adapter string
		want    int // -1 is none
	}{
		{"SMBus I801 adapter at f040", 0},
		{"CP2112 SMBus Bridge on hidraw3", 5},
		{"CP2112", 5},
		{"1-2", 5},
		{"1-2:1.0", 5},
		{"fe804000.i2c", 11},
		{"soc/fe205000.i2c", 12},
		{"/soc/fe205000.i2c", 12},
		{"fef09500.i2c", 14},
		{"bcm2835 (i2c@7e8", 11},
		{"bcm2835", -1}, // two
		{"twin", -1},    // two
		{"soc", -1},     // four below it
		{"04000.i2c", -1},
		{"lm75", -1}, // a part
		{"i2c-ELAN", -1},
		{"i2c-5", -1}, // the number changes
		{"I801", -1},
	} {
		if got, err := hwmon.FindAdapter(sys.root, tt.adapter); (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
			t.Errorf("%q: %d, %v, want %d", tt.adapter, got, err, tt.want)
		}
	}
}
