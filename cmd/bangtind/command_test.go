package main_test

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/internal/control/command"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// commanded is a world with its broker and its centre, for commands.
type commanded struct {
	*world
	centre *brokertest.Centre
	last   uint64 // counter of the last command
}

func newCommanded(t testing.TB) *commanded {
	t.Helper()
	w := newWorld(t)
	return &commanded{world: w, centre: w.connect()}
}

// order signs a command that ends in an hour.
func (c *commanded) order(kind wire.CommandKind, args any, signers ...trust.Signer) (wire.Command, []byte) {
	c.t.Helper()
	c.last = max(c.last+1, uint64(time.Now().UnixMilli()))
	cmd := wire.Command{
		ID: "cmd-" + strings.ToLower(rand.Text()), Counter: c.last, Audience: []string{device},
		Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Second), Kind: kind,
	}
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil {
			c.t.Fatal(err)
		}
		cmd.Args = raw
	}
	raw, err := c.department.Command(cmd, signers...)
	if err != nil {
		c.t.Fatal(err)
	}
	return cmd, raw
}

func (c *commanded) publish(raw []byte) {
	c.t.Helper()
	if err := c.centre.Publish("bt/v1/d/"+device+"/cmd/req", false, raw); err != nil {
		c.t.Fatal(err)
	}
}

// answers are those to one command so far.
func (c *commanded) answers(id string) []wire.CommandAck {
	c.t.Helper()
	heard, err := c.centre.Heard(device)
	if err != nil {
		c.t.Fatal(err)
	}
	return slices.DeleteFunc(heard.Answers, func(a wire.CommandAck) bool { return a.ID != id })
}

// final waits for the final answer to a command.
func (c *commanded) final(id string) wire.CommandAck {
	c.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, a := range c.answers(id) {
			if a.Status.Final() {
				return a
			}
		}
	}
	c.t.Fatalf("no final answer to %s: %+v", id, c.answers(id))
	return wire.CommandAck{}
}

// recorded waits until the centre has a final record of the command, and returns what it has of it.
func (c *commanded) recorded(id string) []journal.Command {
	c.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		heard, err := c.centre.Heard(device)
		if err != nil {
			c.t.Fatal(err)
		}
		found := commands(c.t, heard.Records, id)
		if n := len(found); n > 0 && wire.CommandStatus(found[n-1].Status).Final() {
			return found
		}
	}
	c.t.Fatalf("the centre has no final record of %s", id)
	return nil
}

func commands(t testing.TB, records []journal.Record, id string) []journal.Command {
	return slices.DeleteFunc(bodies[journal.Command](t, records, journal.KindCommand), func(c journal.Command) bool { return c.ID != id })
}

// TestSignedCommandSwitchesThePanel is the whole way: signed by a person, over a real broker, to a panel on a pty, read
// back, answered, and on record at the centre.
func TestSignedCommandSwitchesThePanel(t *testing.T) {
	t.Parallel()
	panel := startPeer(t)
	c := newCommanded(t)
	c.site.driver, c.site.port = "mdc", panel.port
	c.inbox(c.approved(10))
	r := c.start()
	c.until("on air", playing(10))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	cmd, raw := c.order(wire.DoPower, wire.PowerArgs{State: wire.WishOff, Until: &until, Reason: "bảo trì"})
	c.publish(raw)
	panel.await(t, "off")
	a := c.final(cmd.ID)
	var evidence command.PowerEvidence
	if err := json.Unmarshal(a.Evidence, &evidence); err != nil {
		t.Fatal(err)
	}
	if a.Status != wire.Done || evidence.Panel != "off" || evidence.Rule != "department" || evidence.VerifiedAt == nil {
		t.Errorf("the answer is %+v, %+v", a, evidence)
	}
	c.publish(raw) // again, as the centre does that heard no answer
	c.until("answered again", func(*wire.State) bool {
		all := c.answers(cmd.ID)
		last := all[len(all)-1]
		return last.Status == wire.Duplicate && last.First == wire.Done && string(last.Evidence) == string(a.Evidence)
	})
	var steps []string
	for _, rec := range c.recorded(cmd.ID) {
		steps = append(steps, rec.Status)
		if rec.People != "power" || rec.Digest != a.Digest {
			t.Errorf("the record is %+v", rec)
		}
	}
	if got := strings.Join(steps, " "); got != "RECEIVED DONE" {
		t.Errorf("the records are %s", got)
	}
	back, raw := c.order(wire.DoPower, wire.PowerArgs{State: wire.WishSchedule, Reason: "xong"})
	c.publish(raw)
	panel.await(t, "on")
	if a := c.final(back.ID); a.Status != wire.Done {
		t.Errorf("back to the schedule: %+v", a)
	}
	r.stop()
	t.Logf("%+v", a)
}
