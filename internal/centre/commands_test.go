package centre_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/centre"
	"bangtin/internal/centre/store"
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

// What the department did not sign, and what is for others is not kept.
func TestCommandsThatAreNotKept(t *testing.T) {
	r := newRig(t)
	topics := must(wire.NewTopics("tinh-bien-01"))(t)
	trustOnly := must(wire.Encode(wire.Command{ID: "lenh-toi-ca", Counter: uint64(time.Now().UnixMilli()), Audience: []string{wire.Everyone},
		Expires: time.Now().Add(time.Hour).UTC(), Kind: wire.DoPower, Args: []byte(`{"state":"off","until":null,"reason":"thử"}`)}))(t)
	own := []string{"tinh-bien-01"}
	wrong := map[string][]byte{
		"bad-signature": r.identify(2, own, time.Hour, r.department.Stranger),
		"wrong-device":  r.identify(3, []string{"vinh-xuong-01"}, time.Hour),
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

// A command that was sent while the centre was away, and is over when it is heard, has a row and a final status.
func TestLateCommandIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		raw, _ := s.command(time.Minute)
		time.Sleep(time.Hour)
		s.tell("bt/v1/d/tinh-bien-01/cmd/req", raw)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff(map[string]int{"EXPIRED": 1}, statuses(t, s.path)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		s.stop()
		if len(s.sent()) > 0 {
			t.Errorf("sent %q", s.sent())
		}
	})
}

// A person holds the database for a while: the command that comes meanwhile is not acknowledged to the broker, and is
// written when there is room.
func TestCommandWhileTheDatabaseIsHeld(t *testing.T) {
	r := newRig(t)
	r.start()
	topic := "bt/v1/d/tinh-bien-01/cmd/req"
	r.receive(topic, r.identify(1, []string{"tinh-bien-01"}, time.Hour))
	r.eventually("the first is kept", func() bool { return r.statuses()["SENT"] == 1 })
	db := must(sql.Open("sqlite3", "file:"+r.path+"?_txlock=immediate"))(t)
	defer db.Close()
	tx := must(db.Begin())(t)
	freed := r.tell(topic, false, r.identify(2, []string{"tinh-bien-01"}, time.Hour))
	r.eventually("it cannot be written", func() bool { return r.metric("database_writable", "") == 0 })
	if freed.Load() {
		t.Error("acknowledged to the broker, and nowhere")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	r.eventually("it is written", func() bool { return r.statuses()["SENT"] == 2 })
	r.eventually("it is acknowledged", freed.Load)
	if n := r.metric("changes_dropped_total", ""); n != 0 {
		t.Errorf("%v dropped", n)
	}
}

// The database is full: commands wait for room, to a limit, without an acknowledgement to the broker.
func TestCommandsWhileTheDatabaseIsFull(t *testing.T) {
	r := newRig(t)
	r.start()
	fill(t, r.store)
	var freed []*atomic.Bool
	for i := range 300 {
		device := fmt.Sprintf("gate-%03d", i)
		freed = append(freed, r.tell("bt/v1/d/"+device+"/cmd/req", false, r.identify(i, []string{device}, time.Hour)))
	}
	free := func() (n int) {
		for _, f := range freed {
			if f.Load() {
				n++
			}
		}
		return n
	}
	// A few may find a place on a page that was begun.
	r.eventually("those above the limit are refused", func() bool {
		return r.refused(centre.NotWritten)+float64(r.statuses()["SENT"]) == 44
	})
	if n := free(); n != 44 {
		t.Errorf("%d acknowledged", n)
	}
	refused := int(r.refused(centre.NotWritten))
	if refused == 0 {
		t.Error("the database was not full")
	}
	if err := r.store.Limit(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	r.eventually("the others are written", func() bool { return r.statuses()["SENT"] == 300-refused && free() == 300 })
}

// fill leaves no room for anything.
func fill(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Limit(t.Context(), 4096); err != nil {
		t.Fatal(err)
	}
	for size := 100_000; size > 0; {
		i := store.Incident{At: time.Now(), Code: "x", Detail: strings.Repeat("x", size)}
		if _, err := s.Write(t.Context(), time.Now(), []store.Change{{Incident: &i}}); err != nil {
			size /= 2
		}
	}
}

// command is a signed one for tinh-bien-01, made now, and its digest.
func (s *still) command(lasts time.Duration) (raw []byte, digest string) {
	s.t.Helper()
	made := time.Now()
	payload := must(wire.Encode(wire.Command{ID: "lenh-000001", Counter: uint64(made.UnixMilli()), Audience: []string{"tinh-bien-01"},
		Expires: made.Add(lasts), Kind: wire.DoRestartPlayer}))(s.t)
	raw = must(brokertest.Seal(trust.TypePower, payload, s.people.Power))(s.t)
	return raw, must(s.people.Document.Verify(raw, trust.TypePower))(s.t).Digest
}

func (s *still) answer(digest string, status wire.CommandStatus, reason string) {
	s.t.Helper()
	s.tell("bt/v1/d/tinh-bien-01/cmd/ack", must(wire.Encode(wire.CommandAck{ID: "lenh-000001", Digest: digest, Status: status, Reason: reason, At: time.Now().UTC()}))(s.t))
}

func (s *still) birth() {
	s.t.Helper()
	s.tell("bt/v1/d/tinh-bien-01/conn", must(wire.Encode(wire.Conn{State: wire.Online, Session: "a", Boot: "b", Version: "0.1.0"}))(s.t))
}

// A display that was busy gets the command again half a minute later, and its last word counts.
func TestBusyIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		raw, digest := s.command(10 * time.Minute)
		s.tell("bt/v1/d/tinh-bien-01/cmd/req", raw)
		time.Sleep(time.Second)
		s.answer(digest, wire.Rejected, "busy")
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if len(s.sent()) != 0 {
			t.Errorf("too early: %q", s.sent())
		}
		time.Sleep(time.Minute)
		s.answer(digest, wire.Done, "")
		time.Sleep(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"bt/v1/d/tinh-bien-01/cmd/req"}, s.sent()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{"DONE": 1}, statuses(t, s.path)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		s.stop()
	})
}

