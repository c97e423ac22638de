// Package gpio watches contacts, counts energy pulses and drives relays on GPIO lines.
package gpio
