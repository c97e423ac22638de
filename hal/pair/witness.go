package pair

import (
	"context"
	"time"

	"bangtin/hal"
)

const (
	// compareEvery is how often the fallback is compared with a primary that answers.
	compareEvery = time.Minute
	// compareRarely is the same for a fallback that does not answer: each time costs a few seconds.
	compareRarely = 10 * time.Minute
)

// A witness is what is known of the fallback's honesty. Many TVs say "on" in standby: what one was wrong about once is
// not believed until it was right about it again, and neither "on" nor "off" is believed of one that has never said the
// other. But "off" needs no more than to be what was commanded last.
type witness struct {
	nextAt   time.Time
	saidOn   bool // it has said "on" since the start, so that it does not always say "off"
	saidOff  bool // the same the other way round
	wrongOn  bool // the fallback's "on" was contradicted when it was last compared
	wrongOff bool // the same of its "off"
}

// says notes what the fallback said.
func (w *witness) says(power hal.Power) {
	w.saidOn = w.saidOn || power == hal.PowerOn
	w.saidOff = w.saidOff || power == hal.PowerOff
}

// believed tells whether the fallback's word stands for itself.
func (p *Panel) believed(said hal.Power) bool {
	w := p.witness
	switch said {
	case hal.PowerOn:
		return !w.wrongOn && w.saidOff
	case hal.PowerOff:
		return !w.wrongOff && (w.saidOn || p.asleep)
	default:
		return true
	}
}

// heard compares what the fallback said with what is true.
func (w *witness) heard(said, truth hal.Power) (wrong bool) {
	w.says(said)
	if truth != hal.PowerOn && truth != hal.PowerOff {
		return false
	}
	wrong = said != truth
	switch said {
	case hal.PowerOn:
		w.wrongOn = wrong
	case hal.PowerOff:
		w.wrongOff = wrong
	default: // on its way, which contradicts nothing
		return false
	}
	return wrong
}

// told notes a power command, whichever way it takes.
func (p *Panel) told(on bool) {
	p.asleep = !on
	if on {
		p.woken = time.Now()
	} else {
		p.slept = time.Now()
	}
}

// seen notes a power that is true.
func (p *Panel) seen(power hal.Power) {
	if power == hal.PowerOn || power == hal.PowerOff {
		p.slept, p.woken = time.Time{}, time.Time{}
	}
}

// judge says what the fallback's word is worth. It was not told of commands that went over the primary, and a panel's
// old state, said before it has settled, proves nothing: it is on its way.
func (p *Panel) judge(said hal.Power) hal.Power {
	doubted := said == hal.PowerOn && p.settling(p.slept, false) || said == hal.PowerOff && p.settling(p.woken, true)
	switch {
	case doubted && p.woken.After(p.slept):
		return hal.PowerWarming
	case doubted:
		return hal.PowerCooling
	}
	p.seen(said)
	return said
}

func (p *Panel) settling(since time.Time, on bool) bool {
	return !since.IsZero() && time.Since(since) < settles(p.fallback, on)
}

// compare asks the fallback beside a primary that just answered, and the primary again, so that a panel that moves
// meanwhile makes nobody a liar. It returns the primary's newest word, or why there is none.
func (p *Panel) compare(ctx context.Context, truth hal.Power) (hal.Power, error) {
	p.seen(truth)
	if time.Now().Before(p.witness.nextAt) || truth != hal.PowerOn && truth != hal.PowerOff {
		return truth, nil
	}
	p.witness.nextAt = time.Now().Add(compareEvery)
	said, fallbackErr := p.fallback.Power(ctx)
	if fallbackErr != nil {
		p.witness.nextAt = time.Now().Add(compareRarely)
	}
	again := hal.PowerUnknown
	err := p.ask(ctx, func(ctx context.Context) (err error) {
		again, err = p.primary.Power(ctx)
		return err
	})
	if err != nil {
		return hal.PowerUnknown, err
	}
	p.seen(again)
	if fallbackErr == nil && again == truth && p.witness.heard(said, truth) {
		p.log.Warn("the two ways to the panel disagree about its power", "first", truth.String(), "second", said.String())
	}
	return again, nil
}
