package fleet_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

func command(n int) wire.Command {
	made := time.Now()
	until := made.Add(time.Hour).UTC().Truncate(time.Second)
	args, err := json.Marshal(wire.PowerArgs{State: wire.WishOff, Until: &until, Reason: "thử"})
	if err != nil {
		panic(err)
	}
	return wire.Command{
		ID: fmt.Sprintf("command-%d", n), Counter: uint64(made.UnixMilli()) + uint64(n), Audience: []string{device},
		Expires: made.Add(time.Hour).UTC().Truncate(time.Second), Kind: wire.DoPower, Args: args,
	}
}

func (o *orders) commanded() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ids []string
	for _, c := range o.commands {
		ids = append(ids, c.ID)
	}
	return ids
}

func digestOf(raw []byte) (string, error) {
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(e.Payload)
	return hex.EncodeToString(sum[:]), nil
}

func TestCommandsAreBroughtWhenSigned(t *testing.T) {
	r := newRig(t)
	d := r.department
	r.start()
	r.awaitOnline()
	elsewhere, fleetwide, wrong := command(1), command(2), command(3)
	elsewhere.Audience = []string{"other-display"}
	fleetwide.Audience = []string{wire.Everyone}
	wrong.Kind = "dance"
	for _, test := range []struct {
		name    string
		message []byte
		reason  fleet.Reason
		id      string // that the answer names
	}{
		{"by a stranger", must(d.Command(command(4), d.Stranger))(t), fleet.Reason(trust.UnknownKey), ""},
		{"by another role", must(d.Command(command(5), d.Collect))(t), fleet.Reason(trust.WrongRole), ""},
		{"as a playlist", must(brokertest.Seal(trust.TypePlaylist, []byte(`{}`), d.Editor, d.Approver))(t), fleet.Reason(trust.WrongType), ""},
		{"for another display", must(d.Command(elsewhere))(t), fleet.WrongDevice, elsewhere.ID},
		{"darkness for all by one person", must(d.Command(fleetwide))(t), fleet.LackingRole, fleetwide.ID},
		{"of no kind", must(d.Command(wrong))(t), fleet.BadOrder, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r.t = t
			before, answered := r.refusals.of(test.reason, r.topics().CommandRequest()), len(r.heard().Answers)
			if err := r.centre.Publish(r.topics().CommandRequest(), false, test.message); err != nil {
				t.Fatal(err)
			}
			r.eventually("answered", func() bool { return len(r.heard().Answers) > answered })
			if n := r.refusals.of(test.reason, r.topics().CommandRequest()); n != before+1 {
				t.Errorf("counted %d times", n-before)
			}
			a := r.heard().Answers[answered]
			want := must(digestOf(test.message))(t)
			if a.Status != wire.Rejected || a.Reason != string(test.reason) || a.ID != test.id || a.Digest != want {
				t.Errorf("the answer is %+v, want %s, id %q, digest %s", a, test.reason, test.id, want)
			}
		})
	}
	r.t = t
	if got := r.orders.commanded(); len(got) > 0 {
		t.Fatalf("brought: %v", got)
	}
	for _, good := range [][]byte{must(d.Command(command(6)))(t), must(d.TrustCommand(fleetwide))(t)} {
		if err := r.centre.Publish(r.topics().CommandRequest(), false, good); err != nil {
			t.Fatal(err)
		}
	}
	r.eventually("good ones are brought", func() bool {
		return slices.Equal(r.orders.commanded(), []string{"command-6", "command-2"})
	})
}

// A broker that keeps a command and brings it at each connection is not obeyed, the last one that was included.
func TestRetainedCommandIsRefused(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	if err := r.centre.Publish(r.topics().CommandRequest(), true, must(r.department.Command(command(1)))(t)); err != nil {
		t.Fatal(err)
	}
	count := func() int { return r.refusals.of(fleet.Retained, r.topics().CommandRequest()) }
	r.start()
	r.eventually("refused", func() bool { return count() == 1 })
	if err := r.centre.Publish(r.topics().CommandRequest(), true, must(r.department.Command(command(2)))(t)); err != nil {
		t.Fatal(err)
	}
	r.eventually("what comes while connected is brought", func() bool { return len(r.orders.commanded()) == 1 })
	line.cut()
	r.eventually("refused when it comes back", func() bool { return count() == 2 })
	if got := r.orders.commanded(); !slices.Equal(got, []string{"command-2"}) {
		t.Errorf("brought: %v", got)
	}
}

// A flood of commands that nobody may give is counted, and answered ten times.
func TestFloodOfCommandsIsHardlyAnswered(t *testing.T) {
	r := newRig(t)
	r.start()
	r.awaitOnline()
	const flood = 40
	for n := range flood {
		raw := must(r.department.Command(command(n), r.department.Stranger))(t)
		if err := r.centre.Publish(r.topics().CommandRequest(), false, raw); err != nil {
			t.Fatal(err)
		}
	}
	good := command(flood)
	if err := r.centre.Publish(r.topics().CommandRequest(), false, must(r.department.Command(good))(t)); err != nil {
		t.Fatal(err)
	}
	r.eventually("the good one is brought", func() bool { return slices.Equal(r.orders.commanded(), []string{good.ID}) })
	if n := r.refusals.of(fleet.Reason(trust.UnknownKey), r.topics().CommandRequest()); n != flood {
		t.Errorf("%d of %d are counted", n, flood)
	}
	// Answers of the receiver's own, after all of these: three, for the session takes from both in no order.
	answer := wire.CommandAck{ID: good.ID, Digest: must(digestOf(must(r.department.Command(good))(t)))(t), Status: wire.Received, At: time.Now().UTC()}
	own := func() (n int) {
		for _, a := range r.heard().Answers {
			if a.ID == good.ID {
				n++
			}
		}
		return n
	}
	for n := range 3 {
		r.answers <- answer
		r.eventually("answered", func() bool { return own() == n+1 })
	}
	r.eventually("ten of the flood are answered", func() bool { return len(r.heard().Answers) >= 13 })
	if n := len(r.heard().Answers); n != 13 {
		t.Errorf("%d answers, want ten and three", n)
	}
}
