// Package trust decides who may say what: signed envelopes, keys, roles, thresholds and the trust document that
// holds them together. It is pure: no clock, no files, no network.
//
// An [Envelope] is DSSE v1 with Ed25519 and one payload type per authority. A [Document] lists the keys and the
// roles they hold, and is itself an envelope. [Document.Verify] is the only way from received bytes to a payload
// that may be obeyed; it counts people, not keys, and answers every refusal with a [Reason] from a closed list.
//
// Everything here is safe for concurrent use as long as nobody writes to a value while others read it.
package trust

import "slices"

// A Type is the payload type of an envelope. It is signed together with the payload, so bytes signed for one
// authority can never be used as another's.
type Type string

// The payload types, one per [Role].
const (
	TypePower    Type = "application/vnd.bangtin.power.v1+json"
	TypePlaylist Type = "application/vnd.bangtin.playlist.v1+json"
	TypeUrgent   Type = "application/vnd.bangtin.urgent.v1+json"
	TypeUpdate   Type = "application/vnd.bangtin.update.v1+json"
	TypeCollect  Type = "application/vnd.bangtin.collect.v1+json"
	TypeTime     Type = "application/vnd.bangtin.time.v1+json"
	TypeSite     Type = "application/vnd.bangtin.site.v1+json"
	TypeTrust    Type = "application/vnd.bangtin.trust.v1+json"
)

// A Role is one authority.
type Role string

const (
	RolePower    Role = "power"    // a panel on or off with an end; the safe picture
	RolePlaylist Role = "playlist" // what is shown: an editor and an approver
	RoleUrgent   Role = "urgent"   // urgent messages on a superior's order
	RoleUpdate   Role = "update"   // system updates
	RoleCollect  Role = "collect"  // acknowledging records: the centre
	RoleTime     Role = "time"     // telling the time: the centre
	RoleSite     Role = "site"     // site files: who a display is, how it is wired, where it reports
	RoleTrust    Role = "trust"    // trust documents; kept offline
)

// Roles lists every role, in the order of their declaration.
func Roles() []Role {
	return []Role{RolePower, RolePlaylist, RoleUrgent, RoleUpdate, RoleCollect, RoleTime, RoleSite, RoleTrust}
}

// Role is the authority a payload type needs, or "" for a type that is not one of ours.
func (t Type) Role() Role {
	for _, r := range Roles() {
		if r.Type() == t {
			return r
		}
	}
	return ""
}

// Type is the payload type that needs this role.
func (r Role) Type() Type { return Type("application/vnd.bangtin." + string(r) + ".v1+json") }

// The duties of the playlist role. Article 6.3 of the regulation wants content edited and approved, which no
// person may do alone.
const (
	DutyEditor   = "editor"
	DutyApprover = "approver"
)

// MinThreshold is the number of people that role r needs at least. No document can lower it (PROTOCOL.md, "Signed
// envelopes").
func MinThreshold(r Role) int {
	switch r {
	case RolePlaylist, RoleUpdate, RoleTrust:
		return 2
	}
	return 1
}

// ofCentre tells the two roles that the centre's machine holds. Whoever holds one of them holds no other role,
// so that a break-in at the centre cannot change a screen.
func ofCentre(r Role) bool { return r == RoleCollect || r == RoleTime }

func known(r Role) bool { return slices.Contains(Roles(), r) }
