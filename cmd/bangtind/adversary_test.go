package main_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// envAdversary makes the flood of TestAdversary last so long: `make adversary` sets 60s.
const envAdversary = "BANGTIN_ADVERSARY"

// TestAdversary plays a hostile broker against a display on air: a real Mosquitto whose every topic the attacker reads
// and writes, who has kept every message there was. Nothing it makes of them is accepted, each kind is on record as often
// as it came, and the display is on air from the first attack to the last.
func TestAdversary(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	h.rehearse()
	r := h.start()
	h.ordinary()
	h.watch.begin()

	h.assault("on air", r, func() []attack {
		return slices.Concat(h.powerAttacks(), h.playlistAttacks(), h.commandAttacks(), h.clockAttacks(), h.receiptAttacks(), h.trustAttacks())
	})
	r = h.restart(r, 10, func() { h.leave("power off", "playlist"); h.lieAboutTime() })
	h.assault("after a restart", r, h.replays)
	h.clean()
	h.rotate()
	h.assault("after a rotation", r, func() []attack { return slices.Concat(h.disowned(), h.trustAttacks()) })
	r = h.restart(r, 11, func() { h.leaveAll() })
	h.assault("after a rotation and a restart", r, func() []attack { return slices.Concat(h.disowned(), h.trustAttacks()) })
	h.clean()
	r = h.restart(r, 11, func() { h.onRecord(); h.centre.SetAnswer(h.honest) })
	refused := h.total()
	h.flood(r)
	h.stillObeys()
	h.watch.end()
	r.stop()

	h.verified()
	t.Logf("flood: %d refusals on record in %d incidents; what was empty means nothing and is not counted", h.total().times-refused.times, h.total().incidents-refused.incidents)
	t.Logf("%d kinds of attack, %d messages, accepted %d", len(h.kinds), h.sent, h.accepted())
	h.watch.verdict()
	h.tap.contract()
	h.noSecrets(r)
}

// rehearse signs what the broker is to hold back: it will be overtaken.
func (h *hostile) rehearse() {
	h.kept["overtaken"] = h.dark(nil)
	h.kept["overtaken by another"] = h.dark(nil, h.duc)
}

// ordinary is a day's work of the department, of which the broker keeps every message: two playlists, the panel off and
// on by orders and by commands.
func (h *hostile) ordinary() {
	h.t.Helper()
	h.kept["playlist"] = h.approved(9)
	h.say(playlist, true, h.kept["playlist"])
	h.until("on air", playing(9))
	h.say(playlist, true, h.approved(10))
	h.until("on air with the second playlist", playing(10))
	off := func(s *wire.State) bool { return s.Panel.Power == "off" }
	h.kept["power off"] = h.wish(wire.WishBlackout, nil)
	h.say(power, true, h.kept["power off"])
	h.until("dark by an order", off)
	h.kept["command off"] = h.dark(nil)
	h.say(request, false, h.kept["command off"])
	if a := h.final(h.lastID()); a.Status != wire.Done {
		h.t.Fatalf("%+v", a)
	}
	name, raw := h.commanded.order(wire.DoIdentify, wire.IdentifyArgs{Seconds: 1})
	h.say(request, false, raw)
	h.final(name.ID) // the name on a dark panel: whatever becomes of it
	h.say(power, true, h.wish(wire.WishOn, nil))
	h.until("on air by an order", func(s *wire.State) bool {
		return playing(10)(s) && s.Want.Rule == "department" && s.Airtime.DeliveredS > 0
	})
	h.until("signed time", func(s *wire.State) bool { return s.Time.Trust == "signed" })
	h.kept["receipt"], h.kept["time"] = h.tap.last("evt/ack"), h.tap.last("time/resp")
	soon := time.Now().Add(time.Second).UTC()
	h.kept["delayed"] = h.dark(func(c *wire.Command) { c.Expires = soon }, h.duc)
	for time.Now().Before(soon) {
		time.Sleep(10 * time.Millisecond)
	}
}

