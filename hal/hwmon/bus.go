package hwmon

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/sysfs"
)

// OpenBus returns the host's I²C bus whose adapter has that name, such as "i2c_designware" or "bcm2835 (i2c@7e804000)": what
// /sys/bus/i2c/devices/i2c-N/name says. N itself changes from boot to boot. root is where sysfs is mounted, "/sys".
//
// It opens /dev/i2c-N when the bus is first used, and again after each failure, because an adapter on USB that
// was unplugged comes back under another number. It is safe for concurrent use.
func OpenBus(root, adapter string) (i2c.BusCloser, error) {
	if err := checkWord("name of an I²C adapter", adapter); err != nil {
		return nil, fmt.Errorf("cannot open an I²C bus: %w", err)
	}
	at := place{class: "bus/i2c/devices", label: "name", value: adapter}
	return &bus{adapter: adapter, open: func() (i2c.BusCloser, error) {
		f, err := at.find(root)
		if err != nil {
			return nil, err
		}
		f.close()
		number, ok := strings.CutPrefix(filepath.Base(f.path), "i2c-")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			return nil, fmt.Errorf("%s is no I²C adapter", f.path)
		}
		return sysfs.NewI2C(n)
	}}, nil
}

// A bus opens another one when it is needed.
type bus struct {
	adapter string
	open    func() (i2c.BusCloser, error)

	mu     sync.Mutex
	inner  i2c.BusCloser // nil while closed
	closed bool
}

var errBusClosed = errors.New("I²C bus is closed")

func (b *bus) String() string { return b.adapter }

// Tx implements [i2c.Bus]. It blocks for as long as the adapter's driver does: a second is usual where the bus is held
// down, and nothing bounds it.
func (b *bus) Tx(address uint16, w, r []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
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
	if err != nil {
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

// Close closes the bus for good. It waits for a transfer under way.
func (b *bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.inner == nil {
		return nil
	}
	inner := b.inner
	b.inner = nil
	return inner.Close()
}
