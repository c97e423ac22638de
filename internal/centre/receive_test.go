package centre_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bangtin/internal/centre"
	"bangtin/internal/fleet/department"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// sent is what the centre sent on a topic while the test listens in.
func (r *rig) sent(topic string) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([][]byte(nil), r.said[topic]...)
}

func (r *rig) refused(reason centre.Refusal) float64 {
	return r.metric("refusals_total", string(reason))
}

// tell hands a message over and returns whether the broker's place for it is free again.
func (r *rig) tell(topic string, retained bool, payload []byte) *atomic.Bool {
	var freed atomic.Bool
	r.centre.Receive(department.Message{Topic: topic, Payload: payload, Retained: retained, Ack: func() { freed.Store(true) }})
	return &freed
}

func TestTellsTheTime(t *testing.T) {
	r := newRig(t)
	r.start()
	topics := must(wire.NewTopics("tinh-bien-01"))(t)
	ask := func(nonce string) {
		t.Helper()
		r.tell(topics.TimeRequest(), false, must(wire.Encode(wire.TimeRequest{Nonce: nonce}))(t))
	}
	before := time.Now()
	for i := range 8 {
		ask(fmt.Sprintf("%032x", i))
	}
	r.eventually("three of eight are too many", func() bool { return r.refused(centre.TooOften) == 3 })
	replies := r.sent(topics.TimeReply())
	if len(replies) != 5 {
		t.Fatalf("%d replies", len(replies))
	}
	for i, raw := range replies {
		signed := must(r.department.Document.Verify(raw, trust.TypeTime))(t)
		reply := must(wire.ParseTimeReply(signed.Payload))(t)
		if reply.Device != "tinh-bien-01" || reply.Nonce != fmt.Sprintf("%032x", i) || reply.Time.Before(before.Add(-time.Second)) || reply.Time.After(time.Now()) {
			t.Errorf("%+v", reply)
		}
	}
	ask("not a nonce")
	r.eventually("it cannot be read", func() bool { return r.refused(centre.BadMessage) == 1 })
}

// What is refused frees the broker's place, is counted, and leaves nothing behind.
func TestHostileMessages(t *testing.T) {
	r := newRig(t)
	r.start()
	good := must(wire.NewTopics("tinh-bien-01"))(t)
	records := sealed(t, 3)
	edited := bytes.Replace(records, []byte("panel-silent"), []byte("panel-silenT"), 1)
	tests := []struct {
		name, topic string
		payload     []byte
		reason      centre.Refusal
	}{
		{"no topic of ours", "bt/v2/d/tinh-bien-01/evt", records, centre.BadTopic},
		{"a wildcard for a name", "bt/v1/d/+/evt", records, centre.BadTopic},
		{"the centre's name", "bt/v1/d/centre/evt", records, centre.BadTopic},
		{"an operator's name", "bt/v1/d/operator-truc-ban/evt", records, centre.BadTopic},
		{"a display that was never enrolled", "bt/v1/d/made-up-01/evt", records, centre.NotEnrolled},
		{"its birth", "bt/v1/d/made-up-02/conn", []byte(`{"state":"online","session":"a","boot":"b","version":"0.1.0"}`), centre.NotEnrolled},
		{"a command for it", "bt/v1/d/made-up-03/cmd/req", r.identify(1, []string{"*"}, time.Hour), centre.NotEnrolled},
		{"an order for it", "bt/v1/d/made-up-04/desired/playlist", []byte("x"), centre.NotEnrolled},
		{"a level of nobody", "bt/v1/d/tinh-bien-01/what", records, centre.BadTopic},
		{"an edited record", good.Events(), edited, centre.BrokenBatch},
		{"nothing", good.Events(), nil, centre.BrokenBatch},
		{"garbage", good.Events(), []byte("\x1f\x8b garbage"), centre.BrokenBatch},
		{"a state without end", good.State(), bytes.Repeat([]byte("["), wire.MaxState), centre.BadMessage},
		{"a birth of nobody", good.Conn(), []byte(`{"state":"born"}`), centre.BadMessage},
		{"an empty will", good.Conn(), nil, centre.BadMessage},
		{"an answer in other words", good.CommandAck(), []byte(`{"id":"lenh-000001","status":"WON"}`), centre.BadMessage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := r.refused(tt.reason)
			freed := r.tell(tt.topic, false, tt.payload)
			r.eventually("it is counted", func() bool { return r.refused(tt.reason) == before+1 })
			r.eventually("the broker's place is free", freed.Load)
		})
	}
	if sent := r.sent(good.EventsAck()); len(sent) > 0 {
		t.Errorf("acknowledged: %q", sent)
	}
	r.tell(good.Events(), false, records)
	r.eventually("a good one is acknowledged", func() bool { return len(r.sent(good.EventsAck())) == 1 })
	r.stop()
	if report := r.verified(); report.Records != 3 || report.Displays != 1 {
		t.Errorf("%+v", report)
	}
}