// assault delivers attacks while the centre is kept from answering, and compares what stands before and after.
func (h *hostile) assault(phase string, r *run, attacks func() []attack) {
	h.t.Helper()
	h.centre.SetAnswer(h.centre.Silent)
	h.mark(r, receipt) // the last honest answer has been taken
	h.heard = len(h.tap.all("evt"))
	before := h.standing()
	all := attacks()
	h.deliver(r, all)
	h.untouched(phase, before)
	if !r.alive() {
		h.t.Fatal("the daemon ended")
	}
	h.t.Logf("%s: %d attacks", phase, len(all))
}

// replays are what the broker has kept, once more in another run of the daemon.
func (h *hostile) replays() []attack {
	return []attack{
		{"after a restart: the order off", power, h.kept["power off"], "stale", orderRoom},
		{"after a restart: the command off", request, h.kept["command off"], "", orderRoom},
		{"after a restart: the overtaken command", request, h.kept["overtaken"], "replayed", orderRoom},
		{"after a restart: the command that was delayed", request, h.kept["delayed"], "expired", orderRoom},
		{"after a restart: the former playlist", playlist, h.kept["playlist"], "older", libraryRoom},
		{"after a restart: an acknowledgement", receipt, h.kept["receipt"], "beyond-sent", wireRoom},
		{"after a restart: the time", clock, h.kept["time"], "stale-nonce", wireRoom},
	}
}

// leave has the broker keep what it should not, while the display is away: what was once retained, and a command.
func (h *hostile) leave(order, list string) {
	h.t.Helper()
	h.retain(attack{"stale retained order", power, h.kept[order], "stale", orderRoom})
	h.retain(attack{"stale retained playlist", playlist, h.kept[list], "older", libraryRoom})
	h.retain(attack{"retained command", request, h.dark(nil), "retained", wireRoom})
}

// leaveAll is leave after a rotation, with the document before it.
func (h *hostile) leaveAll() {
	h.t.Helper()
	h.retain(attack{"stale retained order of a key that is gone", power, h.kept["power off"], "unknown-key", wireRoom})
	h.retain(attack{"stale retained playlist of a key that is gone", playlist, h.kept["playlist"], "threshold", wireRoom})
	h.retain(attack{"retained command", request, h.dark(nil), "retained", wireRoom})
	h.retain(attack{"stale retained trust document", rights, h.older[0], "stale", orderRoom})
}

// retain is delivered once, when the display connects.
func (h *hostile) retain(a attack) {
	h.t.Helper()
	if err := h.centre.Publish(topic(a.topic), true, a.raw); err != nil {
		h.t.Fatal(err)
	}
	h.expect(a, 1)
}

// clean takes away what is retained, so that no later connection brings it again.
func (h *hostile) clean() {
	h.t.Helper()
	for _, name := range []string{power, playlist, rights, request} {
		if err := h.centre.Publish(topic(name), true, nil); err != nil {
			h.t.Fatal(err)
		}
	}
}

// lieAboutTime answers the next question with what is forged, mis-addressed and of another nonce, and then honestly.
func (h *hostile) lieAboutTime() {
	h.centre.SetTell(func(good wire.TimeReply) ([][]byte, error) {
		h.centre.SetTell(h.now)
		d := h.department
		wrong, other, former := good, good, good
		wrong.Time = good.Time.AddDate(1, 0, 0)
		other.Device = "tinh-bien-02"
		former.Nonce = strings.Repeat("1e", 16)
		said, err := h.now(good)
		return append([][]byte{
			seal(h.t, trust.TypeTime, wrong, d.Stranger), seal(h.t, trust.TypeTime, wrong, d.Collect),
			seal(h.t, trust.TypeTime, other, d.Time), seal(h.t, trust.TypeTime, former, d.Time),
		}, said...), err
	})
	for what, reason := range map[string]string{"forged": "unknown-key", "signed by the collecting key": "wrong-role", "for another display": "wrong-device", "with another nonce": "stale-nonce"} {
		h.expect(attack{"an answer to the question for the time: " + what, clock, nil, reason, wireRoom}, 1)
	}
}

func (h *hostile) honest(good wire.RecordsAck) ([][]byte, error) {
	said, err := h.centre.Honest(good)
	h.tap.department(receipt, said)
	return said, err
}

func (h *hostile) now(good wire.TimeReply) ([][]byte, error) {
	said, err := h.centre.Now(good)
	h.tap.department(clock, said)
	return said, err
}

