package main

import (
	"context"
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
)

// contacts are the steps of what is wired with two positions.
func (t *smokeTest) contacts() []func(context.Context, *step) {
	names := []string{"mains", "smoke", "door", "tamper", "key"}
	if t.wired.rig == nil {
		names = nil
		for _, c := range t.site.Contacts {
			names = append(names, c.Name)
		}
	}
	var all []func(context.Context, *step)
	for _, name := range names {
		all = append(all, func(ctx context.Context, s *step) { t.contact(ctx, s, name) })
	}
	return all
}

// positions are the words for what a contact reads, and what is asked of the person.
func positions(kind hal.Kind) (name, active, rest, operate phrase) {
	switch kind {
	case hal.Mains:
		return say("mains contact"), say("mains present"), say("mains absent"),
			say("Please take the mains away from this contact (its own fuse, not the controller's).")
	case hal.Smoke:
		return say("smoke contact"), say("smoke"), say("no smoke"),
			say("Please trip the smoke detector (its test button or magnet).")
	case hal.Door:
		return say("door contact"), say("open"), say("closed"), say("Please open the cabinet's door, or close it if it is open.")
	case hal.Tamper:
		return say("tamper contact"), say("tampered with"), say("untouched"), say("Please operate the tamper contact.")
	}
	return say("key switch"), say("turned"), say("not turned"), say("Please turn the key.")
}

// contact asks to operate one contact and to put it back, and sees both.
func (t *smokeTest) contact(ctx context.Context, s *step, name string) {
	kind := hal.Kind(name)
	var active, rest, operate phrase
	s.name, active, rest, operate = positions(kind)
	word := func(is bool) phrase {
		if is {
			return active
		}
		return rest
	}
	before, good := t.senses.good(ctx, name, soon)
	if !good {
		s.fail(say("nothing that can be believed: %s", before.Reason))
		return
	}
	t.person.tell(say("%s reads: %s", s.name, word(before.Active)))
	if !t.see(ctx, s, operate, name, !before.Active, word) {
		return
	}
	if !t.see(ctx, s, say("Thank you. Now put it back as it was."), name, before.Active, word) {
		return
	}
	t.truthful(ctx, s, word(before.Active), before.Active != (kind == hal.Mains))
	s.pass()
}

// truthful asks whether a reading that is not what one expects at rest was true: a contact that is wired the other way
// round is operated like a good one.
func (t *smokeTest) truthful(ctx context.Context, s *step, was phrase, strange bool) {
	if !strange {
		return
	}
	switch t.person.asks(ctx, say("Before you touched it, it read: %s. Was that so?", was)) {
	case no:
		s.fail(say("it read the other way round: change active in the site file, and see that a cut cable still alarms"))
	case noAnswer:
		s.saw(say("at rest it reads %s; nobody said that this is so", was))
	}
}

// see asks for something and waits until the contact reads it. It notes what was seen, and when.
func (t *smokeTest) see(ctx context.Context, s *step, request phrase, name string, want bool, word func(bool) phrase) bool {
	t.person.attend()
	t.person.tell(say("%s It shall read: %s. [Enter = skip]", request, word(want)))
	t.hint()
	began := time.Now()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	lines := t.person.lines
	for {
		r, changed := t.senses.newest(name)
		if r.Quality == hal.QualityGood && r.Active == want {
			s.saw(say("read %s after %v", word(want), time.Since(began).Round(100*time.Millisecond)))
			return true
		}
		select {
		case <-changed:
		case line, ok := <-lines:
			if !ok {
				s.saw(say("nobody is there"))
				return false
			}
			if line != "" {
				t.operate(line, name, want)
				continue
			}
			s.saw(say("skipped"))
			return false
		case <-limit.C:
			s.fail(say("did not read %s within %v: %s", word(want), patience, t.reads(r, word)))
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (t *smokeTest) reads(r hal.Reading, word func(bool) phrase) phrase {
	if r.Quality != hal.QualityGood {
		return say("nothing that can be believed: %s", r.Reason)
	}
	return say("still %s", word(r.Active))
}

// hint says how nobody's hands operate a rig.
func (t *smokeTest) hint() {
	if t.wired.rig != nil {
		t.person.tell(say("(Simulated: type t and Enter to operate it.)"))
	}
}

// operate does on a simulated rig what a person would.
func (t *smokeTest) operate(line, name string, active bool) {
	rig := t.wired.rig
	if line != "t" || rig == nil {
		return
	}
	switch hal.Kind(name) {
	case hal.Mains:
		rig.SetMains(active)
	case hal.Smoke:
		rig.SetSmoke(active)
	case hal.Door:
		rig.SetDoor(active)
	case hal.Tamper:
		rig.SetTamper(active)
	case hal.Key:
		rig.TurnKey(active)
	}
}

// lowestSane is colder than it is in any cabinet in An Giang: what reads less is broken or wired wrongly.
const lowestSane = physic.ZeroCelsius - 5*physic.Celsius

// thermometers shows what each measures. One at the cut-off would put the display out as soon as it is started.
func (t *smokeTest) thermometers(ctx context.Context, s *step) {
	s.name = say("thermometers")
	names := []string{sim.CabinetSensor, sim.PanelSensor}
	if t.wired.rig == nil {
		names = nil
		for _, th := range t.site.Thermometers {
			names = append(names, th.Name)
		}
	}
	for _, name := range names {
		r, good := t.senses.good(ctx, name, soon)
		switch {
		case !good:
			s.fail(say("%s: nothing that can be believed: %s", name, r.Reason))
		case r.Temperature < lowestSane || r.Temperature >= celsius(t.site.Safety.CutOff):
			s.fail(say("%s: %v is not what a cabinet has; the display cuts off at %d °C", name, r.Temperature, t.site.Safety.CutOff))
		default:
			s.saw(asIs(fmt.Sprintf("%s: %v", name, r.Temperature)))
		}
	}
	if len(names) == 0 {
		s.saw(say("none is wired"))
		return
	}
	s.pass()
}
