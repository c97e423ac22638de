package trust

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"unicode"
)

// Validate checks the document against itself and against the minimums that no document can lower. Its error is
// a *[Refusal] with reason [BadDocument] or [Oversized].
func (d *Document) Validate() error {
	if d.Version == 0 {
		return refuse(BadDocument, "version must be 1 or more")
	}
	if !ValidName(d.Organisation) {
		return refuse(BadDocument, "organisation must be 1 to 200 bytes of printable text")
	}
	if d.Created.IsZero() {
		return refuse(BadDocument, "created is missing")
	}
	if err := d.validateKeys(); err != nil {
		return err
	}
	if _, ok := d.Roles[RoleTrust]; !ok {
		return refuse(BadDocument, "role trust is missing")
	}
	for role, grant := range d.Roles {
		if err := d.validateGrant(role, grant); err != nil {
			return err
		}
	}
	return d.validateCentre()
}

func (d *Document) validateKeys() error {
	if len(d.Keys) > MaxKeys {
		return refuse(Oversized, "%d keys, at most %d", len(d.Keys), MaxKeys)
	}
	ids, names := map[string]bool{}, map[string]string{}
	for _, k := range d.Keys {
		if err := checkPublic(k.Public); err != nil {
			return refuse(BadDocument, "key of %.60q: %v", k.Person, err)
		}
		if k.ID != KeyID(ed25519.PublicKey(k.Public)) {
			return refuse(BadDocument, "key of %.60q: id is not the key's fingerprint", k.Person)
		}
		if ids[k.ID] {
			return refuse(BadDocument, "key %s is listed twice", k.ID)
		}
		ids[k.ID] = true
		if !ValidPerson(k.Person) {
			return refuse(BadDocument, "person %.60q must match [a-z0-9.-]{1,60}", k.Person)
		}
		if !ValidName(k.Name) {
			return refuse(BadDocument, "name of %q must be 1 to 200 bytes of printable text", k.Person)
		}
		if old, ok := names[k.Person]; ok && old != k.Name {
			return refuse(BadDocument, "person %q has two names", k.Person)
		}
		names[k.Person] = k.Name
	}
	return nil
}

func (d *Document) validateGrant(role Role, g Grant) error {
	if !known(role) {
		return refuse(BadDocument, "unknown role %.40q", role)
	}
	if len(g.Members) > MaxMembers {
		return refuse(Oversized, "role %s: %d members, at most %d", role, len(g.Members), MaxMembers)
	}
	if least := MinThreshold(role); g.Threshold < least {
		return refuse(BadDocument, "role %s: threshold %d, at least %d", role, g.Threshold, least)
	}
	if err := validateDuties(role, g); err != nil {
		return err
	}
	for i, m := range g.Members {
		if _, ok := d.Key(m.Key); !ok {
			return refuse(BadDocument, "role %s: member %.60q is not among the keys", role, m.Key)
		}
		if slices.Contains(g.Members[:i], m) {
			return refuse(BadDocument, "role %s: member %s is listed twice", role, m.Key)
		}
	}
	if people, _ := d.reached(g, g.Members); len(people) < g.Threshold {
		return refuse(BadDocument, "role %s: threshold %d cannot be reached by %d people", role, g.Threshold, len(people))
	}
	if _, missing := d.reached(g, g.Members); missing {
		return refuse(BadDocument, "role %s: its duties cannot be filled by different people", role)
	}
	return nil
}

func validateDuties(role Role, g Grant) error {
	if role == RolePlaylist && !slices.Equal(g.Duties[:min(2, len(g.Duties))], []string{DutyEditor, DutyApprover}) {
		return refuse(BadDocument, "role playlist needs the duties editor and approver, in this order")
	}
	if len(g.Duties) > g.Threshold {
		return refuse(BadDocument, "role %s: %d duties, more than the threshold of %d", role, len(g.Duties), g.Threshold)
	}
	for i, duty := range g.Duties {
		if !ValidPerson(duty) || slices.Contains(g.Duties[:i], duty) {
			return refuse(BadDocument, "role %s: duty %.40q is not a word or is given twice", role, duty)
		}
	}
	for _, m := range g.Members {
		if len(g.Duties) == 0 && m.Duty != "" || len(g.Duties) > 0 && !slices.Contains(g.Duties, m.Duty) {
			return refuse(BadDocument, "role %s: member %.60q has duty %.40q, which the role does not have", role, m.Key, m.Duty)
		}
	}
	return nil
}

// validateCentre goes by people and not by keys: a second key of the centre would be kept on the same machine.
func (d *Document) validateCentre() error {
	centre := map[string]Role{}
	for role, g := range d.Roles {
		for _, m := range g.Members {
			if k, _ := d.Key(m.Key); ofCentre(role) {
				centre[k.Person] = role
			}
		}
	}
	for role, g := range d.Roles {
		for _, m := range g.Members {
			k, _ := d.Key(m.Key)
			if other, ok := centre[k.Person]; ok && !ofCentre(role) {
				return refuse(BadDocument, "%q holds role %s and may not hold role %s as well", k.Person, other, role)
			}
		}
	}
	return nil
}

// ValidPerson reports whether s can stand for a person: [a-z0-9.-]{1,60}.
func ValidPerson(s string) bool {
	return len(s) >= 1 && len(s) <= 60 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// ValidName reports whether s can be shown as a name: 1 to 200 bytes, every character of which can be seen.
func ValidName(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= 200 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}