// Nobody signs an answer: one that says DONE does not end the sending, and verify names it. One that says REJECTED
// does, as a display writes no record of that.
func TestAnswersThatNobodySigned(t *testing.T) {
	for status, again := range map[wire.CommandStatus]int{wire.Done: 2, wire.Failed: 2, wire.Rejected: 0} {
		t.Run(string(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStill(t)
				raw, digest := s.command(10 * time.Minute)
				s.tell("bt/v1/d/tinh-bien-01/cmd/req", raw)
				time.Sleep(time.Second)
				s.answer(digest, status, "")
				time.Sleep(time.Minute)
				s.birth()
				time.Sleep(time.Minute)
				s.stop()
				s.start()
				s.birth()
				time.Sleep(time.Hour)
				synctest.Wait()
				s.stop()
				if len(s.sent()) != again {
					t.Errorf("sent %q", s.sent())
				}
				r := must(store.Verify(t.Context(), s.path))(t)
				if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], string(status)+" by the display's answer alone") {
					t.Errorf("%q", r.Notes)
				}
			})
		})
	}
}

// RECEIVED, and then silence: nobody knows whether it was done.
func TestReceivedAndThenSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		raw, digest := s.command(10 * time.Minute)
		s.tell("bt/v1/d/tinh-bien-01/cmd/req", raw)
		time.Sleep(time.Second)
		s.answer(digest, wire.Received, "")
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(map[string]int{"UNKNOWN": 1}, statuses(t, s.path)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		s.stop()
	})
}

// While the database is full a display that is dark is told of in the log and counted all the same.
func TestDarkIsToldWhileTheDatabaseIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStill(t)
		s.state(1, "on")
		time.Sleep(70 * time.Second)
		fill(t, s.store)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if log := s.log.String(); strings.Count(log, "code=dark") != 1 {
			t.Errorf("log: %s", log)
		}
		if err := s.store.Limit(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := peek(t, s.path, "SELECT code, count(*) FROM incident WHERE code = 'dark'")["dark"]; n != 1 {
			t.Errorf("%d rows", n)
		}
		if log := s.log.String(); strings.Count(log, "code=dark") != 1 {
			t.Errorf("told twice: %s", log)
		}
		s.stop()
	})
}
