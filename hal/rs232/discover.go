package rs232

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"bangtin/hal"
)

// A Search says where to look for panels whose protocol and set ID nobody knows.
type Search struct {
	Port      string
	Open      Opener     // nil is OpenSerial
	Protocols []Protocol // none are all
	IDs       []int      // what is no panel's own set ID in a protocol is not asked in it
	Log       *slog.Logger

	// Asking is told before each question, and Found of each panel at once; nil where nobody wants to know.
	Asking func(Protocol, int)
	Found  func(Finding)
}

// A Finding is a panel that answered.
type Finding struct {
	Protocol Protocol
	Edition  SICPEdition // of a Philips panel
	ID       int
	Power    hal.Power // unknown where it answered, and refused to tell
	Model    string    // empty where it does not tell
}

// Discover asks for the power of each set ID in each protocol and tells of who answers, and of its model. It asks
// nothing else and sets nothing. Where something comes that is no answer it asks once more: a panel may have taken the
// question for the end of another protocol's, or is starting. A question takes as long as its protocol allows for a reply, up to 2 s or so
// with the rest before it. It returns what was found until then when ctx ends or the port fails; the error is why.
func Discover(ctx context.Context, s Search) ([]Finding, error) {
	var all []Finding
	for _, p := range s.protocols() {
		for _, id := range s.IDs {
			found, err := s.ask(ctx, p, id)
			if err != nil {
				return all, fmt.Errorf("cannot look for panels: %w", err)
			}
			all = append(all, found...)
			for _, f := range found {
				if s.Found != nil {
					s.Found(f)
				}
			}
		}
	}
	return all, nil
}

func (s Search) protocols() []Protocol {
	if len(s.Protocols) == 0 {
		return Protocols()
	}
	return s.Protocols
}

// ask looks for one panel. That it is not there is no error. Of Philips' editions the first that answers is it.
func (s Search) ask(ctx context.Context, p Protocol, id int) ([]Finding, error) {
	if id == p.Broadcast() {
		return nil, nil
	}
	editions := []SICPEdition{SICPGrouped}
	if p == ProtocolSICP {
		editions = append(editions, SICPUngrouped)
	}
	for _, e := range editions {
		f := Finding{Protocol: p, Edition: e, ID: id}
		there, err := s.look(ctx, &f)
		if errors.Is(err, errBabble) {
			there, err = s.look(ctx, &f)
		}
		if err != nil && !errors.Is(err, hal.ErrSilent) {
			return nil, err
		}
		if there {
			return []Finding{f}, nil
		}
	}
	return nil, nil
}

// look asks one panel, with a driver that is owed no answer.
func (s Search) look(ctx context.Context, f *Finding) (there bool, err error) {
	panel, ok := s.driver(f.Protocol, f.ID, f.Edition)
	if !ok {
		return false, nil
	}
	if s.Asking != nil {
		s.Asking(f.Protocol, f.ID)
	}
	there, err = f.look(ctx, panel)
	return there, errors.Join(err, panel.Close())
}

// driver returns none where the protocol has no such set ID.
func (s Search) driver(p Protocol, id int, e SICPEdition) (panel hal.Panel, ok bool) {
	panel, err := New(p, Config{Port: s.Port, SetID: id, Edition: e, Open: s.Open, Attempts: 1, Log: s.Log})
	return panel, err == nil
}

// look fills the finding in and tells whether the panel is there. An error is hal.ErrSilent, or of the port or of ctx.
func (f *Finding) look(ctx context.Context, panel hal.Panel) (there bool, err error) {
	f.Power, err = panel.Power(ctx)
	if err != nil && !errors.Is(err, hal.ErrRefused) && !errors.Is(err, hal.ErrUnsupported) {
		return false, err
	}
	if i, ok := panel.(hal.Identifier); ok {
		if model, err := i.Model(ctx); err == nil { // many panels tell none, or not in standby
			f.Model = model
		}
	}
	return true, nil
}
