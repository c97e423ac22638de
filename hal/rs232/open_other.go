//go:build !linux

package rs232

import "go.bug.st/serial"

// openPrivate opens a port. Child processes may inherit it: the controllers run Linux.
func openPrivate(path string, mode *serial.Mode) (serial.Port, error) {
	return serial.Open(path, mode)
}
