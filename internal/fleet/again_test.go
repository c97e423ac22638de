package fleet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/fleet"
	"bangtin/internal/trust"
)

// admitting is the department's document, of the next version, with the stranger's key in the power role.
func (r *rig) admitting() *trust.Document {
	r.t.Helper()
	d := *r.department.Document
	d.Version++
	key := trust.NewKey(r.department.Stranger.Public(), "new", "new")
	d.Keys = append(append([]trust.Key(nil), d.Keys...), key)
	d.Roles = map[trust.Role]trust.Grant{}
	for role, g := range r.department.Document.Roles {
		if role == trust.RolePower {
			g.Members = append(append([]trust.Member(nil), g.Members...), trust.Member{Key: key.ID})
		}
		d.Roles[role] = g
	}
	if err := d.Validate(); err != nil {
		r.t.Fatal(err)
	}
	return &d
}

// An order that is signed by a key of the next trust document comes before that document.
func TestRetainedOrderBeforeItsTrustDocument(t *testing.T) {
	for _, test := range []struct {
		name string
		told bool // of the document; else the next connection must do
	}{{"told of the document", true}, {"connected again", false}} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			line := newLink(t, r.broker.Addr)
			r.config.URL = line.url()
			standing := trust.NewStanding(r.department.Document)
			r.config.Trust = standing
			f := r.display()
			r.publishPower(true, powerOn(7), r.department.Stranger)
			r.run(f)
			refused := func() int { return r.refusals.of(fleet.Reason(trust.UnknownKey), r.topics().DesiredPower()) }
			r.eventually("refused", func() bool { return refused() == 1 })
			r.awaitOnline()
			f.Rejudge() // by the same document
			standing.Replace(r.admitting())
			if test.told {
				f.Rejudge()
			} else {
				line.cut()
			}
			r.eventually("obeyed", func() bool { return len(r.orders.versions()) == 1 })
			if n := len(r.heard().Conns); test.told && n != 1 {
				t.Errorf("%d births and wills: the display did not stay connected", n)
			}
			if n := refused(); n != 1 {
				t.Errorf("counted %d times: it came once as long as nobody knew the key", n)
			}
			line.cut()
			f.Rejudge()
			r.publishPower(true, powerOn(8))
			r.eventually("the next is obeyed", func() bool { return len(r.orders.versions()) == 2 })
			if diff := cmp.Diff([]uint64{7, 8}, r.orders.versions()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What the receiver refuses for now comes again with each connection and when it is asked for, until it is obeyed.
func TestOrderRefusedForNow(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	r.orders.refuses = 3
	f := r.display()
	r.publishPower(true, powerOn(1))
	r.run(f)
	r.eventually("refused", func() bool { return r.orders.attempts() == 1 })
	r.awaitOnline()
	line.cut()
	r.eventually("refused with the next connection", func() bool { return r.orders.attempts() == 2 })
	f.Rejudge()
	r.eventually("refused again", func() bool { return r.orders.attempts() == 3 })
	f.Rejudge()
	r.eventually("obeyed", func() bool { return len(r.orders.versions()) == 1 })
}

// An order on which the last word is spoken is not judged again, however often it comes.
func TestOrderRefusedForGood(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	f := r.display()
	elsewhere := powerOn(1)
	elsewhere.Device = "other-display"
	r.publishPower(true, elsewhere)
	r.run(f)
	r.awaitOnline()
	for round := range 3 {
		line.cut()
		f.Rejudge()
		r.eventually("connected again", func() bool { return len(r.heard().Conns) >= 3+2*round })
	}
	r.publishPower(false, powerOn(2))
	r.eventually("the next is obeyed", func() bool { return len(r.orders.versions()) == 1 })
	if n := r.refusals.of(fleet.WrongDevice, r.topics().DesiredPower()); n != 1 {
		t.Errorf("refused %d times", n)
	}
}

// A replaced order is not judged again: the broker keeps the last one.
func TestOnlyTheLastOrderIsJudgedAgain(t *testing.T) {
	r := newRig(t)
	f := r.display()
	r.run(f)
	r.awaitOnline()
	r.orders.mu.Lock()
	r.orders.refuses = 1
	r.orders.mu.Unlock()
	r.publishPower(true, powerOn(1))
	r.eventually("refused", func() bool { return r.orders.attempts() == 1 })
	r.publishPower(true, powerOn(2))
	r.eventually("the next is obeyed", func() bool { return len(r.orders.versions()) == 1 })
	f.Rejudge()
	r.publishPower(true, powerOn(3))
	r.eventually("and the one after it", func() bool { return len(r.orders.versions()) == 2 })
	if diff := cmp.Diff([]uint64{2, 3}, r.orders.versions()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
