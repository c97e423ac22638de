package main

import (
	"context"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

func (p *Program) trustPublish(o *options) action {
	previous := o.text("previous", say("trust document that displays hold now: this one must be allowed to replace it"))
	first := o.yes("first", say("displays hold none but this one, by which they were enrolled"))
	displays := o.list("display", say("only to these displays; several times or with commas"))
	wait := o.yes("wait", say("follow the document until each display goes by it, or by a newer one"))
	timeout := o.text("timeout", say("how long to wait (10m)"))
	center := o.center()
	return func(ctx context.Context, path string) error {
		limit, err := span("--timeout", *timeout, 10*time.Minute, maxWait)
		if err != nil {
			return err
		}
		if (*previous == "") == !*first {
			return &problem{field: "--previous, --first", what: say("one of them is needed, and only one"),
				remedy: say("give the document that displays hold now with --previous FILE"), usage: true}
		}
		raw, envelope, err := nextDocument(path, *previous)
		if err != nil {
			return err
		}
		targets, err := targetsOf([]string{wire.Everyone}, *displays)
		if err != nil {
			return err
		}
		c, err := p.openAccess(*center)
		if err != nil {
			return err
		}
		doc, err := trust.DecodeDocument(envelope.Payload)
		if err != nil {
			return refused(path, err)
		}
		e := &edition{p: p, goal: trusting(doc.Version), digest: digestOf(envelope.Payload), raw: raw, targets: targets,
			topic: wire.Topics.DesiredTrust, filters: []string{wire.AllConn, wire.AllState}}
		if *wait {
			e.wait = limit
		}
		return e.publish(ctx, c)
	}
}

// nextDocument reads a trust document that is signed by enough people, and that may replace the previous one if there
// is one: displays refuse any other, and what they refuse stays at the broker.
func nextDocument(path, previous string) ([]byte, *trust.Envelope, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, nil, err
	}
	if _, err := trust.ParseDocument(raw); err != nil {
		return nil, nil, refused(path, err)
	}
	if previous != "" {
		present, err := readTrust(previous)
		if err != nil {
			return nil, nil, err
		}
		if _, err := present.Next(raw); err != nil {
			return nil, nil, refused(path, err)
		}
	}
	envelope, err := trust.ParseEnvelope(raw)
	if err != nil {
		return nil, nil, refused(path, err)
	}
	return raw, envelope, nil
}

func (p *Program) powerPublish(o *options) action {
	trustFile := o.text("trust", say("trust document to check the signature against"))
	center := o.center()
	return func(ctx context.Context, path string) error {
		s, err := openSigning(path, "")
		if err != nil {
			return err
		}
		order, ok := s.content.(*orderContent)
		if !ok {
			return &problem{field: path, what: say("is not a power order"), remedy: say("check that this is the right file")}
		}
		if err := order.signable(p.Now()); err != nil {
			return err
		}
		if err := checkSigned(path, *trustFile, s.raw, trust.TypePower); err != nil {
			return err
		}
		c, err := p.openAccess(*center)
		if err != nil {
			return err
		}
		e := &edition{p: p, digest: digestOf(s.envelope.Payload), raw: s.raw, targets: []string{order.order.Device},
			topic: wire.Topics.DesiredPower, filters: []string{wire.AllConn}}
		return e.publish(ctx, c)
	}
}
