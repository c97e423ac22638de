package command

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"bangtin/internal/wire"
)

// A laneName names what the commands of one lane touch.
type laneName string

const (
	lanePanel   laneName = "panel"
	laneLibrary laneName = "library"
	lanePlayer  laneName = "player"
	laneUpload  laneName = "upload" // a slow link delays what is sent over it, nothing else
	laneMachine laneName = "machine"
)

func laneNames() [lanes]laneName {
	return [...]laneName{lanePanel, laneLibrary, lanePlayer, laneUpload, laneMachine}
}

func laneOf(kind wire.CommandKind) laneName {
	switch kind {
	case wire.DoPower:
		return lanePanel
	case wire.DoPlaylist:
		return laneLibrary
	case wire.DoScreenshot, wire.DoDiagnostics:
		return laneUpload
	case wire.DoReboot:
		return laneMachine
	}
	return lanePlayer
}

// A lane does its commands one after the other.
type lane struct {
	queue chan job
	beat  func()
}

// A job is a command to be done.
type job struct {
	*slot
	left bool // by the last run, which may have done any part of it
}

// An outcome is how a command ended.
type outcome struct {
	status   wire.CommandStatus
	reason   string
	evidence any // an object, or nil
}

func done(evidence any) outcome { return outcome{status: wire.Done, evidence: evidence} }

func failed(reason string, evidence any) outcome {
	return outcome{status: wire.Failed, reason: reason, evidence: evidence}
}

func (c *Commands) work(ctx context.Context, l *lane) error {
	tick := time.NewTicker(idleBeat)
	defer tick.Stop()
	for {
		l.beat()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case j := <-l.queue:
			o := c.do(ctx, j, l.beat)
			if ctx.Err() != nil {
				return ctx.Err() // the next start goes on
			}
			if err := c.settle(ctx, j.slot, o, l.beat); err != nil {
				return err
			}
		}
	}
}

const (
	idleBeat    = 10 * time.Second
	settleAgain = 5 * time.Second // between attempts to write a result
)

// do judges again, acts and verifies. Where ctx ends its outcome means nothing.
func (c *Commands) do(ctx context.Context, j job, beat func()) outcome {
	cmd := &j.Command
	if no, ok := c.outlived(j); ok {
		return no
	}
	switch cmd.Kind {
	case wire.DoPower:
		return c.power(ctx, j.slot, beat)
	case wire.DoPlaylist:
		return c.playlist(ctx, cmd, beat)
	case wire.DoReboot:
		if j.left {
			return c.rebooted(j.slot)
		}
		return c.reboot(ctx, beat)
	}
	if j.left {
		return outcome{status: wire.Interrupted, reason: "restarted"}
	}
	switch cmd.Kind {
	case wire.DoIdentify:
		return c.identify(cmd)
	case wire.DoRestartPlayer:
		return c.restartPlayer(ctx, beat)
	case wire.DoScreenshot:
		return c.screenshot(ctx, cmd)
	case wire.DoDiagnostics:
		return c.diagnose(ctx, cmd)
	}
	return failed("unsupported", nil)
}

// settle commits the result with its record, however long that takes, and answers.
func (c *Commands) settle(ctx context.Context, kept *slot, o outcome, beat func()) error {
	next, err := kept.settled(o)
	if err != nil {
		return err
	}
	for {
		err := c.finish(ctx, next)
		if err == nil {
			return nil
		}
		c.cfg.Log.Error("cannot write the result of a command", "id", next.Command.ID, "err", err)
		beat()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settleAgain):
		}
	}
}

func (c *Commands) finish(ctx context.Context, next *slot) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, err := c.write("command.done", next, next.Reason)
	if err != nil {
		return err
	}
	if err := c.cfg.Journal.Commit(ctx, w); err != nil {
		return err
	}
	c.shelf.put(next)
	c.cfg.Log.Info("command settled", "id", next.Command.ID, "status", next.Status, "reason", next.Reason)
	c.answer(c.ack(next))
	return nil
}

// settled is the slot with its result. What is only needed to do the command is not kept.
func (kept *slot) settled(o outcome) (*slot, error) {
	next := *kept
	next.Status, next.Reason = o.status, o.reason
	next.Command.Args, next.Keys = nil, nil
	if o.evidence == nil {
		return &next, nil
	}
	raw, err := wire.Encode(o.evidence)
	if err != nil {
		return nil, err
	}
	if len(raw) > wire.MaxEvidence {
		raw = json.RawMessage(fmt.Sprintf(`{"error":"the evidence has %d bytes"}`, len(raw)))
	}
	next.Evidence = raw
	return &next, nil
}