// One display that floods takes no place of another.
func TestOneDisplayFloods(t *testing.T) {
	r := newRig(t)
	r.start()
	loud, quiet := must(wire.NewTopics("on-ao-01"))(t), must(wire.NewTopics("tinh-bien-01"))(t)
	garbage := []byte(`{"boot":"b","seq_from":1,"records":[` + strings.Repeat(`{"seq":1},`, 99) + `{"seq":1}]}`)
	for range 20_000 {
		r.tell(loud.Events(), false, garbage)
	}
	r.tell(quiet.Events(), false, sealed(t, 1))
	r.eventually("the quiet one is acknowledged", func() bool { return len(r.sent(quiet.EventsAck())) == 1 })
	if r.refused(centre.QueueFull) > 0 {
		t.Error("the queue was full")
	}
	r.eventually("each is counted", func() bool { return r.refused(centre.Flood)+r.refused(centre.BrokenBatch) == 20_000 })
}

// At the limit of displays another one is not heard; those that were heard before are, after a restart too.
func TestDisplaysAreLimited(t *testing.T) {
	r := newRig(t)
	r.displays = 2
	r.start()
	for _, id := range []string{"gate-001", "gate-002", "gate-003"} {
		r.tell("bt/v1/d/"+id+"/evt", false, sealed(t, 1))
	}
	r.eventually("the third is refused", func() bool { return r.refused(centre.TooManyDisplays) == 1 })
	r.eventually("two are acknowledged", func() bool {
		return len(r.sent("bt/v1/d/gate-001/evt/ack"))+len(r.sent("bt/v1/d/gate-002/evt/ack")) == 2
	})
	r.stop()
	r.start()
	r.tell("bt/v1/d/gate-004/evt", false, sealed(t, 1))
	r.eventually("the fourth is refused", func() bool { return r.refused(centre.TooManyDisplays) == 1 })
}

// The acknowledgement names the end of the batch, as often as the batch comes, and is signed by the centre.
func TestAcknowledgesAgain(t *testing.T) {
	r := newRig(t)
	r.start()
	topics := must(wire.NewTopics("tinh-bien-01"))(t)
	all := sealed(t, 5)
	batch := must(wire.ParseBatch(all))(t)
	part := must(wire.Encode(wire.Batch{Boot: batch.Boot, SeqFrom: 1, Records: batch.Records[:2]}))(t)
	for i, message := range [][]byte{all, part, all} {
		r.tell(topics.Events(), false, message)
		r.eventually("it is acknowledged", func() bool { return len(r.sent(topics.EventsAck())) == i+1 })
	}
	for i, want := range []uint64{5, 2, 5} {
		signed := must(r.department.Document.Verify(r.sent(topics.EventsAck())[i], trust.TypeCollect))(t)
		ack := must(wire.ParseRecordsAck(signed.Payload))(t)
		b := must(centre.ReadBatch("tinh-bien-01", all))(t)
		if ack.Device != "tinh-bien-01" || ack.UptoSeq != want || ack.Head != b.Records[want-1].Hash.String() {
			t.Errorf("%+v", ack)
		}
	}
	if got := r.metric("records_total", "duplicate"); got != 7 {
		t.Errorf("%v duplicates", got)
	}
}

// sealed is a batch with the first n records of a chain.
func sealed(t testing.TB, n int) []byte {
	t.Helper()
	b := wire.Batch{Boot: "boot-1", SeqFrom: 1}
	var head journal.Hash
	for i := range n {
		r, err := journal.Seal(head, uint64(i+1), journal.Entry{
			Stamp: journal.Stamp{Boot: "boot-1", Mono: time.Duration(i + 1), Wall: time.Unix(1801000000, 0), Trust: journal.Signed},
			Kind:  journal.KindIncident, Body: journal.Incident{Class: journal.Technical, Code: "panel-silent", Detail: "a < b", Count: i + 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := wire.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		b.Records, head = append(b.Records, raw), r.Hash
	}
	message, err := wire.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return message
}
