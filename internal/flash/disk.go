package flash

import "strings"

// A Disk is a medium that this machine has.
type Disk struct {
	Path   string // such as /dev/sdb
	Bytes  int64
	Model  string   // as it calls itself; may be empty
	Bus    string   // usb, mmc, or empty for what is built in
	Users  []string // what uses it: mount points, swap, a volume on it
	Locked bool     // its switch says read-only
}

// Portable says whether it can be one that somebody plugged in to write it. The others are this machine's own.
func (d Disk) Portable() bool { return d.Bus != "" }

// visible keeps what a device says of itself from steering a terminal.
func visible(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s))
}
