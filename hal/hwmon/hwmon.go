// Package hwmon reads what is measured in a cabinet: temperatures, voltages and fans that the kernel shows in sysfs,
// DS18B20 thermometers on a 1-wire bus, and INA219 and INA226 power meters on I²C.
//
// Every value passes one judge before it is a reading: its range, how fast it changed, how old it is and whether it
// moves at all. What fails there is [hal.QualityUnknown] with the reason, and so is a part that cannot be read, that is
// gone, or whose bus hangs. See [Limits] for the figures, and their sources.
//
// It runs on Linux. sysfs and the I²C bus are parameters.
package hwmon

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/hal"
)

// poll is how often a chip or a zone is read. It is a part of the safety chain's time (docs/DESIGN.md): with the two
// readings that confirm a jump, a fire counts 0.6 s after it reached the sensor. A read of an LM75 takes half a
// millisecond of its bus: five bytes with their acknowledgements, at 100 kHz.
const poll = 200 * time.Millisecond

// A Config is one channel of a hardware monitoring chip.
type Config struct {
	Name    string   // of the sensor in its readings
	Root    string   // where sysfs is mounted ["/sys"]
	Chip    string   // what the chip's file name says, such as "lm75"; never its number, which changes
	Device  string   // where two chips have one name: the end of the path of its device, such as "1-0048"
	Channel string   // temp1, in0, fan2 and so on
	Kind    hal.Kind // Temperature for temp, Voltage for in, Fan for fan

	Every  time.Duration // between two reads, 100 ms to 3 s [200 ms]
	Limits Limits        // [DefaultLimits of the kind]; a processor's own sensor needs a Step of 60 K
	Log    *slog.Logger  // [none]
}

// New returns the sensor of one channel. It opens nothing: a chip that is missing is of unknown quality until it is there.
func New(c Config) (hal.Sensor, error) {
	if err := errors.Join(checkWord("name of a chip", c.Chip), checkChannel(c.Channel, c.Kind)); err != nil {
		return nil, fmt.Errorf("cannot set up sensor %s: %w", c.Name, err)
	}
	at := place{class: "class/hwmon", label: "name", value: c.Chip, device: c.Device}
	root := cmp.Or(c.Root, "/sys")
	w, err := newWatch(cmp.Or(c.Every, poll), c.Log, probe{
		name:   c.Name,
		kind:   c.Kind,
		limits: c.Limits.or(DefaultLimits(c.Kind)),
		read: func() (sample, error) {
			return readChannel(root, at, c.Channel)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot set up sensor %s: %w", c.Name, err)
	}
	return w, nil
}

// readChannel reads a channel and, where the chip has them, its fault flag and how often it measures. All are in the
// kernel's documents, Documentation/hwmon/sysfs-interface.
func readChannel(root string, at place, channel string) (sample, error) {
	f, err := at.find(root)
	if err != nil {
		return sample{}, err
	}
	defer f.close()
	value, err := f.number(channel + "_input")
	if err != nil {
		return sample{}, err
	}
	s := sample{value: value, raw: value}
	switch fault, err := f.number(channel + "_fault"); {
	case errors.Is(err, unix.ENOENT): // it has none
	case err != nil:
		return sample{}, err
	case fault != 0:
		s.wrong = "the chip says that the sensor is broken or not connected"
	}
	if millis, err := f.number("update_interval"); err == nil { // most chips do not tell, and it is no part of the value
		s.holds = time.Duration(millis) * time.Millisecond
	}
	return s, nil
}

// checkChannel refuses a channel that is not of that kind.
func checkChannel(channel string, kind hal.Kind) error {
	prefix := strings.TrimRight(channel, "0123456789")
	if digits := len(channel) - len(prefix); digits < 1 || digits > 3 {
		return fmt.Errorf("%q is no channel", channel)
	}
	want, ok := map[string]hal.Kind{"temp": hal.Temperature, "in": hal.Voltage, "fan": hal.Fan}[prefix]
	if !ok || want != kind {
		return fmt.Errorf("channel %s does not measure %q", channel, kind)
	}
	return nil
}

// A ZoneConfig is one thermal zone of the kernel.
type ZoneConfig struct {
	Name   string // of the sensor in its readings
	Root   string // where sysfs is mounted ["/sys"]
	Type   string // what the zone's file type says, such as "cpu-thermal"
	Device string // where two zones have one type: the end of the path of its device

	Every  time.Duration // between two reads, 100 ms to 3 s [200 ms]
	Limits Limits        // [those of a temperature, but with a Step of 60 K]
	Log    *slog.Logger  // [none]
}

// NewZone returns the sensor of a thermal zone. Most zones are in a processor, which heats by tens of kelvins within
// a second of work: so the step is larger than in a cabinet. It opens nothing.
func NewZone(c ZoneConfig) (hal.Sensor, error) {
	if err := checkWord("type of a zone", c.Type); err != nil {
		return nil, fmt.Errorf("cannot set up sensor %s: %w", c.Name, err)
	}
	limits := DefaultLimits(hal.Temperature)
	limits.Step = 60_000
	at := place{class: "class/thermal", label: "type", value: c.Type, device: c.Device}
	root := cmp.Or(c.Root, "/sys")
	w, err := newWatch(cmp.Or(c.Every, poll), c.Log, probe{
		name:   c.Name,
		kind:   hal.Temperature,
		limits: c.Limits.or(limits),
		read: func() (sample, error) {
			f, err := at.find(root)
			if err != nil {
				return sample{}, err
			}
			defer f.close()
			value, err := f.number("temp")
			return sample{value: value, raw: value}, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot set up sensor %s: %w", c.Name, err)
	}
	return w, nil
}
