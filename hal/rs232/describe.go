package rs232

import "fmt"

// A Field is one word of what a frame says.
type Field struct{ Key, Value string }

// Describe says in words what one whole request or reply says, in this order: kind (set, get, ack, nak, nav, busy or
// report), command, the value under the command's own name, id, and what else there is. The commands are power, input,
// brightness, backlight, volume, mute, temperature, signal, diagnosis, serial, model and hours; one that has no such
// name is its code. It refuses whatever is not exactly one frame with a right check sum.
func Describe(p Protocol, frame []byte) ([]Field, error) {
	return nil, fmt.Errorf("cannot read a frame of %q", p)
}

// Compose returns the request that says words to the panel with set ID id: a command of Describe and a value or
// "get", such as "power", "on".
func Compose(p Protocol, id int, words []string) ([]byte, error) {
	return nil, fmt.Errorf("cannot write a frame of %q", p)
}
