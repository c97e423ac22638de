package flash

import (
	"errors"
	"fmt"
	"strings"
)

// ErrSwapped is wrapped where another medium is in the place of the one that was listed.
var ErrSwapped = errors.New("it is not the medium that was listed")

// A Disk is a medium that this machine has.
type Disk struct {
	Path   string // such as /dev/sdb
	Bytes  int64
	Model  string   // as it calls itself; may be empty
	Bus    string   // usb, mmc for a card, or empty for what is built in
	Users  []string // what uses it: mount points, swap, a volume on it
	Locked bool     // its switch says read-only
	Parts  []string // its partitions, such as "sdb1 (KINGSTON)", with the label where it is known
	Device string   // the kernel's numbers of it, such as 8:16
	Seq    string   // the kernel's count of the medium in it, which no other one gets; empty before Linux 5.15
}

// Portable says whether it can be one that somebody plugged in to write it. The others are this machine's own.
func (d Disk) Portable() bool { return d.Bus != "" }

// same compares what was listed with what is there now under the same path.
func (d Disk) same(now Disk) error {
	switch {
	case d.Device != now.Device:
		return fmt.Errorf("%w: %s has the numbers %s, and had %s", ErrSwapped, d.Path, now.Device, d.Device)
	case d.Bytes != now.Bytes:
		return fmt.Errorf("%w: %s has %d bytes, and had %d", ErrSwapped, d.Path, now.Bytes, d.Bytes)
	case d.Seq != now.Seq:
		return fmt.Errorf("%w: %s was plugged in anew", ErrSwapped, d.Path)
	}
	return nil
}

// visible keeps what a device says of itself from steering a terminal.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s))
}
