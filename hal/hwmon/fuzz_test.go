package hwmon_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bangtin/hal/hwmon"
)

// FuzzNumber: what is taken for a number is exactly what the kernel prints for it.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"25000\n", "-10000\n", "0", "", "\n", "-", "+1", "007\n", "2147483648\n", "-2147483648\n", "1\n\n", "1 2", "0x10"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := hwmon.ParseNumber(b)
		if err != nil {
			return
		}
		sign, digits := "", strings.TrimSuffix(string(b), "\n")
		if rest, negative := strings.CutPrefix(digits, "-"); negative {
			sign, digits = "-", rest
		}
		plain := fmt.Sprintf("%d", v)
		if digits = strings.TrimLeft(digits, "0"); digits == "" {
			sign, digits = "", "0"
		}
		if plain != sign+digits {
			t.Fatalf("%q is taken for %d", b, v)
		}
	})
}

// FuzzW1: what is taken has a right checksum and says the same twice, once in bytes and once in figures.
func FuzzW1(f *testing.F) {
	for _, raw := range []int16{0, 0x0191, 0x0550, -162, 0x07FF} {
		f.Add([]byte(degrees(raw)))
	}
	f.Add([]byte(w1Slave(make([]byte, 8))))
	f.Add([]byte(strings.Replace(degrees(400), "YES", "NO", 1)))
	f.Add([]byte("\n t=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		pad, milli, err := hwmon.ParseW1(text)
		if err != nil {
			return
		}
		if hwmon.CRC8(pad[:8]) != pad[8] {
			t.Fatalf("%q is taken, and its checksum is wrong", text)
		}
		want := w1Slave(pad[:8])
		first, _, _ := strings.Cut(want, " : ")
		if !strings.HasPrefix(strings.ToLower(string(text)), first+" : crc=") {
			t.Fatalf("%q is taken for % x", text, pad)
		}
		if end := fmt.Sprintf("t=%d\n", milli); !strings.HasSuffix(want, end) {
			t.Fatalf("%q is taken for %d", text, milli)
		}
	})
}

// FuzzCRC8: one wrong bit, or two within eight, never have the right checksum.
func FuzzCRC8(f *testing.F) {
	f.Add([]byte{0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10}, byte(1), byte(1))
	f.Fuzz(func(t *testing.T, pad []byte, at, burst byte) {
		if len(pad) != 8 || burst == 0 {
			return
		}
		other := bytes.Clone(pad)
		other[at%8] ^= burst
		if hwmon.CRC8(pad) == hwmon.CRC8(other) {
			t.Fatalf("% x and % x have one checksum", pad, other)
		}
	})
}
