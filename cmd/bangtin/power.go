package main

import (
	"context"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

func (p *Program) power(o *options) action {
	display := o.text("display", say("display id"))
	state := o.text("state", say("on, off, blackout, safe (the built-in picture) or schedule (back to normal)"))
	until := o.text("until", say("when it ends: \"2027-02-06 18:00\" (Vietnam's time) or a span such as +2h; not for schedule"))
	reason := o.text("reason", say("why, for the record"))
	keyFile := o.key()
	file := o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	trustFile := o.text("trust", say("trust document to check the signature against"))
	out := o.text("out", say("file to write"))
	return func(_ context.Context, _ string) error {
		if err := o.require("display", "state", "reason", "key", "out"); err != nil {
			return err
		}
		order, err := p.order(*display, *state, *until, *reason, *keyFile)
		if err != nil {
			return err
		}
		payload, err := wire.Encode(order)
		if err != nil {
			return err
		}
		if _, err := wire.ParsePowerOrder(payload); err != nil {
			return &problem{field: "power", what: say("the display would refuse this order"), remedy: say("see the detail"), cause: err}
		}
		signer, err := p.readKey(*keyFile, *file)
		if err != nil {
			return err
		}
		raw, err := sign(&trust.Envelope{Type: trust.TypePower, Payload: payload}, signer, *keyFile)
		if err != nil {
			return err
		}
		if err := checkSigned(*keyFile, *trustFile, raw, trust.TypePower); err != nil {
			return err
		}
		if err := p.remember(*keyFile, order.Version); err != nil {
			return err
		}
		if err := replace(*out, raw); err != nil {
			return err
		}
		return p.tellOrder(order, *out)
	}
}

func (p *Program) order(display, state, until, reason, key string) (*wire.PowerOrder, error) {
	if wire.CheckDevice(display) != nil {
		return nil, &problem{field: "--display", what: say("%q is not a display id", display), remedy: say("use 3 to 40 of a-z, 0-9 and -"), usage: true}
	}
	wish := wire.PowerWish(state)
	if !isWish(wish) {
		return nil, &problem{field: "--state", what: say("%q is not a state", state), remedy: say("use on, off, blackout, safe or schedule"), usage: true}
	}
	if (wish == wire.WishSchedule) != (until == "") {
		return nil, &problem{field: "--until", what: say("every state but schedule needs an end, and schedule has none"),
			remedy: say("give --until with on, off, blackout and safe alone"), usage: true}
	}
	end, err := p.optionalTime("--until", until)
	if err != nil {
		return nil, err
	}
	now := p.Now()
	if end != nil && !end.After(now) {
		return nil, &problem{field: "--until", what: say("is past"), remedy: say("give a time to come"), usage: true}
	}
	if end != nil && end.Sub(now) > wire.MaxPowerSpan {
		return nil, &problem{field: "--until", what: say("is too far away"),
			remedy: say("an order lasts %d days at most; give a new one then", int(wire.MaxPowerSpan.Hours()/24)), usage: true}
	}
	version, err := p.made(key)
	if err != nil {
		return nil, err
	}
	return &wire.PowerOrder{Device: display, Version: version, State: wish, Until: end, Reason: reason}, nil
}

func (p *Program) tellOrder(o *wire.PowerOrder, out string) error {
	topics, err := wire.NewTopics(o.Device)
	if err != nil {
		return err
	}
	if o.Until == nil {
		p.tell(say("Order for %s: back to the schedule", o.Device))
	} else {
		end, err := clock(*o.Until)
		if err != nil {
			return err
		}
		p.tell(say("Order for %s: %s until %s", o.Device, string(o.State), end))
	}
	p.tell(say("Written to %s. Next: bangtin power publish %s", out, out))
	return p.result(orderObject{File: out, Topic: topics.DesiredPower(), Order: o})
}
