package hwmon

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"path/filepath"
	"strings"
	"time"

	"bangtin/hal"
)

// maxW1 is how many thermometers one bus may have: each takes 750 ms to convert, and three readings of each must come
// within the 30 s after which nobody believes a sensor.
const maxW1 = 8

// A W1Config is one 1-wire bus with its DS18B20 thermometers, through the kernel's w1_therm.
type W1Config struct {
	Root    string // where sysfs is mounted ["/sys"]
	Sensors []W1   // 1 to 8; for a safety chain one or two, since a bus reads one after the other

	Every  time.Duration // between the beginnings of two reads on the bus, 100 ms to 3 s [1 s]
	Limits Limits        // [those of a temperature]
	Log    *slog.Logger  // [none]
}

// A W1 is one thermometer.
type W1 struct {
	Name string // of the sensor in its readings
	ID   string // its folder in sysfs: "28-" and twelve hexadecimal digits in lower case
}

// NewW1 returns the sensors of one bus. They are read one after the other by one goroutine: 750 ms each, for the
// kernel starts a conversion and waits. After a jump that thermometer is read at once again, so that fire at
// the only thermometer of a bus counts 3 s after it got there, and at one of n after n+2 s. It opens nothing.
func NewW1(c W1Config) (hal.Sensor, error) {
	if len(c.Sensors) < 1 || len(c.Sensors) > maxW1 {
		return nil, fmt.Errorf("cannot set up a 1-wire bus with %d sensors: 1 to %d", len(c.Sensors), maxW1)
	}
	devices := filepath.Join(cmp.Or(c.Root, "/sys"), "bus/w1/devices")
	known := map[string]bool{}
	var probes []probe
	for _, s := range c.Sensors {
		if err := checkID(s.ID); err != nil {
			return nil, fmt.Errorf("cannot set up sensor %s: %w", s.Name, err)
		}
		if known[s.ID] || known[s.Name] {
			return nil, fmt.Errorf("cannot set up sensor %s: it is there twice", s.Name)
		}
		known[s.ID], known[s.Name] = true, true
		path := filepath.Join(devices, s.ID)
		probes = append(probes, probe{
			name:   s.Name,
			kind:   hal.Temperature,
			limits: c.Limits.or(DefaultLimits(hal.Temperature)),
			read:   func() (sample, error) { return readW1(path) },
		})
	}
	w, err := newWatch(cmp.Or(c.Every, time.Second), c.Log, probes...)
	if err != nil {
		return nil, fmt.Errorf("cannot set up a 1-wire bus: %w", err)
	}
	return w, nil
}

// checkID refuses what is no DS18B20, whose family is 28.
func checkID(id string) error {
	serial, ok := strings.CutPrefix(id, "28-")
	if !ok || len(serial) != 12 || strings.Trim(serial, "0123456789abcdef") != "" {
		return fmt.Errorf("%q is no DS18B20: want 28- and twelve hexadecimal digits", id)
	}
	return nil
}

// readW1 reads one thermometer: its scratchpad rather than the number alone, because a number does not tell that the
// bus is shorted.
func readW1(path string) (sample, error) {
	f, err := openFolder(path)
	if err != nil {
		return sample{}, err
	}
	defer f.close()
	text, err := f.read("w1_slave", maxScratchpad)
	if err != nil {
		return sample{}, err
	}
	if len(text) == 0 {
		// So the kernel says that the conversion or the checksum failed, several times over.
		return sample{}, errors.New("the thermometer does not answer: empty read")
	}
	pad, millis, err := parseW1(text)
	if err != nil {
		return sample{}, fmt.Errorf("cannot read %s/w1_slave: %w", path, err)
	}
	s := sample{value: millis, raw: pad.raw()}
	switch {
	case pad == scratchpad{}:
		s.wrong = "all bytes are zero: the bus is shorted"
	case pad.raw() == powerOn:
		s.suspect = "85 °C is what it says before it has measured"
	}
	return s, nil
}

// powerOn is the temperature register of a DS18B20 that lost power since the last conversion: 85 °C. (DS18B20
// datasheet, "Operation, measuring temperature".) Its checksum is right, and 85 °C is possible too: what came just before decides.
const powerOn = 0x0550

// A scratchpad is the memory of a DS18B20: temperature, two alarms, configuration, three reserved bytes and a checksum.
type scratchpad [9]byte

// raw is the temperature in 1/16 °C.
func (p scratchpad) raw() int64 { return int64(int16(uint16(p[0]) | uint16(p[1])<<8)) }

// parseW1 reads what w1_slave says: the nine bytes with the kernel's verdict on their checksum, and once more the
// last good nine with the temperature in thousandths of °C. The checksum is computed here again.
//
// All zero passes: its checksum is right. 1/16 °C is all that a DS18B20 knows, so clones that count otherwise are an error.
func parseW1(text []byte) (scratchpad, int64, error) {
	var pad scratchpad
	first, second, ok := bytes.Cut(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if !ok {
		return pad, 0, errors.New("it is not two lines")
	}
	held, verdict, ok := bytes.Cut(first, []byte(" : crc="))
	if !ok || len(verdict) != len("1c YES") || string(verdict[2:]) != " YES" {
		return pad, 0, fmt.Errorf("%.60q does not say that the checksum is right", first)
	}
	if err := unhex(pad[:], held); err != nil {
		return pad, 0, err
	}
	if crc8(pad[:8]) != pad[8] {
		return pad, 0, fmt.Errorf("the checksum of % x is wrong", pad)
	}
	_, number, ok := bytes.Cut(second, []byte(" t="))
	if !ok {
		return pad, 0, fmt.Errorf("%.60q holds no temperature", second)
	}
	millis, err := parseNumber(number)
	if err != nil {
		return pad, 0, err
	}
	if want := pad.raw() * 1000 / 16; millis != want {
		return pad, 0, fmt.Errorf("the kernel says %d and the thermometer %d", millis, want)
	}
	return pad, millis, nil
}

// unhex reads bytes with one space between them into all of dst.
func unhex(dst, text []byte) error {
	if len(text) != 3*len(dst)-1 {
		return fmt.Errorf("%.60q is not %d bytes", text, len(dst))
	}
	for i := range dst {
		if i > 0 && text[3*i-1] != ' ' {
			return fmt.Errorf("%.60q is not %d bytes", text, len(dst))
		}
		if _, err := hex.Decode(dst[i:i+1], text[3*i:3*i+2]); err != nil {
			return fmt.Errorf("%.60q is not %d bytes", text, len(dst))
		}
	}
	return nil
}

// crc8 is the checksum of 1-wire parts, x⁸+x⁵+x⁴+1 with the lowest bit first (Maxim application note 27).
func crc8(b []byte) byte {
	var sum byte
	for _, c := range b {
		sum ^= c
		for range 8 {
			low := sum & 1
			sum >>= 1
			if low == 1 {
				sum ^= bits.Reverse8(0x31)
			}
		}
	}
	return sum
}
