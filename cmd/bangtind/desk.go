package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/control/command"
	"bangtin/internal/control/local"
	"bangtin/internal/fleet"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// A desk answers the people on site, through the local socket.
type desk struct {
	control  *control.Control
	orders   *control.Orders
	state    func() wire.State
	here     func() *local.Here
	onlooker int // uid of who may ask for the status and nothing else; -1 for nobody
}

// onlooker is the user of the status page on the serial port, to which anybody can plug a cable.
const onlooker = "bangtin-console"

// uidOf is a user's number, or -1 where there is no such user: on a machine that is not a controller.
func uidOf(name string) int {
	u, err := user.Lookup(name)
	if err != nil {
		return -1
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return -1
	}
	return uid
}

// Handle implements local.Handler.
func (d *desk) Handle(ctx context.Context, r local.Request, by local.Peer) local.Answer {
	if r.Do != local.Status && by.UID == d.onlooker {
		return local.Answer{Error: fmt.Sprintf("cannot do %q: the status page may only ask for the status", r.Do)}
	}
	note := ""
	err := d.obey(ctx, r, who(by))
	switch {
	case errors.Is(err, control.ErrUnsaved):
		note = err.Error()
	case err != nil:
		return local.Answer{Error: err.Error()}
	}
	if r.Do != local.Status {
		select { // so that the answer tells what became of it
		case <-d.control.Next():
		case <-ctx.Done():
		}
	}
	raw, err := json.Marshal(d.state())
	if err != nil {
		return local.Answer{Error: err.Error()}
	}
	return local.Answer{State: raw, Note: note, Here: d.here()}
}

func (d *desk) obey(ctx context.Context, r local.Request, by string) error {
	switch r.Do {
	case local.On, local.Off:
		lasts, err := time.ParseDuration(r.For)
		if err != nil {
			return fmt.Errorf("cannot read how long: %w", err)
		}
		wish := wire.WishOn
		if r.Do == local.Off {
			wish = wire.WishOff
		}
		return d.orders.Local(ctx, wish, lasts, r.Reason, by)
	case local.Schedule:
		return d.orders.Local(ctx, wire.WishSchedule, 0, r.Reason, by)
	case local.ClearFire:
		if r.DespiteSilentSmoke {
			return d.control.ClearFireDespiteSilentSmoke(ctx, r.Reason, by)
		}
		return d.control.ClearFire(ctx, r.Reason, by)
	}
	return nil
}

// who names the unix user on the other end for the record.
func who(p local.Peer) string {
	uid := strconv.Itoa(p.UID)
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "uid " + uid
}

// inTray is where fleet puts what the department says. A refusal is an answer: it is counted, and fleet is told
// whether it is the last word.
type inTray struct {
	orders   *control.Orders
	library  *media.Library
	commands *command.Commands
	keyring  *keyring
	refused  func(reason, source string)
}

// Power implements fleet.Orders.
func (t *inTray) Power(ctx context.Context, v *trust.Verified, o wire.PowerOrder) error {
	err := t.orders.Power(ctx, o, control.Signature{People: v.People, Keys: v.Keys, Role: string(v.Role), Digest: v.Digest})
	if no, ok := errors.AsType[*control.Refusal](err); ok {
		t.refused(no.Reason, "desired/power")
		return unless(no.Final())
	}
	return err
}

// Playlist implements fleet.Orders. The library records its refusals itself.
func (t *inTray) Playlist(ctx context.Context, raw []byte) error {
	_, err := t.library.Offer(ctx, raw, "desired/playlist")
	if no, ok := errors.AsType[*media.Refusal](err); ok {
		return unless(no.Final())
	}
	return err
}

// Command implements fleet.Orders.
func (t *inTray) Command(ctx context.Context, v *trust.Verified, c wire.Command) error {
	return t.commands.Take(ctx, &c, command.Signed{People: v.People, Keys: v.Keys, Role: string(v.Role), Digest: v.Digest})
}

// Trust implements fleet.Orders. The keyring records its refusals itself.
func (t *inTray) Trust(ctx context.Context, raw []byte) error {
	err := t.keyring.take(ctx, raw, "desired/trust")
	if no, ok := errors.AsType[*trust.Refusal](err); ok {
		return unless(no.Reason == forked || no.Reason.Final())
	}
	return err
}

// unless is what fleet is told of a refusal.
func unless(final bool) error {
	if final {
		return nil
	}
	return fleet.ErrRefused
}

// A signedClock is where fleet puts the time that the centre signs.
type signedClock struct {
	*control.Clock
	refused func(reason, source string)
}

// Confirm implements fleet.Clock. A refusal is counted.
func (c *signedClock) Confirm(t time.Time, asked, answered time.Duration) {
	if no, ok := errors.AsType[*control.Refusal](c.Clock.Confirm(t, asked, answered)); ok {
		c.refused(no.Reason, "time/resp")
	}
}
