package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// source is the topic that refusals are counted under.
const source = "cmd/req"

// Signed is who stands behind a command, verified before it comes here.
type Signed struct {
	People []string
	Keys   []string // ids of the keys that signed
	Role   string   // whose threshold they reached; empty for power
	Digest string   // SHA-256 of the signed payload, in hex
}

// Why a command is refused. Those of control.Orders come to these.
const (
	Reused   = "id-reused" // the id belongs to another command
	Replayed = "replayed"  // a signer's counter is not above the last one
	Late     = "expired"   // came after its end
	Busy     = "busy"      // too many are open; it may be sent again
	OnAir    = "on-air"    // a reboot while something is owed to the public, or will be soon
	Storage  = "storage"   // its counter cannot be kept, and it might be done again after the next start
	Revoked  = "revoked"   // the keys that signed it are no longer enough
)

// Take judges a command for this display whose signatures were verified, and accepts it or not. It returns nil once
// that is decided and, where it was accepted, committed; an error is the journal's, and nothing was changed.
func (c *Commands) Take(ctx context.Context, cmd *wire.Command, by Signed) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.shelf.find(cmd.ID); known != nil && known.Digest == by.Digest {
		c.again(known)
		return nil
	}
	err := c.admit(ctx, cmd, by)
	if err == nil {
		err = c.accept(ctx, cmd, by)
	}
	if no, ok := errors.AsType[*control.Refusal](err); ok {
		c.refuse(cmd, by, no)
		return nil
	}
	return err
}

// admit says why a command is not taken: a *control.Refusal, or the journal's error.
func (c *Commands) admit(ctx context.Context, cmd *wire.Command, by Signed) error {
	if c.shelf.find(cmd.ID) != nil {
		return &control.Refusal{Reason: Reused, Detail: "the id belongs to another command"}
	}
	for _, key := range by.Keys {
		last, err := c.cfg.Journal.Counter(ctx, counterOf(key))
		if err != nil {
			return fmt.Errorf("cannot judge a command: %w", err)
		}
		if cmd.Counter <= last {
			return &control.Refusal{Reason: Replayed, Detail: fmt.Sprintf("counter %d is not above %d", cmd.Counter, last)}
		}
	}
	if err := control.InFuture(cmd.Counter, c.cfg.Clock.Stamp()); err != nil {
		return err
	}
	if end := endOf(cmd); c.past(end) {
		return &control.Refusal{Reason: Late, Detail: "it ended at " + end.Format(time.RFC3339)}
	}
	if lane := laneOf(cmd.Kind); c.shelf.openIn(lane) >= maxOpen {
		return &control.Refusal{Reason: Busy, Detail: fmt.Sprintf("%d commands are open for the %s", maxOpen, lane)}
	}
	return c.policy(cmd)
}

// past reports whether a moment is certainly past.
func (c *Commands) past(t time.Time) bool { return c.cfg.Clock.Certain().After(t) }

// endOf is when a command is too late: at its expiry, and a wish for the panel at the end of what it wishes.
func endOf(cmd *wire.Command) time.Time {
	end := cmd.Expires
	if cmd.Kind != wire.DoPower {
		return end
	}
	if a, err := cmd.Power(); err == nil && a.Until != nil && a.Until.Before(end) {
		return a.Until.UTC()
	}
	return end
}

// rebootTakes is how long a display may be away when it starts anew, with room for a slow start.
const rebootTakes = 5 * time.Minute

// policy is what this display does not do now, whoever asks.
func (c *Commands) policy(cmd *wire.Command) error {
	if c.cfg.Forgets && !repeatable(cmd.Kind) {
		return &control.Refusal{Reason: Storage, Detail: "what is written now is lost with this boot, the command's counter too"}
	}
	if cmd.Kind != wire.DoReboot {
		return nil
	}
	a, err := cmd.Reboot()
	if err != nil {
		return err
	}
	if !a.Force && (c.cfg.Display.Wanted(0) || c.cfg.Display.Wanted(rebootTakes)) {
		return &control.Refusal{Reason: OnAir, Detail: "the display is to be on, or will be soon; a reboot must be forced"}
	}
	return nil
}

