package centre_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"bangtin/internal/centre"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/fleet/department"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const desiredPower = "bt/v1/d/tinh-bien-01/desired/power"

// power is a signed order of the given version for tinh-bien-01.
func (r *rig) power(version uint64, signers ...trust.Signer) []byte {
	r.t.Helper()
	if len(signers) == 0 {
		signers = []trust.Signer{r.department.Power}
	}
	payload := must(wire.Encode(wire.PowerOrder{Device: "tinh-bien-01", Version: version, State: wire.WishSchedule, Reason: "thử"}))(r.t)
	return must(brokertest.Seal(trust.TypePower, payload, signers...))(r.t)
}

// retained is what the broker hands to somebody who comes now.
func (r *rig) retained(topic string) []byte {
	r.t.Helper()
	files := must(r.broker.Issue("observer"))(r.t)
	heard := make(chan department.Message, 1)
	connected := make(chan struct{}, 1)
	link := must(department.New(department.Config{
		URL: r.broker.URL(), Files: pki.Files(files), ClientID: "observer", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Filters: []string{topic, "bt/v1/probe"}, Receive: func(m department.Message) { heard <- m }, Connected: func() { connected <- struct{}{} },
	}))(r.t)
	ctx, cancel := context.WithCancel(r.t.Context())
	var part sync.WaitGroup
	part.Go(func() { _ = link.Run(ctx) })
	defer part.Wait()
	defer cancel()
	select {
	case m := <-heard:
		return m.Payload
	case <-connected:
	}
	// The broker has sent what it keeps before anything that comes after the subscription.
	r.eventually("the probe is sent", func() bool { return r.link.Publish(r.t.Context(), "bt/v1/probe", false, []byte("end")) == nil })
	m := <-heard
	if m.Topic != topic {
		return nil
	}
	return m.Payload
}

func (r *rig) publish(payload []byte) {
	r.t.Helper()
	r.eventually("the broker takes it", func() bool { return r.link.Publish(r.t.Context(), desiredPower, true, payload) == nil })
}

func (r *rig) stands() map[string]int {
	r.t.Helper()
	return peek(r.t, r.path, "SELECT device || '/' || subject, version FROM standing JOIN envelope USING (digest)")
}

// A broker that crashed has forgotten orders that it acknowledged, or brings older ones back: the newest one that the
// department signed stands there again, also when the centre was started anew meanwhile.
func TestStandingOrdersAreRepeated(t *testing.T) {
	r := newRig(t)
	r.start()
	r.eventually("the centre listens", func() bool { return r.metric("broker_connected", "") == 1 })
	first, second := r.power(1), r.power(2)
	for i, raw := range [][]byte{first, second} {
		r.publish(raw)
		r.eventually("it is kept", func() bool { return r.stands()["tinh-bien-01/power"] == i+1 })
	}
	back := func(what string) {
		t.Helper()
		r.eventually(what, func() bool { return bytes.Equal(r.retained(desiredPower), second) })
	}
	if err := r.broker.Kill(); err != nil { // it keeps nothing on disk
		t.Fatal(err)
	}
	if err := r.broker.Start(); err != nil {
		t.Fatal(err)
	}
	back("an order that was lost")
	r.publish(first)
	back("an order that was replaced by an older one")
	r.publish(nil)
	back("an order that was removed")
	r.publish([]byte("garbage"))
	back("an order that was overwritten")
	r.stop()
	if err := r.broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := r.broker.Start(); err != nil {
		t.Fatal(err)
	}
	r.start()
	back("an order that was lost while the centre was away")
	if got := r.stands(); len(got) != 1 || got["tinh-bien-01/power"] != 2 {
		t.Errorf("%v", got)
	}
	if n := peek(t, r.path, "SELECT 'envelopes', count(*) FROM envelope")["envelopes"]; n != 1 {
		t.Errorf("%d envelopes", n)
	}
}

// What the centre cannot judge, because it may be signed by a document that the centre does not have yet, is left alone
// where it says that it is newer.
func TestNewerOrderOfAnUnknownKeyIsLeftAlone(t *testing.T) {
	r := newRig(t)
	r.start()
	r.eventually("the centre listens", func() bool { return r.metric("broker_connected", "") == 1 })
	kept, newer, older := r.power(5), r.power(6, r.department.Stranger), r.power(4, r.department.Stranger)
	r.publish(kept)
	r.eventually("it is kept", func() bool { return r.stands()["tinh-bien-01/power"] == 5 })
	r.publish(newer)
	r.eventually("it is refused", func() bool { return r.refused(centre.BadSignature) == 1 })
	before := r.metric("orders_repeated_total", "")
	r.stop()
	r.start()
	r.eventually("it is refused again", func() bool { return r.refused(centre.BadSignature) == 1 })
	if !bytes.Equal(r.retained(desiredPower), newer) || before != 0 {
		t.Error("what may be newer was overwritten")
	}
	r.publish(older)
	r.eventually("what claims to be older is not left", func() bool { return bytes.Equal(r.retained(desiredPower), kept) })
}

func TestReadOrder(t *testing.T) {
	t.Parallel()
	d := must(brokertest.NewDepartment())(t)
	seal := func(kind trust.Type, payload string, signers ...trust.Signer) []byte {
		return must(brokertest.Seal(kind, []byte(payload), signers...))(t)
	}
	power := `{"device":"tinh-bien-01","version":7,"state":"schedule","until":null,"reason":""}`
	playlist := `{"id":"cua-khau","version":8,"audience":["tinh-bien-01","vinh-xuong-01"],"items":[]}`
	both := []trust.Signer{d.Editor, d.Approver}
	document := must(d.Document.Seal(d.Keepers...))(t)
	tests := []struct {
		name, topic string
		raw         []byte
		version     uint64
		claims      uint64
		reason      centre.Refusal
	}{
		{"power", desiredPower, seal(trust.TypePower, power, d.Power), 7, 7, ""},
		{"for another display", "bt/v1/d/vinh-xuong-01/desired/power", seal(trust.TypePower, power, d.Power), 0, 0, centre.WrongDevice},
		{"by a stranger", desiredPower, seal(trust.TypePower, power, d.Stranger), 0, 7, centre.BadSignature},
		{"on the wrong topic", "bt/v1/d/tinh-bien-01/desired/playlist", seal(trust.TypePower, power, d.Power), 0, 0, centre.BadSignature},
		{"playlist", "bt/v1/d/vinh-xuong-01/desired/playlist", seal(trust.TypePlaylist, playlist, both...), 8, 8, ""},
		{"by its editor alone", "bt/v1/d/vinh-xuong-01/desired/playlist", seal(trust.TypePlaylist, playlist, d.Editor), 0, 8, centre.BadSignature},
		{"not in its audience", "bt/v1/d/da-bo-01/desired/playlist", seal(trust.TypePlaylist, playlist, both...), 0, 0, centre.WrongDevice},
		{"trust", "bt/v1/d/da-bo-01/desired/trust", document, d.Document.Version, d.Document.Version, ""},
		{"garbage", desiredPower, []byte("{}"), 0, 0, centre.BadMessage},
		{"another subject", "bt/v1/d/da-bo-01/desired/urgent", document, 0, 0, centre.BadTopic},
		{"no topic", "desired", document, 0, 0, centre.BadTopic},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, claims, reason := centre.ReadOrder(d.Document, tt.topic, tt.raw)
			if reason != tt.reason || claims != tt.claims || (o != nil) != (reason == "") || o != nil && o.Version != tt.version {
				t.Errorf("%+v, %d, %q", o, claims, reason)
			}
		})
	}
}
