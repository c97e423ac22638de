package control

import "time"

// relayGrace is how long the relay waits for the panel to say that it is off. A panel that goes off by its own protocol
// ends its picture and its fans in good order; but the mains are cut within two seconds whatever it says, and half
// a second of these is left for the relay and its retry.
const relayGrace = 1500 * time.Millisecond

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
