package centre_test

import (
	"fmt"
	"testing"
	"time"

	"bangtin/internal/fleet/brokertest"
	fleetdepartment "bangtin/internal/fleet/department"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// identify is a signed command.
func (r *rig) identify(n int, audience []string, end time.Duration, signers ...trust.Signer) []byte {
	r.t.Helper()
	made := time.Now()
	payload := must(wire.Encode(wire.Command{ID: fmt.Sprintf("lenh-%06d", n), Counter: uint64(made.UnixMilli()), Audience: audience,
		Expires: made.Add(end).UTC(), Kind: wire.DoRestartPlayer}))(r.t)
	if len(signers) == 0 {
		signers = []trust.Signer{r.department.Power}
	}
	return must(brokertest.Seal(trust.TypePower, payload, signers...))(r.t)
}

// receive hands a message to the centre as if the broker had delivered it.
func (r *rig) receive(topic string, payload []byte) {
	r.centre.Receive(fleetdepartment.Message{Topic: topic, Payload: payload, Ack: func() {}})
}

func (r *rig) statuses() map[string]int {
	r.t.Helper()
	return statuses(r.t, r.path)
}

// A command that was sent while its display was away reaches it when it comes back, the centre having been started anew
// in between; once it is done it is not sent again.
func TestCommandsAreSentAgain(t *testing.T) {
	r := newRig(t)
	r.start()
	d := r.display("tinh-bien-01")
	topics := must(wire.NewTopics(d.id))(t)
	raw := r.identify(1, []string{d.id}, time.Hour)
	// The centre hears its own messages, as it hears an operator's.
	r.eventually("the centre listens", func() bool { return r.metric("broker_connected", "") == 1 })
	r.eventually("the broker takes it", func() bool { return r.link.Publish(t.Context(), topics.CommandRequest(), false, raw) == nil })
	r.eventually("the command is kept", func() bool { return r.statuses()["SENT"] == 1 })
	r.stop()
	r.start()
	d.join()
	r.eventually("the display has the command", func() bool { return d.orders.heard() > 0 })
	verified := must(r.department.Document.Verify(raw, trust.TypePower))(t)
	d.answers <- wire.CommandAck{ID: "lenh-000001", Digest: verified.Digest, Status: wire.Received, At: time.Now().UTC()}
	r.eventually("it was received", func() bool { return r.statuses()["RECEIVED"] == 1 })
	d.record(journal.KindCommand, journal.Command{ID: "lenh-000001", Digest: verified.Digest, Counter: 1, Kind: "restart-player", Status: "DONE"})
	r.eventually("it was done", func() bool { return r.statuses()["DONE"] == 1 })
	resent := r.metric("commands_resent_total", "")
	d.stop()
	d.join()
	// A second command tells when the centre has seen the display come back.
	r.receive(topics.CommandRequest(), r.identify(2, []string{d.id}, time.Hour))
	r.eventually("the second is kept", func() bool { return r.statuses()["SENT"] == 1 })
	d.stop()
	d.join()
	r.eventually("the second is sent again", func() bool { return r.metric("commands_resent_total", "") > resent })
	if got := r.metric("commands_resent_total", ""); got != resent+1 {
		t.Errorf("%v were sent again, want the second alone", got-resent)
	}
}

// What the department did not sign, what is for others and what is over is not kept.
func TestCommandsThatAreNotKept(t *testing.T) {
	r := newRig(t)
	topics := must(wire.NewTopics("tinh-bien-01"))(t)
	trustOnly := must(wire.Encode(wire.Command{ID: "lenh-toi-ca", Counter: uint64(time.Now().UnixMilli()), Audience: []string{wire.Everyone},
		Expires: time.Now().Add(time.Hour).UTC(), Kind: wire.DoPower, Args: []byte(`{"state":"off","until":null,"reason":"thử"}`)}))(t)
	own := []string{"tinh-bien-01"}
	wrong := map[string][]byte{
		"bad-signature": r.identify(2, own, time.Hour, r.department.Stranger),
		"wrong-device":  r.identify(3, []string{"vinh-xuong-01"}, time.Hour),
		"expired":       r.identify(4, own, time.Nanosecond),
		"bad-message":   []byte(`{"payload":"x"}`),
	}
	r.start()
	for reason, payload := range wrong {
		r.receive(topics.CommandRequest(), payload)
		r.eventually(reason+" is counted", func() bool { return r.metric("refusals_total", reason) == 1 })
	}
	r.receive(topics.CommandRequest(), must(brokertest.Seal(trust.TypePower, trustOnly, r.department.Power))(t))
	r.eventually("darkness for everybody needs the trust role", func() bool { return r.metric("refusals_total", "bad-signature") == 2 })
	r.receive(topics.CommandRequest(), r.identify(5, own, time.Hour))
	r.eventually("a good one is kept", func() bool { return r.statuses()["SENT"] == 1 })
	if n := len(r.statuses()); n != 1 {
		t.Errorf("%v", r.statuses())
	}
}

// A flood of live commands for one display stops at a limit.
func TestLiveCommandsAreLimited(t *testing.T) {
	r := newRig(t)
	r.start()
	topics := must(wire.NewTopics("tinh-bien-01"))(t)
	for i := range 70 {
		r.receive(topics.CommandRequest(), r.identify(100+i, []string{"tinh-bien-01"}, time.Hour))
		r.eventually("it was judged", func() bool { return r.statuses()["SENT"]+int(r.metric("refusals_total", "too-many-commands")) == i+1 })
	}
	if kept, refused := r.statuses()["SENT"], r.metric("refusals_total", "too-many-commands"); kept != 64 || refused != 6 {
		t.Errorf("%d kept, %v refused", kept, refused)
	}
}
