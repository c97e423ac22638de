package command

import (
	"errors"

	"bangtin/internal/control"
	"bangtin/internal/wire"
)

// outlived says what has come between a command and its turn: its signers' keys were struck, its time is over, or the
// display is not to do it any more. A power command stands since it was taken, and a playlist keeps its time itself, so
// of those only the keys count. What the last run left is not judged but where it is done again.
func (c *Commands) outlived(j job) (no outcome, ok bool) {
	kind := j.Command.Kind
	stands := kind == wire.DoPower || kind == wire.DoPlaylist
	switch {
	case j.left && !stands:
		return outcome{}, false
	case !c.cfg.Orders.Holds(j.Role, j.Keys):
		return failed(Revoked, nil), true
	case stands:
		return outcome{}, false
	case c.past(endOf(&j.Command)):
		return outcome{status: wire.Expired, reason: Late}, true
	}
	err := c.policy(&j.Command)
	if refusal, is := errors.AsType[*control.Refusal](err); is {
		return failed(refusal.Reason, nil), true
	}
	if err != nil {
		return failed("unreadable", nil), true
	}
	return outcome{}, false
}
