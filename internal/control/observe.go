package control

import (
	"time"

	"bangtin/hal"
	"bangtin/internal/journal"
	"bangtin/media"
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
// ended right after that proof. Whatever else was lost meanwhile does not stand between. Nothing is doubted while nobody
// wants a picture: that the panel is off proves nothing then.
func (c *Control) doubt(at journal.Stamp, now time.Time, want Want, status Status) {
	if proof, cause := c.proof(now); want.PanelOn && status.State != journal.OnAir && cause != "" && !proof.IsZero() {
		not := Status{State: journal.Lost, Cause: cause, Rule: want.Rule}
		if dark(now, c.seen) == "" && !c.seen.Light.Proven {
			not.State, not.Cause = journal.Unverified, ""
		}
		booked := at.Wall.Add(-c.ledger.Stepped(at)) // by the clock that the claim was booked by
		c.ledger.Doubt(booked.Add(-now.Sub(proof)).Unix(), not)
	}
	switch {
	case !want.PanelOn:
		c.lit = now
	case c.seen.Panel.Power == hal.PowerOn:
		c.lit = c.seen.Panel.ReadAt
	case c.seen.Panel.Blind && c.seen.Light.Draw == DrawLit:
		c.lit = c.seen.Light.LitAt
	case c.seen.Panel.Blind:
		c.lit = now // it has claimed nothing that a reading would prove
	}
}

// proof is the last moment at which the panel was seen to be as claimed, and the cause why it is known to be otherwise now;
// empty where nothing says so.
func (c *Control) proof(now time.Time) (time.Time, journal.Cause) {
	light := c.seen.Light
	if cause := dark(now, c.seen); cause != "" {
		return c.lit, cause
	}
	switch cause := contradiction(now, c.seen); {
	case cause == journal.CauseNoSignal && c.seen.Player.State == media.PlayerDown:
		return time.Time{}, "" // see Classify: what it claimed is its own
	case cause == journal.CauseNoSignal:
		return light.SawAt, cause
	case cause == journal.CauseInputWrong:
		return c.seen.Panel.Told.Socket.RightAt, cause
	default:
		return light.AgreeAt, cause
	}
}
