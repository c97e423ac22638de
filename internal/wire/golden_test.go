package wire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/wire"
)

// The golden messages are the contract between the display and whoever reads it: each must be understood, and
// what was understood must be said in the same bytes.
func TestGoldenMessages(t *testing.T) {
	yes := true
	warm, bright, tenths := 41.5, 80, 415
	verified := time.Date(2027, 1, 29, 0, 0, 4, 0, time.UTC)
	until := time.Date(2027, 1, 29, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		file  string
		parse func([]byte) (any, error)
		want  any
	}{
		{"conn.json", func(b []byte) (any, error) { return wire.ParseConn(b) },
			&wire.Conn{State: wire.Online, Session: "8f14e45fceea167a", Boot: "0b5c0f6e1d2a4c3b", Version: "0.1.0"}},
		{"state.json", func(b []byte) (any, error) { return wire.ParseState(b) },
			&wire.State{
				Seq: 42, At: time.Date(2027, 1, 29, 0, 0, 5, 0, time.UTC), Boot: "0b5c0f6e1d2a4c3b", Version: "0.1.0",
				Gate: "Cửa khẩu quốc tế Tịnh Biên",
				Time: wire.TimeState{Trust: "synchronised"},
				Want: wire.WantState{Panel: "on", Show: "programme", Rule: "schedule", Reason: "inside 07:00-11:00"},
				Panel: wire.PanelState{Power: "on", VerifiedAt: &verified, OnSeconds: 3600, Brightness: &bright,
					CelsiusX10: &tenths},
				Player: wire.PlayerState{State: "playing", Playlist: "tet-2027@1801180800000", Item: "chao-mung",
					PositionS: 3.5},
				Airtime: wire.AirtimeState{RequiredS: 5, DeliveredS: 3,
					Lost: []wire.Lost{{Cause: "panel-starting", S: 2}}},
				Mains:        &yes,
				Temperatures: []wire.Temperature{{Sensor: "cabinet", Celsius: &warm}, {Sensor: "psu"}},
				Outbox:       wire.Outbox{Depth: 7},
				Alarms:       []string{"sensor-faulty"},
			}},
		{"batch.json", func(b []byte) (any, error) { return wire.ParseBatch(b) },
			&wire.Batch{Boot: "0b5c0f6e1d2a4c3b", SeqFrom: 7, Records: []json.RawMessage{
				json.RawMessage(`{"seq":7,"kind":"boot","body":{"version":"0.1.0"}}`),
				json.RawMessage(`{"seq":8,"kind":"incident","body":{"class":"technical","code":"panel-silent","detail":"a < b & c > d","count":1}}`),
			}}},
		{"records-ack.json", func(b []byte) (any, error) { return wire.ParseRecordsAck(b) },
			&wire.RecordsAck{Device: "tinh-bien-01", UptoSeq: 8,
				Head: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
		{"power-order.json", func(b []byte) (any, error) { return wire.ParsePowerOrder(b) },
			&wire.PowerOrder{Device: "tinh-bien-01", Version: 1801180800000, State: wire.WishOff, Until: &until,
				Reason: "Công văn 12/SVHTTDL: sửa chữa trụ điện"}},
		{"power-schedule.json", func(b []byte) (any, error) { return wire.ParsePowerOrder(b) },
			&wire.PowerOrder{Device: "tinh-bien-01", Version: 1801184400000, State: wire.WishSchedule}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			golden := compact(t, filepath.Join("testdata", test.file))
			got, err := test.parse(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("understood differently (-want +got):\n%s", diff)
			}
			said, err := wire.Encode(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(golden), string(said)); diff != "" {
				t.Errorf("said differently (-golden +said):\n%s", diff)
			}
		})
	}
}

// compact reads a golden file and takes the layout for people out of it.
func compact(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
