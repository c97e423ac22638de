package control

import (
	"time"

	"bangtin/hal"
	"bangtin/internal/journal"
)

// sense takes a reading. A change of the mains makes older readings of the panel worthless.
func (c *Control) sense(r hal.Reading) {
	c.sensors.take(r)
	c.heat.take(r)
	if r.Kind == hal.Key && r.Quality == hal.QualityGood && c.cfg.Key.State != "" {
		c.cfg.Orders.turn(r.Active, c.cfg.Key)
	}
	mains := c.sensors.mains()
	if changed(mains, c.seen.Mains) {
		c.seen.Mains, c.seen.MainsAt = mains, time.Now()
		c.panel.look()
	}
}

func changed(a, b *bool) bool {
	return (a == nil) != (b == nil) || a != nil && *a != *b
}

// senseInside takes what the panel's own thermometer says, as of any other sensor. A panel that is off or silent is not asked,
// which is no fault.
func (c *Control) senseInside() {
	told, on := c.seen.Panel.Told.Inside, c.seen.Panel.Power == hal.PowerOn || c.seen.Panel.Blind
	stale := time.Since(told.At) > toldFresh*insideEvery
	switch {
	case told.Sensor == "", stale && !on:
		c.sensors.forget(insideSensor)
		c.heat.forget(insideSensor)
		return
	case stale:
		told.Quality, told.Reason = hal.QualityUnknown, "the panel does not tell it any more"
	}
	c.sense(told)
}

// nudge has a panel that cannot be read back told again to go off, as long as it draws what a lit one does.
func (c *Control) nudge(now time.Time) {
	if c.seen.Panel.Blind && c.seen.Light.stands(now, LitButOff) && now.Sub(c.nudgedAt) >= nudgeEvery {
		c.nudged, c.nudgedAt = c.nudged+1, now
	}
}

// doubt takes back what was claimed since the last proof of it, once it turns out that it is not so any more: it may have
// ended right after that proof.
func (c *Control) doubt(at journal.Stamp, now time.Time, status Status) {
	was := c.was
	c.was = status
	if proof, ok := c.proof(now, was.dated().State); ok && status.State == journal.Lost {
		booked := at.Wall.Add(-c.ledger.Stepped(at)) // by the clock that the claim was booked by
		c.ledger.Doubt(booked.Add(-now.Sub(proof)).Unix(), status)
	}
	switch {
	case c.seen.Panel.Power == hal.PowerOn:
		c.lit = c.seen.Panel.ReadAt
	case c.seen.Panel.Blind && c.seen.Light.Draw == DrawLit:
		c.lit = c.seen.Light.LitAt
	}
}

// proof is the last moment at which what is now known to be otherwise was seen to be as claimed; false where nothing of
// the panel is.
func (c *Control) proof(now time.Time, claimed journal.Airtime) (time.Time, bool) {
	light := c.seen.Light
	switch {
	case claimed == journal.OnAir && dark(now, c.seen) != "":
		return c.lit, true
	case claimed != journal.OnAir && claimed != journal.Unverified:
		return time.Time{}, false
	case light.stands(now, DarkButOn):
		return light.AgreeAt, true
	case light.stands(now, InputWrong):
		return c.seen.Panel.Told.Socket.RightAt, true
	case light.stands(now, SignalLost):
		return c.seen.Panel.Told.Signal.SeenAt, true
	}
	return time.Time{}, false
}
