package trust

import "fmt"

// A Reason says in one stable word why something was refused. Refusals are counted by it, so the list is closed
// and its words never change.
type Reason string

const (
	Malformed      Reason = "malformed"       // not the JSON it must be
	Oversized      Reason = "oversized"       // longer, or more of something, than the limit
	WrongType      Reason = "wrong-type"      // signed for another authority, or for none of ours
	BadSignature   Reason = "bad-signature"   // names a key of the role, whose signature does not fit
	UnknownKey     Reason = "unknown-key"     // no key of the trust document made any of the signatures
	WrongRole      Reason = "wrong-role"      // names a key that is known but does not hold the role
	RoleUnassigned Reason = "role-unassigned" // the trust document gives the role to nobody
	Threshold      Reason = "threshold"       // good signatures, but too few
	SamePerson     Reason = "same-person"     // enough keys, but of too few people
	DutyMissing    Reason = "duty-missing"    // enough people, but a duty such as the approver's is not filled
	BadDocument    Reason = "bad-document"    // a trust document that contradicts itself or the hard minimums
	Stale          Reason = "stale"           // a trust document that is not newer than the present one
)

// Reasons lists every Reason there is.
func Reasons() []Reason {
	return []Reason{
		Malformed, Oversized, WrongType, BadSignature, UnknownKey, WrongRole, RoleUnassigned, Threshold, SamePerson,
		DutyMissing, BadDocument, Stale,
	}
}

// Final reports whether no other trust document would make the same bytes good.
func (r Reason) Final() bool {
	switch r {
	case Malformed, Oversized, WrongType, BadDocument, Stale:
		return true
	}
	return false
}

// A Refusal is the only kind of error that parsing and verifying return. Detail is one English line for a log and
// may quote a few bytes of what was refused.
type Refusal struct {
	Reason Reason
	Detail string
}

func (r *Refusal) Error() string { return fmt.Sprintf("cannot accept: %s (%s)", r.Detail, r.Reason) }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
