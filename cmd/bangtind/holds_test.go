package main_test

import (
	"crypto/ed25519"
	"testing"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
)

// TestHoldsAsksForTheRoleThatWasNeeded: two of trust ordered, one of them was struck, and the other also holds power.
func TestHoldsAsksForTheRoleThatWasNeeded(t *testing.T) {
	t.Parallel()
	department, err := brokertest.NewDepartment()
	if err != nil {
		t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	both, other := trust.KeyID(department.Keepers[0].Public()), trust.KeyID(department.Keepers[1].Public())
	power := trust.KeyID(department.Power.Public())
	doc := department.Document
	admit(doc, trust.RolePower, "", key(t, doc, both))
	holds := func(want bool, role trust.Role, keys ...string) {
		t.Helper()
		if got := main.Holds(doc, role, keys...); got != want {
			t.Errorf("an order of role %q by %v: holds %v", role, keys, got)
		}
	}
	holds(true, trust.RoleTrust, both, other)
	holds(true, trust.RolePower, both)
	holds(true, "", power) // kept by a version that noted no role
	holds(false, "", other)
	admit(doc, trust.RoleTrust, "", trust.NewKey(public, "third", "third"))
	strike(doc, department.Keepers[1])
	holds(false, trust.RoleTrust, both, other)
	holds(true, trust.RolePower, both)
}

func key(t testing.TB, d *trust.Document, id string) trust.Key {
	t.Helper()
	k, ok := d.Key(id)
	if !ok {
		t.Fatalf("no key %s", id)
	}
	return k
}
