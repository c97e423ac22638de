package cec

import "time"

// hear does what a follower must: the kernel answers for names, addresses and versions, and leaves the rest to the
// one program that listens. It runs in the adapter's reading goroutine and waits for nothing.
func (p *Panel) hear(s *session, m message) {
	p.overhear(m)
	if m.is(opStandby, 0) {
		p.rest(s, true)
	}
	switch {
	case m.is(opRequestActive, 0):
		if p.isActive() {
			p.source(s)
		}
	case m.is(opSetStreamPath, 2):
		p.asked(s, m)
	case m.To == addressAll || m.From == addressUnregistered || m.asksNothing():
		// no answer is due
	case m.is(opGivePowerStatus, 0):
		p.answer(s, m, opReportPower, p.ownStatus())
	case m.is(opKeyPressed, 0) && len(m.Body) > 1 && (m.Body[1] == keyPowerOn || m.Body[1] == keyPowerToggle):
		p.rest(s, false)
	case m.is(opStandby, 0), m.is(opKeyPressed, 0), m.is(opKeyReleased, 0), m.is(opVendorButtonDown, 0), m.is(opVendorButtonUp, 0):
		// heard; to these no answer is due either, nor a feature abort (CEC 2.0 on keys)
	case m.is(opVendorCommand, 1) && m.Body[1] == lgAsks && m.From == addressTV && p.treatment().handshake:
		p.answer(s, m, opVendorCommand, lgAnswers, lgRecorder)
	default:
		p.answer(s, m, opFeatureAbort, m.Body[0], reasonUnknown)
	}
}

// overhear notes what others say of themselves.
func (p *Panel) overhear(m message) {
	// A report to us alone is an answer that came too late. One to all is news (CEC 2.0).
	if said, ok := m.power(); ok && m.From == addressTV && m.To == addressAll {
		p.note(func() { p.belief.judge(said, time.Now()) })
	}
	p.introduced(m)
	if m.is(opStandby, 0) && (m.From == addressTV || m.To == addressAll) {
		p.note(func() {
			p.config.Log.Info("panel was sent to standby by somebody else", "from", m.From)
			p.belief.told(false, time.Now())
			p.active = false
			if p.waking != nil {
				p.waking.cancel() // who holds the remote wins until the keeper has read the power
			}
		})
	}
	if to, ok := m.route(); ok {
		p.note(func() { p.active = p.active && to == p.seen.physical })
	}
}

// asked answers a TV that wants to see a source: ours, where it names us.
func (p *Panel) asked(s *session, m message) {
	to, _ := m.route()
	ours := false
	p.note(func() {
		if ours = to == p.seen.physical && to != noPhysical; ours {
			p.active = true
		}
	})
	if ours {
		p.rest(s, false)
		p.source(s)
	}
}

// ownStatus is what we say of our own power. A controller has no standby, but a TV that sent its sources there wants
// to see them there: until it shows us again.
func (p *Panel) ownStatus() (status byte) {
	p.note(func() {
		if p.resting {
			status = 1
		}
	})
	return status
}

// rest goes to that standby or out of it, and tells all, as CEC 2.0 wants of each change.
func (p *Panel) rest(s *session, resting bool) {
	turned := false
	var place addresses
	p.note(func() {
		turned = p.resting != resting
		p.resting, place = resting, p.seen
	})
	if from, placed := place.playback(); turned && placed {
		p.attempt(s, message{From: from, To: addressAll, Body: []byte{opReportPower, p.ownStatus()}})
	}
}

func (p *Panel) isActive() (active bool) {
	p.note(func() { active = p.active })
	return active
}

func (p *Panel) answer(s *session, m message, body ...byte) {
	p.attempt(s, message{From: m.To, To: m.From, Body: body})
}
