package hwmon

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/sysfs"
)

// maxAdapter bounds what an adapter is called by: a name has at most 47 bytes in the kernel, a place may have more.
const maxAdapter = 128

// OpenBus returns the host's I²C bus that adapter tells, in this order, by
//
//   - its name, such as "bcm2835 (i2c@7e804000)": what /sys/bus/i2c/devices/i2c-N/name says;
//   - its place: one folder of its device path in sysfs, such as the USB port "1-1.2", or the end of its parent's path;
//   - the beginning of its name. A CP2112 is called "CP2112 SMBus Bridge on hidrawM", and M is counted as N is, by the
//     order of finding.
//
// What fits two adapters fits none. root is where sysfs is mounted, "/sys".
//
// It opens /dev/i2c-N when the bus is first used, and again after each failure, because an adapter on USB that
// was unplugged comes back under another number. It is safe for concurrent use.
func OpenBus(root, adapter string) (i2c.BusCloser, error) {
	if adapter == "" || len(adapter) > maxAdapter || strings.ContainsAny(adapter, "\n\x00") || strings.Contains(adapter, "..") {
		return nil, fmt.Errorf("cannot open an I²C bus: %q is no adapter: write its name, as i2cdetect -l shows it", adapter)
	}
	return &bus{adapter: adapter, turn: make(chan struct{}, 1), open: func() (i2c.BusCloser, error) {
		n, err := findAdapter(root, adapter)
		if err != nil {
			return nil, err
		}
		return sysfs.NewI2C(n)
	}}, nil
}

// findAdapter returns the number of the one adapter that is called so.
func findAdapter(root, adapter string) (int, error) {
	class := filepath.Join(root, "bus/i2c/devices")
	entries, err := list(class)
	if err != nil {
		return 0, err
	}
	var named, placed, begun []int
	for _, entry := range entries {
		n, err := strconv.Atoi(strings.TrimPrefix(entry, "i2c-"))
		if err != nil || entry != fmt.Sprintf("i2c-%d", n) {
			continue // a part on a bus
		}
		switch name, parent := describe(filepath.Join(class, entry)); {
		case name == "": // it went away since
		case name == adapter:
			named = append(named, n)
		case slices.Contains(strings.Split(parent, "/"), adapter), strings.HasSuffix(parent, "/"+strings.TrimPrefix(adapter, "/")):
			placed = append(placed, n)
		case strings.HasPrefix(name, adapter):
			begun = append(begun, n)
		}
	}
	for _, fit := range [][]int{named, placed, begun} {
		switch len(fit) {
		case 0:
		case 1:
			return fit[0], nil
		default:
			return 0, fmt.Errorf("cannot tell which of the I²C adapters %v is %q: write more of its name, or its place on the bus", fit, adapter)
		}
	}
	return 0, fmt.Errorf("cannot find the I²C adapter %q in %s", adapter, class)
}

// describe returns what an adapter is called and the device path of what it is part of.
func describe(path string) (name, parent string) {
	f, err := openFolder(path)
	if err != nil {
		return "", ""
	}
	defer f.close()
	if name, err = f.word("name"); err != nil {
		return "", ""
	}
	device, err := filepath.EvalSymlinks(path)
	if err != nil {
		return name, ""
	}
	return name, filepath.Dir(device)
}

// A bus opens another one when it is needed.
type bus struct {
	adapter string
	open    func() (i2c.BusCloser, error)

	turn   chan struct{} // holds a token while the bus is in use
	inner  i2c.BusCloser // nil while closed
	closed atomic.Bool
}

// closeLimit is how long Close waits for a transfer. A bus that is held down takes a second.
const closeLimit = 2 * time.Second

var errBusClosed = errors.New("I²C bus is closed")

func (b *bus) String() string { return b.adapter }

// Tx implements [i2c.Bus]. It blocks for as long as the adapter's driver does: a second is usual where the bus is held
// down, and nothing bounds it.
func (b *bus) Tx(address uint16, w, r []byte) error {
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if b.closed.Load() {
		return errBusClosed
	}
	if b.inner == nil {
		inner, err := b.open()
		if err != nil {
			return fmt.Errorf("cannot open I²C bus %q: %w", b.adapter, err)
		}
		b.inner = inner
	}
	err := b.inner.Tx(address, w, r)
	if err != nil || b.closed.Load() { // Close may not have waited
		// periph says it in words alone, so a part that does not answer looks like an adapter that is gone.
		b.inner.Close() // the reason is err
		b.inner = nil
	}
	return err
}

// SetSpeed implements [i2c.Bus]. The speed is the system's.
func (b *bus) SetSpeed(physic.Frequency) error {
	return errors.New("cannot set the speed of an I²C bus: it is the system's")
}

// Close closes the bus for good. It waits 2 s for a transfer under way; one that the kernel holds for longer closes the bus
// when it is back, and Close returns an error.
func (b *bus) Close() error {
	b.closed.Store(true)
	t := time.NewTimer(closeLimit)
	defer t.Stop()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-t.C:
		return fmt.Errorf("cannot close I²C bus %q: a transfer does not end", b.adapter)
	}
	if b.inner == nil {
		return nil
	}
	inner := b.inner
	b.inner = nil
	return inner.Close()
}
