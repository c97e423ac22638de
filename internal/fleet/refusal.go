package fleet

import (
	"errors"
	"fmt"

	"bangtin/internal/trust"
)

// A Reason says in one stable word why a message was not obeyed: one of trust.Reasons, or one of those below.
type Reason string

const (
	QueueFull   Reason = "queue-full"   // more messages waited than there is room for
	WrongDevice Reason = "wrong-device" // signed, but for another display
	BadOrder    Reason = "bad-order"    // signed, but not what such an order must be
	BeyondSent  Reason = "beyond-sent"  // acknowledges records that were not sent in this connection
	WrongHead   Reason = "wrong-head"   // acknowledges records of another chain
	LackingRole Reason = "lacking-role" // signed by one who may not order this much
	StaleNonce  Reason = "stale-nonce"  // signed time for a question that is not, or no longer, outstanding
	Retained    Reason = "retained"     // a command that the broker kept: it is to be done once, soon, or not at all
	Unexpected  Reason = "unexpected"   // on a topic that was not subscribed to
	Oversized          = Reason(trust.Oversized)
)

// A refusal is the answer to a message that is not obeyed.
type refusal struct {
	reason Reason
	detail string
}

func (r *refusal) Error() string { return "cannot obey: " + r.detail }

func refuse(reason Reason, format string, args ...any) error {
	return &refusal{reason: reason, detail: fmt.Sprintf(format, args...)}
}

// mayPass reports whether the same bytes may be obeyed later: they are judged by signatures, and another trust document
// may come.
func mayPass(err error) bool {
	no, ok := errors.AsType[*trust.Refusal](err)
	return ok && !no.Reason.Final()
}

// reasonOf finds the one word for counting.
func reasonOf(err error) Reason {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.reason
	}
	if r, ok := errors.AsType[*trust.Refusal](err); ok {
		return Reason(r.Reason)
	}
	return BadOrder
}
