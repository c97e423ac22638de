package store_test

import (
	"fmt"
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
			live, err := d.Live(t.Context(), 10)
			open := strings.HasPrefix(tt.want, "SENT") || strings.HasPrefix(tt.want, "RECEIVED")
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
	live, err := d.Live(t.Context(), 10)
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
