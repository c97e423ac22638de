package pki_test

import "testing"

// A display is enrolled from its first certificate on, and stays so when that was revoked.
func TestEnrolled(t *testing.T) {
	o := newOffice(t)
	if o.Enrolled(device) {
		t.Error("before its certificate")
	}
	o.display(device)
	if !o.Enrolled(device) || o.Enrolled("centre") {
		t.Error("after its certificate")
	}
	if _, err := o.RevokeDisplay(device); err != nil {
		t.Fatal(err)
	}
	if !o.Enrolled(device) {
		t.Error("after it was revoked")
	}
}
