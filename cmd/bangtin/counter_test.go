package main

import (
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// madeIn is the counter of the command, or the version of the order, in a file.
func (d *desk) madeIn(name string) uint64 {
	d.t.Helper()
	e, err := trust.ParseEnvelope(d.read(name))
	d.check(err)
	if c, err := wire.ParseCommand(e.Payload); err == nil {
		return c.Counter
	}
	o, err := wire.ParsePowerOrder(e.Payload)
	d.check(err)
	return o.Version
}

// After one command from a machine that was some minutes fast, the next ones are counted on: displays would refuse them.
func TestFastClockIsCountedOn(t *testing.T) {
	d := newDesk(t)
	const send = "send identify --display tinh-bien-01 --key @duc.key --out "
	d.now = morning.Add(5 * time.Minute)
	d.must(send + "@1.json")
	d.now = morning
	if out := d.must(send + "@2.json"); !strings.Contains(out, "a clock that was fast") || !strings.Contains(out, "08:05") {
		t.Errorf("does not tell of the clock:\n%s", out)
	}
	d.must("power --display tinh-bien-01 --state schedule --reason r --key @duc.key --out @3.json")
	first := uint64(morning.Add(5 * time.Minute).UnixMilli())
	if a, b, c := d.madeIn("1.json"), d.madeIn("2.json"), d.madeIn("3.json"); a != first || b != first+1 || c != first+2 {
		t.Errorf("made at %d, %d, %d", a, b, c)
	}
	if out := d.must("send identify --display tinh-bien-01 --key @r1.key --out @4.json"); strings.Contains(out, "fast") || d.madeIn("4.json") != uint64(morning.UnixMilli()) {
		t.Errorf("another key is counted on:\n%s", out)
	}
	if out := d.must("sign draft @4.json --key @duc.key --yes"); !strings.Contains(out, "refuses this command as replayed") {
		t.Errorf("does not tell that it is counted behind:\n%s", out)
	}
	if d.now = morning.Add(2 * time.Hour); strings.Contains(d.must(send+"@5.json"), "Attention") || d.madeIn("5.json") != uint64(d.now.UnixMilli()) {
		t.Error("counted on where the clock is past it")
	}
}

// What was signed far ahead displays that know the time have refused: to go on from it would lock the key out.
func TestFarAheadIsNotCountedOn(t *testing.T) {
	d := newDesk(t)
	const send = "send identify --display tinh-bien-01 --key @duc.key --out @c.json"
	d.now = morning.Add(time.Hour)
	d.must(send)
	d.now = morning
	for range 2 {
		if out := d.must(send); !strings.Contains(out, "far ahead: 2027-01-31 09:00") || d.madeIn("c.json") != uint64(morning.UnixMilli()) {
			t.Errorf("made at %d\n%s", d.madeIn("c.json"), out)
		}
	}
}

func TestDamagedCounter(t *testing.T) {
	d := newDesk(t)
	for _, damaged := range []string{"", "soon", "-1", "9223372036854775808"} {
		d.write("duc.key.counter", []byte(damaged))
		d.refuses("send identify --display tinh-bien-01 --key @duc.key --out @c.json", exitFailed, "duc.key.counter: is damaged")
	}
}
