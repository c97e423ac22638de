package main

import (
	"context"
	"fmt"
	"strings"
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
	if *s.save != "" {
		if err := writableFolder(*s.save); err != nil {
			return err
		}
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
		chase.discover(ctx, p.Patience.defaults())
		return p.handOver(ctx, chase, l.link, *s.command)
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

// A publisher is a connection to the broker.
type publisher interface {
	Publish(ctx context.Context, topic string, retained bool, payload []byte) error
}

// handOver gives the command to the broker once for each display. More is not known afterwards. file is where the
// command came from, if it did.
func (p *Program) handOver(ctx context.Context, chase *pursuit, broker publisher, file string) error {
	displays := chase.displays()
	for i, d := range displays {
		topics, err := wire.NewTopics(d)
		if err != nil {
			return err
		}
		if err := broker.Publish(ctx, topics.CommandRequest(), false, chase.raw); err != nil {
			return p.tellPart(chase, displays[:i], displays[i:], file, err)
		}
	}
	object := sentObject{Command: chase.command.ID, Displays: displays}
	if len(displays) == 0 {
		p.tell(say("Command %s was given to nobody: the broker tells of no display.", chase.command.ID))
		return p.resultThen(object, exitOpen)
	}
	p.tell(say("Command %s given to the broker for %d displays. Whether they obey is not known: --wait tells.", chase.command.ID, len(displays)))
	return p.result(object)
}

// tellPart tells that the broker stopped taking the command in the middle. The first of the rest may have it.
func (p *Program) tellPart(chase *pursuit, given, rest []string, file string, cause error) error {
	p.tell(say("Command %s given to the broker for %d of %d displays, then no more: %s", chase.command.ID, len(given), len(given)+len(rest), visible(cause.Error())))
	p.tell(say("  given for: %s", or(strings.Join(given, " "), "-")))
	p.tell(say("  not given for, or not known: %s", strings.Join(rest, " ")))
	if file != "" {
		p.tell(say("Send the same bytes again: bangtin send --command %s. Who has them does nothing twice.", file))
	} else {
		p.tell(say("A command that is made with --out FILE and sent with --command FILE can be sent again: who has the same bytes does nothing twice. A new one would be done again by those who have this one."))
	}
	return p.resultThen(sentObject{Command: chase.command.ID, Displays: append([]string{}, given...), Rest: rest, Error: cause.Error()}, exitOpen)
}

// sentObject is the result of a send without --wait.
type sentObject struct {
	Command  string   `json:"command"`
	Displays []string `json:"displays"`            // for which the broker has it
	Rest     []string `json:"not_given,omitempty"` // for which it may not
	Error    string   `json:"error,omitempty"`
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
	switch s.Step {
	case stageBusy:
		p.tell(say("%s: not taken yet (%s): %s", s.Display, s.Status, p.reasonWords(s.Reason)))
	case stageAccepted:
		p.tell(say("%s: accepted at %s by its clock", s.Display, p.second(s.At)))
	case stageDone:
		p.tell(say("%s: done, it answers: %s", s.Display, p.evidenceWords(s.Evidence)))
	case stageVerified:
		p.tellVerified(s)
	case stageRefused:
		p.tell(say("%s: refused (%s): %s", s.Display, s.Status, p.reasonWords(s.Reason)))
	case stageFailed:
		if s.By == byFile {
			p.tell(say("%s: not fetched: %s", s.Display, s.Reason))
			break
		}
		p.tell(say("%s: not done (%s): %s", s.Display, s.Status, p.reasonWords(s.Reason)))
		if len(s.Evidence) > 0 {
			p.tell(say("%s: what it found: %s", s.Display, p.evidenceWords(s.Evidence)))
		}
	}
	// A reader that went away changes nothing about the command.
	_ = p.result(s)
}

// tellVerified tells what was seen: a state, or a file that the display left.
func (p *Program) tellVerified(s step) {
	if s.saved != "" {
		p.tell(say("%s: verified: fetched into %s", s.Display, s.saved))
		return
	}
	shown := ""
	if s.shown != nil {
		shown = p.shownWords(s.shown)
	}
	p.tell(say("%s: verified by its state of %s, unsigned, as the broker brings it: %s", s.Display, p.second(s.At), shown))
}

// An endObject is what is known of one display in the end.
type endObject struct {
	Display  string     `json:"display"`
	Known    stage      `json:"known"`
	By       source     `json:"by,omitempty"` // what it is known from
	Decided  bool       `json:"decided"`      // nothing more is to be expected
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
	object := endsObject{Command: chase.command.ID, Displays: []endObject{}}
	tally := map[stage]int{}
	open := 0
	for _, f := range ends {
		tally[f.stage]++
		e := endObject{Display: f.display, Known: f.stage, By: f.by, Decided: f.settled()}
		if f.conn != nil {
			e.Conn = f.conn.State
		}
		if f.state != nil {
			e.LastSeen = &f.state.At
		}
		object.Displays = append(object.Displays, e)
		if !f.settled() {
			open++
			p.tell(say("%s: not known: %s", f.display, p.openWords(f)))
		} else if f.stage == stageDone {
			p.tell(say("%s: done by its own word; a state cannot show this", f.display))
		}
	}
	p.tell(say("%d displays: %d verified, %d done, %d refused, %d failed, %d not known.", len(ends), tally[stageVerified],
		tally[stageDone], tally[stageRefused], tally[stageFailed], tally[stageSent]+tally[stageBusy]+tally[stageAccepted]))
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
	case f.stage == stageBusy:
		why = say("it had too many commands open; the same was sent again")
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