// rotate goes the way of docs/trust.md: the power key and the editor are replaced, and the display stays on air.
func (h *hostile) rotate() {
	h.t.Helper()
	fresh := h.person(&trust.Document{Roles: map[trust.Role]trust.Grant{}}, trust.RolePower, "", "power")
	second := h.revised(2, func(d *trust.Document) {
		admit(d, trust.RolePower, "", trust.NewKey(fresh.Public(), "power", "power"))
	})
	h.older = append(h.older, h.document(), h.sealed(second))
	h.say(rights, true, h.older[1])
	h.trusts(2, rights)
	h.say(playlist, true, h.world.playlist(11, h.second, h.department.Approver))
	h.until("plays what the other editor signed", playing(11))
	h.say(power, true, h.wish(wire.WishOn, func(o *wire.PowerOrder) { o.Reason = "khóa mới" }, fresh))
	h.until("on air by the new key's order", func(s *wire.State) bool { return strings.Contains(s.Want.Reason, "khóa mới") })
	third := h.revised(3, func(d *trust.Document) {
		*d = *second
		d.Version = 3
		strike(d, h.department.Power)
		strike(d, h.department.Editor)
		strike(d, h.twin)
	})
	h.say(rights, true, h.sealed(third))
	h.trusts(3, rights)
	h.kept["power on"] = h.wish(wire.WishOn, nil, h.department.Power) // made, and never sent: the key may no more
	h.kept["command of the key that is gone"] = h.dark(nil)
	h.department.Document, h.department.Power, h.department.Editor, h.version = third, fresh, h.second, 3
}

// disowned is what keys signed that are no longer trusted, sent before or held back until now.
func (h *hostile) disowned() []attack {
	return []attack{
		{"the order off of a key that is gone", power, h.kept["power off"], "unknown-key", wireRoom},
		{"a new order of a key that is gone", power, h.kept["power on"], "unknown-key", wireRoom},
		{"the command off of a key that is gone", request, h.kept["command off"], "unknown-key", wireRoom},
		{"a new command of a key that is gone", request, h.kept["command of the key that is gone"], "unknown-key", wireRoom},
		{"the playlist of an editor who is gone", playlist, h.kept["playlist"], "threshold", wireRoom},
		{"the command that was delayed, of a key that is left", request, h.kept["delayed"], "expired", orderRoom},
		{"an acknowledgement of a former run", receipt, h.kept["receipt"], "beyond-sent", wireRoom},
	}
}

// stillObeys: after all this the department's word counts.
func (h *hostile) stillObeys() {
	h.t.Helper()
	h.say(power, true, h.wish(wire.WishOn, func(o *wire.PowerOrder) { o.Reason = "sau tất cả" }))
	h.until("obeys", func(s *wire.State) bool { return strings.Contains(s.Want.Reason, "sau tất cả") })
}

// noSecrets looks for every private key of the run in everything that is written or sent: the daemon's log, the
// broker's, the journal and every other file of the display, and all messages.
func (h *hostile) noSecrets(r *run) {
	h.t.Helper()
	secrets := h.secrets()
	places := map[string][]byte{"the daemon's log": []byte(h.logs + r.log()), "the broker's log": []byte(h.broker.Log())}
	for name, messages := range h.tap.of {
		var all []byte
		for _, m := range messages {
			all = append(append(all, m...), '\n')
			if name == "evt" {
				all = append(all, unpacked(h.t, m)...)
			}
		}
		places["messages on "+name] = all
	}
	maps.Copy(places, h.files())
	for place, content := range places {
		for what, secret := range secrets {
			if bytes.Contains(content, secret) && !strings.HasSuffix(place, what) {
				h.t.Errorf("%s is in %s", what, place)
			}
		}
	}
	if len(places["the daemon's log"]) < 1000 || len(places["data/journal.db"]) == 0 || len(secrets) < 8 {
		h.t.Errorf("looked for %d secrets in %d places, the log has %d bytes", len(secrets), len(places), len(places["the daemon's log"]))
	}
	h.t.Logf("none of %d forms of secrets is in %d places", len(secrets), len(places))
}

// floodFor tells how long the flood lasts.
func floodFor(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv(envAdversary)
	if text == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
