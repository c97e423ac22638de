package main

import (
	"context"
	"errors"

	"bangtin/internal/pki/enrol"
)

func (p *Program) centerEnrol(o *options) action {
	dir := o.centreDir()
	device := o.text("device", say("display id"))
	return func(_ context.Context, _ string) error {
		if err := o.require("device"); err != nil {
			return err
		}
		if err := checkDevice("--device", *device); err != nil {
			return err
		}
		c, err := p.openCentre(*dir)
		if err != nil {
			return err
		}
		ca, err := c.office.Displays()
		if err != nil {
			return c.explain(err)
		}
		code, expires, err := c.codes.Make(*device, ca.Pin())
		if errors.Is(err, enrol.ErrFull) {
			return &problem{field: *device, what: say("too many codes are open"), remedy: say("wait until one was used or has run out: each lasts %d hours", int(enrol.Lifetime.Hours()))}
		}
		if err != nil {
			return c.explain(err)
		}
		end, err := clock(expires)
		if err != nil {
			return err
		}
		p.tell(say("Code of %s, to be used once until %s:", *device, end))
		p.tell(phrase{english: "  " + code.String()})
		p.tell(say("On the display: bangtind enrol --code CODE"))
		there, err := exists(c.path("trust.json"))
		if err != nil {
			return err
		}
		if !there {
			p.tell(say("Attention: %s is not there yet, and no display can be enrolled without it.", c.path("trust.json")))
		}
		return p.result(codeObject{Device: *device, Code: code.String(), Expires: expires, Ready: there})
	}
}

func (p *Program) centerSign(o *options) action {
	dir := o.centreDir()
	csr := o.text("csr", say("request that the display wrote to the stick: bangtind enrol --csr-out FILE"))
	code := o.text("code", say("code of the display: bangtin center enrol"))
	out := o.text("out", say("file to write"))
	return func(_ context.Context, _ string) error {
		if err := o.require("csr", "code", "out"); err != nil {
			return err
		}
		raw, err := readSmall(*csr)
		if err != nil {
			return err
		}
		c, err := p.openCentre(*dir)
		if err != nil {
			return err
		}
		answer, err := p.enroller(c).Enrol(*code, string(raw))
		if errors.Is(err, enrol.ErrUnknown) || errors.Is(err, enrol.ErrOther) {
			return &problem{field: "--code", what: say("is not a code of this display that is open"), remedy: say("make one with: bangtin center enrol"), cause: err}
		}
		if err != nil {
			return c.explain(err)
		}
		answerJSON, err := marshalIndent(answer)
		if err != nil {
			return err
		}
		if err := writeNew(*out, answerJSON, 0o644); err != nil {
			return err
		}
		p.tell(say("Written to %s. On the display: bangtind enrol --from FILE --code CODE", *out))
		return p.result(enrolledObject{File: *out})
	}
}
