package main

import (
	"context"
	"fmt"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// maxWait bounds --timeout: whoever wants to know later looks with bangtin watch.
const maxWait = 24 * time.Hour

// keepCommand writes the command instead of sending it.
func (p *Program) keepCommand(out *outgoing, path string) error {
	if err := replace(path, out.raw); err != nil {
		return err
	}
	end, err := clock(out.command.Expires)
	if err != nil {
		return err
	}
	p.tell(say("Command %s written to %s; not sent. It expires at %s.", out.command.ID, path, end))
	if need := trust.MinThreshold(out.role()); len(out.envelope.Signatures) < need {
		p.tell(say("It needs %d signatures and has %d. Next: bangtin sign draft %s", need, len(out.envelope.Signatures), path))
	}
	return p.result(keptOf(out, path))
}

// sendNow connects, publishes and, where it is asked to, waits.
func (p *Program) sendNow(ctx context.Context, out *outgoing, s *sendOptions) error {
	wait, err := span("--timeout", *s.patience, 2*time.Minute, maxWait)
	if err != nil {
		return err
	}
	if *s.save != "" && (suffixOf(out.command.Kind) == "" || !*s.wait) {
		return &problem{field: "--save", what: say("goes with screenshot and diagnostics alone, and with --wait"), remedy: say("leave it out, or add --wait"), usage: true}
	}
	c, err := p.openAccess(*s.center)
	if err != nil {
		return err
	}
	chase, err := newPursuit(out, p.Now)
	if err != nil {
		return err
	}
	filters, err := chase.filters()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	l, err := p.dial(ctx, c, filters, chase.hear)
	if err != nil {
		cancel()
		return err
	}
	defer l.hangUp()
	defer cancel()
	if !*s.wait {
		return p.handOver(ctx, chase, l)
	}
	waiting, stop := context.WithTimeout(ctx, wait)
	defer stop()
	chase.run(waiting, l, p.Patience.defaults(), p.tellStep)
	if *s.save != "" {
		if err := p.save(ctx, c, chase, *s.save); err != nil {
			return err
		}
	}
	return p.tellEnds(chase)
}

// handOver gives the command to the broker once for each display. More is not known afterwards.
func (p *Program) handOver(ctx context.Context, chase *pursuit, l *line) error {
	chase.discover(ctx, p.Patience.defaults().Settle)
	displays := chase.displays()
	for _, d := range displays {
		topics, err := wire.NewTopics(d)
		if err != nil {
			return err
		}
		if err := l.link.Publish(ctx, topics.CommandRequest(), false, chase.raw); err != nil {
			return &problem{field: d, what: say("cannot be sent the command"), remedy: say("try again"), cause: err}
		}
	}
	p.tell(say("Command %s given to the broker for %d displays. Whether they obey is not known: --wait tells.", chase.command.ID, len(displays)))
	return p.result(sentObject{Command: chase.command.ID, Displays: displays})
}

// sentObject is the result of a send without --wait.
type sentObject struct {
	Command  string   `json:"command"`
	Displays []string `json:"displays"`
}

// span reads a length of time of an option.
func span(option, s string, otherwise, longest time.Duration) (time.Duration, error) {
	if s == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > longest {
		return 0, &problem{field: option, what: say("%q is not a length of time", s),
			remedy: say("write something such as 30s, 2m or 1h, at most %s", longest.String()), usage: true}
	}
	return d, nil
}

// tellStep tells one step of one display.
func (p *Program) tellStep(s step) {
	switch evidence := visible(compact(s.Evidence)); s.Step {
	case stageAccepted:
		p.tell(say("%s: accepted at %s by its clock", s.Display, p.moment(s.At)))
	case stageDone:
		p.tell(say("%s: done, it answers: %s", s.Display, evidence))
	case stageVerified:
		if s.shown != nil {
			evidence = p.shownWords(s.shown)
		}
		p.tell(say("%s: verified by its state of %s: %s", s.Display, p.moment(s.At), evidence))
	case stageRefused:
		p.tell(say("%s: refused (%s): %s", s.Display, s.Status, visible(s.Reason)))
	case stageFailed:
		p.tell(say("%s: not done (%s): %s", s.Display, s.Status, visible(s.Reason)))
	}
	// A reader that went away changes nothing about the command.
	_ = p.result(s)
}

// An endObject is what is known of one display in the end.
type endObject struct {
	Display  string     `json:"display"`
	Known    stage      `json:"known"`
	Decided  bool       `json:"decided"` // nothing more is to be expected
	Conn     string     `json:"conn,omitempty"`
	LastSeen *time.Time `json:"last_state_at,omitempty"` // by the display's clock
}

// endsObject is the result of a send that waited.
type endsObject struct {
	Command  string      `json:"command"`
	Displays []endObject `json:"displays"`
}

// tellEnds says plainly what is known and what not. Its error carries the exit code: a refusal before a failure
// before what stays open.
func (p *Program) tellEnds(chase *pursuit) error {
	ends := chase.ends()
	reasons := map[string]bool{}
	object := endsObject{Command: chase.command.ID, Displays: []endObject{}}
	tally := map[stage]int{}
	open := 0
	for _, f := range ends {
		tally[f.stage]++
		e := endObject{Display: f.display, Known: f.stage, Decided: f.settled()}
		if f.conn != nil {
			e.Conn = f.conn.State
		}
		if f.state != nil {
			e.LastSeen = &f.state.At
		}
		object.Displays = append(object.Displays, e)
		if f.stage == stageRefused {
			reasons[f.answer.Reason] = true
		}
		if !f.settled() {
			open++
			p.tell(say("%s: not known: %s", f.display, p.openWords(f)))
		} else if f.stage == stageDone {
			p.tell(say("%s: done by its own word; a state cannot show this", f.display))
		}
	}
	p.tell(say("%d displays: %d verified, %d done, %d refused, %d failed, %d not known.", len(ends), tally[stageVerified],
		tally[stageDone], tally[stageRefused], tally[stageFailed], tally[stageAccepted]+tally[stageSent]))
	p.tellRemedies(reasons)
	if err := p.tellExpiry(chase, open); err != nil {
		return err
	}
	if err := p.result(object); err != nil {
		return err
	}
	switch {
	case tally[stageRefused] > 0:
		return exit(exitDenied)
	case tally[stageFailed] > 0:
		return exit(exitFailed)
	case open > 0 || len(ends) == 0:
		return exit(exitOpen)
	}
	return nil
}

// tellRemedies says what to do about reasons that are not plain, each once.
func (p *Program) tellRemedies(reasons map[string]bool) {
	if reasons["too-far"] {
		p.tell(say("too-far: the command was made more than 10 minutes ahead of the display's clock. Set the clock of the computer that it is made on right, and make it anew."))
	}
	if reasons["stale"] {
		p.tell(say("stale: the display has a power order that was made later. Make the command anew, with the computer's clock right. Where that is stale too, somebody's clock or key has signed ahead of time: make it with --as-trust, which two people of the role trust sign, and it stands from then on."))
	}
}

func (p *Program) tellExpiry(chase *pursuit, open int) error {
	if open == 0 {
		return nil
	}
	end, err := clock(chase.command.Expires)
	if err != nil {
		return err
	}
	p.tell(say("What is not known may still happen: until %s the centre sends it again to a display that comes back.", end))
	return nil
}

// openWords says why nothing is known of a display, as far as that is known.
func (p *Program) openWords(f *follow) string {
	why := say("it is online and does not answer")
	switch {
	case f.stage == stageAccepted:
		why = say("it took the command and has not said that it is done")
	case f.stage == stageDone:
		why = say("it says that it is done, but its state does not show it")
	case f.conn == nil:
		return p.text(say("the broker tells nothing of it; check the id, and that the broker was reloaded since this operator was added"))
	case f.conn.State != wire.Online:
		why = say("it is offline")
	}
	last := say("no state was heard")
	if f.state != nil {
		last = say("last state %s", p.moment(f.state.At))
	}
	return p.text(why) + "; " + p.text(last)
}

// exit is an error of which everything has been told.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }
