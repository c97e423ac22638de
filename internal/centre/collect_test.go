package centre_test

import (
	"testing"
)

// What displays record is stored once each and acknowledged, and their outboxes become empty.
func TestCollects(t *testing.T) {
	r := newRig(t)
	r.start()
	var displays []*display
	for _, id := range []string{"tinh-bien-01", "vinh-xuong-01", "khanh-binh-01"} {
		d := r.display(id)
		d.remember(25)
		d.join()
		d.remember(25)
		displays = append(displays, d)
	}
	for _, d := range displays {
		r.eventually(d.id+" has an empty outbox", func() bool { return d.depth() == 0 })
	}
	r.stop()
	report := r.verified()
	if report.Displays != 3 || report.Records != 150 || report.Again != 0 {
		t.Errorf("%+v", report)
	}
}

// The broker and the centre are killed again and again in the middle; every record arrives once.
func TestNothingIsLostWithBrokerAndCentre(t *testing.T) {
	r := newRig(t)
	r.start()
	d := r.display("tinh-bien-01")
	d.join()
	for round := range 6 {
		d.remember(30)
		if round%2 == 0 {
			if err := r.broker.Kill(); err != nil {
				t.Fatal(err)
			}
			d.remember(30)
			if err := r.broker.Start(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		r.stop()
		d.remember(30)
		r.start()
	}
	r.eventually("the outbox is empty", func() bool { return d.depth() == 0 })
	r.stop()
	if report := r.verified(); report.Records != 360 || report.Again != 0 {
		t.Errorf("%+v", report)
	}
}
