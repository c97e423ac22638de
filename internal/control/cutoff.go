package control

import "time"

// relayGrace is how long the relay waits for the panel to say that it is off. A panel that goes off by its own protocol
// ends its picture and its fans in good order, and the slowest protocol has done that within: NEC's line rests 600 ms
// after the exchange that the fire interrupts (hal/rs232), and its request and reply take 50 ms more at 9600 baud. The
// picture of the slowest panel of `make safety` was out 839 ms after the reading. But the mains are cut within two seconds
// of the fire whatever the panel says: docs/DESIGN.md has the sum, of which this is a part.
const relayGrace = 900 * time.Millisecond

// feed says what the relay shall be. A fire goes the way panel off, relay open. Nothing is dimmed on this way, as it is
// below the cut-off: dimming would cost an exchange, 0.1 to 1 s on a serial line, for a light that is off after the next one.
func (c *Control) feed(now time.Time, closed bool) relayWish {
	if closed {
		c.cutBy, c.cutOff = time.Time{}, false
		return relayWish{closed: true}
	}
	if c.cutBy.IsZero() {
		c.cutBy = now.Add(relayGrace)
	}
	if off := c.seen.Panel.OffAt; !off.IsZero() && now.Sub(off) <= panelFresh {
		c.cutOff = true // for good: what the panel says later must not close the relay again
	}
	if c.cutOff {
		return relayWish{}
	}
	return relayWish{by: c.cutBy}
}
