package fleet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"bangtin/internal/fleet"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

func TestFlightTakesWhatFits(t *testing.T) {
	records := func(n int, body string) []journal.Record {
		var all []journal.Record
		for i := range n {
			all = append(all, journal.Record{Seq: uint64(i + 7), Body: json.RawMessage(body), Hash: journal.Hash{byte(i)}})
		}
		return all
	}
	big := `"` + strings.Repeat("x", 10<<10) + `"`
	gap := records(5, `{}`)
	gap[3].Seq, gap[4].Seq = 20, 21
	tests := []struct {
		name    string
		records []journal.Record
		want    int
	}{
		{"few", records(3, `{}`), 3},
		{"too many", records(wire.MaxBatch+5, `{}`), wire.MaxBatch},
		{"too long together", records(20, big), 6},
		{"too long alone", records(2, `"`+strings.Repeat("x", 100<<10)+`"`), 1},
		{"up to a gap", gap, 3},
		{"bytes that HTML would escape", records(1, `{"detail":"<&>"}`), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := must(fleet.NewFlight("boot", test.records))(t)
			batch := must(wire.ParseBatch(f.Payload()))(t)
			if len(batch.Records) != test.want {
				t.Fatalf("%d records, want %d", len(batch.Records), test.want)
			}
			if len(f.Payload()) > wire.MaxBatchBytes && test.want > 1 {
				t.Errorf("%d bytes", len(f.Payload()))
			}
			for i, raw := range batch.Records {
				var r journal.Record
				if err := json.Unmarshal(raw, &r); err != nil {
					t.Fatal(err)
				}
				if string(r.Body) != string(test.records[i].Body) {
					t.Errorf("body arrives as %.40s", r.Body)
				}
				if head, ok := f.Head(r.Seq); !ok || head != test.records[i].Hash {
					t.Errorf("head of %d is %v, %v", r.Seq, head, ok)
				}
			}
			for _, seq := range []uint64{0, 6, 7 + uint64(test.want)} {
				if _, ok := f.Head(seq); ok {
					t.Errorf("knows the head of %d, which it does not carry", seq)
				}
			}
		})
	}
}
