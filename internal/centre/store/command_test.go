package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/centre/store"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

func digest(n int) string { return fmt.Sprintf("%064x", n) }

func command(n int) store.Change {
	return store.Change{Command: &store.Command{Device: device, Digest: digest(n), ID: fmt.Sprintf("lenh-%04d", n), Counter: uint64(n),
		Kind: "power", People: "truc-ban", Expires: noon.Add(10 * time.Minute), Raw: []byte("envelope")}}
}

func answer(n int, status wire.CommandStatus, source store.Source) store.Change {
	return store.Change{Answer: &store.Answer{Device: device, Digest: digest(n), Status: status, Source: source, At: noon}}
}

func TestWhatBecomesOfACommand(t *testing.T) {
	type said struct {
		status wire.CommandStatus
		source store.Source
	}
	record := func(s wire.CommandStatus) said { return said{s, store.ByRecord} }
	tests := []struct {
		name string
		said []said
		want string
	}{
		{"nothing said", nil, "SENT by 0"},
		{"received", []said{{wire.Received, store.ByAnswer}}, "RECEIVED by 1"},
		{"done", []said{{wire.Received, store.ByAnswer}, {wire.Done, store.ByAnswer}}, "DONE by 1"},
		{"final stays final", []said{{wire.Done, store.ByAnswer}, {wire.Received, store.ByAnswer}}, "DONE by 1"},
		{"a late intent changes nothing", []said{{wire.Done, store.ByAnswer}, record(wire.Received)}, "DONE by 1"},
		{"the record is the proof", []said{{wire.Done, store.ByAnswer}, record(wire.Failed)}, "FAILED by 2"},
		{"the record stays", []said{record(wire.Failed), {wire.Done, store.ByAnswer}}, "FAILED by 2"},
		{"nobody answered", []said{{wire.Expired, store.ByCentre}}, "EXPIRED by 0"},
		{"a late answer corrects", []said{{wire.Expired, store.ByCentre}, {wire.Done, store.ByAnswer}}, "DONE by 1"},
		{"a late record corrects", []said{{wire.Expired, store.ByCentre}, record(wire.Received), record(wire.Interrupted)}, "INTERRUPTED by 2"},
		{"busy, and sent again", []said{{store.Sent, store.ByAnswer}}, "SENT by 1"},
		{"busy, and done then", []said{{store.Sent, store.ByAnswer}, {wire.Done, store.ByAnswer}}, "DONE by 1"},
		{"busy is no news after a final answer", []said{{wire.Done, store.ByAnswer}, {store.Sent, store.ByAnswer}}, "DONE by 1"},
		{"rejected", []said{{wire.Rejected, store.ByAnswer}}, "REJECTED by 1"},
		{"received, and silence", []said{{wire.Received, store.ByAnswer}, {wire.Expired, store.ByCentre}}, "UNKNOWN by 0"},
		{"received by a record, and silence", []said{record(wire.Received), {wire.Expired, store.ByCentre}}, "UNKNOWN by 0"},
		{"silence, and a late word that it was received", []said{{wire.Expired, store.ByCentre}, {wire.Received, store.ByAnswer}}, "UNKNOWN by 0"},
		{"a late record of what was unknown", []said{{wire.Received, store.ByAnswer}, {wire.Expired, store.ByCentre}, record(wire.Done)}, "DONE by 2"},
		{"the centre concludes nothing over an answer", []said{{wire.Done, store.ByAnswer}, {wire.Expired, store.ByCentre}}, "DONE by 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, c := open(t, store.Options{}), newChain(t)
			d.write(command(1), command(1)) // heard twice
			for _, s := range tt.said {
				if s.source != store.ByRecord {
					d.write(answer(1, s.status, s.source))
					continue
				}
				o := d.collect(c.next(journal.KindCommand, journal.Command{ID: "lenh-0001", Digest: digest(1), Counter: 1, Kind: "power", Status: string(s.status)}))
				if len(o.Settled) != 1 || o.Settled[0].Status != s.status {
					t.Errorf("settled %+v", o.Settled)
				}
			}
			got := d.rows("SELECT status || ' by ' || source FROM outcome")
			if diff := cmp.Diff([]string{tt.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			live, err := d.Live(t.Context(), noon, 10)
			open := slices.Contains([]string{"SENT by 0", "SENT by 1", "RECEIVED by 1", "RECEIVED by 2", "DONE by 1"}, tt.want)
			if err != nil || (len(live) == 1) != open {
				t.Errorf("live: %+v, %v", live, err)
			}
		})
	}
}

// A record tells of a command that the centre never heard on its way: it is kept, and cannot be sent again.
func TestCommandKnownByItsRecordAlone(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	d.collect(c.next(journal.KindCommand, journal.Command{ID: "lenh-0007", Digest: digest(7), Counter: 7, Kind: "reboot", Status: "RECEIVED"}))
	live, err := d.Live(t.Context(), noon, 10)
	if err != nil || len(live) != 0 {
		t.Errorf("%+v, %v", live, err)
	}
	// An answer about nothing is about nothing.
	d.write(answer(8, wire.Done, store.ByAnswer))
	if got := d.rows("SELECT status FROM outcome"); !cmp.Equal(got, []string{"RECEIVED"}) {
		t.Errorf("%q", got)
	}
	// Bodies that are no command of ours are kept as records and mean nothing.
	for _, body := range []any{"text", map[string]any{"digest": "short", "status": "DONE"}, journal.Command{Digest: digest(9), Status: "WON"}} {
		if o := d.collect(c.next(journal.KindCommand, body)); o.Stored != 1 || len(o.Settled) != 0 {
			t.Errorf("%v: %+v", body, o)
		}
	}
}

func TestVerifyMissesNoOpenCommand(t *testing.T) {
	d := open(t, store.Options{})
	d.write(command(1), command(2), answer(2, wire.Done, store.ByAnswer))
	if r := d.verify(); len(r.Findings) != 0 { // noon lies in the future
		t.Errorf("%q", r.Findings)
	}
	old := command(3)
	old.Command.Expires = time.Now().Add(-time.Hour)
	if _, err := d.Write(t.Context(), time.Now().Add(-2*time.Hour), []store.Change{old}); err != nil {
		t.Fatal(err)
	}
	if r := d.verify(); r.Found != 1 || !strings.Contains(r.Findings[0], "command lenh-0003 (power) is still SENT") || r.Commands != 3 {
		t.Errorf("%+v", r)
	}
}

// A display that was stolen names a command's digest first, with what it likes beside it: the register goes by what the
// department signed.
func TestSignaturesWinOverARecord(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	d.collect(c.next(journal.KindCommand, journal.Command{ID: "lenh-9999", Digest: digest(1), Counter: 7, Kind: "identify", People: "nobody", Status: "DONE"}))
	if got := d.rows("SELECT id || '|' || kind || '|' || people FROM command"); got[0] != "lenh-9999|identify|" {
		t.Errorf("%q", got)
	}
	for _, forged := range []journal.Command{
		{ID: "x\nall is well", Digest: digest(2), Kind: "identify", Status: "DONE"},
		{ID: "lenh-0002", Digest: strings.Repeat("X", 64), Kind: "identify", Status: "DONE"},
		{ID: "lenh-0002", Digest: digest(2), Kind: "a kind\nof lie", Status: "DONE"},
	} {
		if o := d.collect(c.next(journal.KindCommand, forged)); o.Stored != 1 || len(o.Settled) != 0 {
			t.Errorf("%+v: %+v", forged, o)
		}
	}
	other := command(1)
	other.Command.Device = "tinh-bien-02"
	d.write(other)
	if diff := cmp.Diff([]string{"lenh-0001|power|truc-ban|1"}, d.rows("SELECT id || '|' || kind || '|' || people || '|' || ctr FROM command")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A command that is heard again after its record says so: it need not be sent any more.
func TestCommandHeardAfterItsRecord(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	d.write(command(1))
	d.collect(c.next(journal.KindCommand, journal.Command{ID: "lenh-0001", Digest: digest(1), Counter: 1, Kind: "power", Status: "DONE"}))
	o := d.write(command(1))[0]
	if len(o.Settled) != 1 || o.Settled[0].Status != wire.Done || o.Settled[0].Source != store.ByRecord {
		t.Errorf("%+v", o.Settled)
	}
}

func TestVerifyTellsWhatIsProvedByNobody(t *testing.T) {
	d, c := open(t, store.Options{}), newChain(t)
	d.write(command(1), command(2), command(3), command(4))
	d.write(answer(1, wire.Done, store.ByAnswer), answer(2, wire.Rejected, store.ByAnswer))
	d.write(answer(3, wire.Received, store.ByAnswer), answer(3, wire.Expired, store.ByCentre))
	d.write(answer(4, wire.Done, store.ByAnswer))
	d.collect(c.next(journal.KindCommand, journal.Command{ID: "lenh-0004", Digest: digest(4), Counter: 4, Kind: "power", Status: "DONE"}))
	want := []string{
		"tinh-bien-01: command lenh-0001 (power) is DONE by the display's answer alone, which nobody signed",
		"tinh-bien-01: command lenh-0002 (power) is REJECTED by the display's answer alone, which nobody signed",
		"tinh-bien-01: command lenh-0003 (power) was received, and nothing tells what became of it",
	}
	r := d.verify()
	if diff := cmp.Diff(want, r.Notes); diff != "" || !r.OK() {
		t.Errorf("%q (-want +got):\n%s", r.Findings, diff)
	}
}

// What can never be written is told from what cannot be written now.
func TestUnfit(t *testing.T) {
	d := open(t, store.Options{})
	for name, change := range map[string]store.Change{
		"nothing":         {},
		"a null in a row": {Order: &store.Order{Device: device, Subject: "power", Version: 1, Digest: digest(1)}},
	} {
		if _, err := d.Write(t.Context(), noon, []store.Change{change}); !errors.Is(err, store.ErrUnfit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	tx, err := d.raw().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("DELETE FROM gap"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(t.Context(), noon, []store.Change{command(1)}); err == nil || errors.Is(err, store.ErrUnfit) || errors.Is(err, store.ErrFull) {
		t.Errorf("while somebody holds it: %v", err)
	}
}