// repeatable says whether a command does no harm when it is sent again after a restart, whose counter was lost by then:
// it looks, or leaves things as they were. A reboot would be done at each start until it expires, and a wish for the panel
// or a playlist would bring back what a later one has overtaken. Those have retained topics, where the last one stands.
func repeatable(kind wire.CommandKind) bool {
	switch kind {
	case wire.DoPower, wire.DoPlaylist, wire.DoReboot:
		return false
	}
	return true
}

func counterOf(key string) string { return "ctr:" + key }

// accept commits the command with its counters and, for power, the override itself; from then on it is done once or
// reported as interrupted. The caller holds mu.
func (c *Commands) accept(ctx context.Context, cmd *wire.Command, by Signed) error {
	kept := &slot{
		Order: c.shelf.last + 1, Command: *cmd, Digest: by.Digest, People: strings.Join(by.People, ", "),
		Keys: by.Keys, Role: by.Role, Kernel: c.cfg.Kernel, Status: wire.Received, place: c.shelf.free(),
	}
	kept.Command.Audience = nil // may be 200 names, and has been judged
	w, err := c.write("command.take", kept, asked(cmd))
	if err != nil {
		return err
	}
	w.Raise = map[string]uint64{}
	for _, key := range by.Keys {
		w.Raise[counterOf(key)] = cmd.Counter
	}
	if cmd.Kind == wire.DoPower {
		err = c.cfg.Orders.Command(ctx, cmd, control.Signature(by), w)
	} else {
		err = c.cfg.Journal.Commit(ctx, w)
	}
	if err != nil {
		return err
	}
	c.shelf.put(kept)
	c.cfg.Log.Info("command accepted", "id", cmd.ID, "kind", cmd.Kind, "people", kept.People)
	c.answer(c.ack(kept))
	c.lanes[laneOf(cmd.Kind)].queue <- job{slot: kept} // there is room for all that may be open
	return nil
}

// write is a slot with its record.
func (c *Commands) write(label string, kept *slot, reason string) (journal.Write, error) {
	settings, err := kept.settings()
	if err != nil {
		return journal.Write{}, err
	}
	return journal.Write{Label: label, Settings: settings, Entries: []journal.Entry{{
		Stamp: c.cfg.Clock.Stamp(), Kind: journal.KindCommand, Body: journal.Command{
			ID: kept.Command.ID, Digest: kept.Digest, Counter: kept.Command.Counter, Kind: string(kept.Command.Kind),
			People: kept.People, Status: string(kept.Status), Reason: reason, Evidence: kept.Evidence,
		},
	}}}, nil
}

// asked is what a command wants in one line, for the record. The arguments were checked when it was parsed.
func asked(cmd *wire.Command) string {
	switch cmd.Kind {
	case wire.DoPower:
		a, err := cmd.Power()
		if err != nil {
			return ""
		}
		end := ""
		if a.Until != nil {
			end = " until " + a.Until.UTC().Format(time.RFC3339)
		}
		return string(a.State) + end + ": " + a.Reason
	case wire.DoPlaylist, wire.DoIdentify, wire.DoReboot:
		return string(cmd.Args)
	}
	return ""
}

// ack is the answer that tells how a command stands.
func (c *Commands) ack(kept *slot) wire.CommandAck {
	return wire.CommandAck{
		ID: kept.Command.ID, Digest: kept.Digest, Status: kept.Status, Reason: kept.Reason, Evidence: kept.Evidence,
		At: c.cfg.Clock.Now(),
	}
}

// again answers a command that came before.
func (c *Commands) again(kept *slot) {
	if !c.talk.Take() {
		return
	}
	a := c.ack(kept)
	a.Status, a.First = wire.Duplicate, a.Status
	c.answer(a)
}

// refuse counts and answers.
func (c *Commands) refuse(cmd *wire.Command, by Signed, no *control.Refusal) {
	c.cfg.Refused(no.Reason, source)
	c.cfg.Log.Warn("command refused", "id", cmd.ID, "kind", cmd.Kind, "reason", no.Reason, "detail", no.Detail)
	if !c.talk.Take() {
		return
	}
	a := wire.CommandAck{ID: cmd.ID, Digest: by.Digest, Status: wire.Rejected, Reason: no.Reason, At: c.cfg.Clock.Now()}
	if no.Reason == Late {
		a.Status = wire.Expired
	}
	c.answer(a)
}
