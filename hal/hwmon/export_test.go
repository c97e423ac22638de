package hwmon

import "periph.io/x/conn/v3/i2c"

// The parsers of outside bytes, for their tests.

func ParseNumber(b []byte) (int64, error) { return parseNumber(b) }

func ParseW1(text []byte) ([9]byte, int64, error) {
	pad, millis, err := parseW1(text)
	return pad, millis, err
}

func CRC8(b []byte) byte { return crc8(b) }

// FindAdapter is what a bus opens.
func FindAdapter(root, adapter string) (int, error) { return findAdapter(root, adapter) }

// BusOver is a bus that opens to inner.
func BusOver(inner i2c.BusCloser) i2c.BusCloser {
	return &bus{adapter: "test", turn: make(chan struct{}, 1), open: func() (i2c.BusCloser, error) { return inner, nil }}
}
