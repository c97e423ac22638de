package wire_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// The golden messages are the contract between the display and whoever reads it: each must be understood, and
// what was understood must be said in the same bytes.
func TestGoldenMessages(t *testing.T) {
	yes := true
	warm, bright, tenths := 41.5, 80, 415
	verified := time.Date(2027, 1, 29, 0, 0, 4, 0, time.UTC)
	expires := time.Date(2027, 1, 29, 0, 10, 0, 0, time.UTC)
	answered := time.Date(2027, 1, 29, 0, 0, 8, 0, time.UTC)
	const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
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
				Sensors: []wire.Sensor{
					{Name: "panel-signal", Kind: "signal", Value: new(1.0), Quality: wire.SensorGood},
					{Name: "feed", Kind: "relay", Value: new(1.0), Quality: wire.SensorGood},
					{Name: "mains", Kind: "mains", Value: new(1.0), Quality: wire.SensorGood},
					{Name: "cabinet-door", Kind: "door", Value: new(0.0), Quality: wire.SensorGood},
					{Name: "meter", Kind: "meter", Value: new(61.4), Unit: "W", Quality: wire.SensorGood},
					{Name: "cabinet", Kind: "temperature", Value: new(41.5), Unit: "°C", Quality: wire.SensorGood},
					{Name: "psu", Kind: "temperature", Quality: "unknown", Reason: "no reading for 30s"},
				},
				Outbox:       wire.Outbox{Depth: 7},
				Alarms:       []string{"sensor-faulty"},
				TrustVersion: 3,
			}},
		{"batch.json", func(b []byte) (any, error) { return wire.ParseBatch(b) },
			&wire.Batch{Boot: "0b5c0f6e1d2a4c3b", SeqFrom: 7, Records: rawRecords(t)}},
		{"records-ack.json", func(b []byte) (any, error) { return wire.ParseRecordsAck(b) },
			&wire.RecordsAck{Device: "tinh-bien-01", UptoSeq: 8,
				Head: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
		{"power-order.json", func(b []byte) (any, error) { return wire.ParsePowerOrder(b) },
			&wire.PowerOrder{Device: "tinh-bien-01", Version: 1801180800000, State: wire.WishOff, Until: &until,
				Reason: "Công văn 12/SVHTTDL: sửa chữa trụ điện"}},
		{"power-schedule.json", func(b []byte) (any, error) { return wire.ParsePowerOrder(b) },
			&wire.PowerOrder{Device: "tinh-bien-01", Version: 1801184400000, State: wire.WishSchedule}},
		{"command-power.json", func(b []byte) (any, error) { return wire.ParseCommand(b) },
			&wire.Command{ID: "5f0c1e77a2b94d3c", Counter: 1801180800000, Audience: []string{"tinh-bien-01"}, Expires: expires, Kind: wire.DoPower,
				Args: json.RawMessage(`{"state":"off","until":"2027-01-29T10:00:00Z","reason":"Công văn 12/SVHTTDL: sửa chữa trụ điện"}`)}},
		{"command-fleet.json", func(b []byte) (any, error) { return wire.ParseCommand(b) },
			&wire.Command{ID: "0d9b44c1f3e85a72", Counter: 1801180800001, Audience: []string{wire.Everyone}, Expires: expires, Kind: wire.DoPower,
				Args: json.RawMessage(`{"state":"blackout","until":null,"reason":"Quốc tang"}`)}},
		{"command-screenshot.json", func(b []byte) (any, error) { return wire.ParseCommand(b) },
			&wire.Command{ID: "a1b2c3d4e5f60718", Counter: 1801180800002, Audience: []string{"tinh-bien-01", "tinh-bien-02"},
				Expires: expires.Add(-5 * time.Minute), Kind: wire.DoScreenshot}},
		{"command-ack.json", func(b []byte) (any, error) { return wire.ParseCommandAck(b) },
			&wire.CommandAck{ID: "5f0c1e77a2b94d3c", Digest: digest, Status: wire.Done, At: answered,
				Evidence: json.RawMessage(`{"power":"off","verified_at":"2027-01-29T00:00:07Z"}`)}},
		{"command-duplicate.json", func(b []byte) (any, error) { return wire.ParseCommandAck(b) },
			&wire.CommandAck{ID: "5f0c1e77a2b94d3c", Digest: digest, Status: wire.Duplicate, First: wire.Rejected, Reason: "replayed", At: answered}},
		{"time-request.json", func(b []byte) (any, error) { return wire.ParseTimeRequest(b) },
			&wire.TimeRequest{Nonce: "00112233445566778899aabbccddeeff"}},
		{"time-reply.json", func(b []byte) (any, error) { return wire.ParseTimeReply(b) },
			&wire.TimeReply{Device: "tinh-bien-01", Nonce: "00112233445566778899aabbccddeeff",
				Time: time.Date(2027, 1, 29, 0, 0, 5, 123000000, time.UTC)}},
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

// A compressed batch is the same batch; what it becomes is bounded before it is read.
func TestBatchMayBeCompressed(t *testing.T) {
	batch := wire.Batch{Boot: "0b5c0f6e1d2a4c3b", SeqFrom: 7}
	for range 10 {
		batch.Records = append(batch.Records, rawRecords(t)[0])
	}
	for i := range batch.Records {
		batch.Records[i] = bytes.Replace(batch.Records[i], []byte(`"seq":7`), fmt.Appendf(nil, `"seq":%d`, 7+i), 1)
	}
	plain, err := wire.Encode(batch)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := wire.EncodeBatch(batch)
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > len(plain)/3 {
		t.Errorf("%d bytes became %d", len(plain), len(packed))
	}
	for _, message := range [][]byte{plain, packed} {
		got, err := wire.ParseBatch(message)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&batch, got); diff != "" {
			t.Error(diff)
		}
	}
	for name, message := range map[string][]byte{
		"cut": packed[:len(packed)/2], "damaged": append(bytes.Clone(packed[:len(packed)-8]), 0, 0, 0, 0, 0, 0, 0, 0),
		"bomb": pack(t, bytes.Repeat([]byte(" "), 8<<20)), "packed twice": pack(t, packed),
	} {
		if _, err := wire.ParseBatch(message); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A state is compressed from some size on, is taken either way, and never inflates beyond its limit.
func TestStatesMayBePacked(t *testing.T) {
	plain := compact(t, filepath.Join("testdata", "state.json"))
	want, err := wire.ParseState(plain)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := wire.EncodeState(*want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := wire.ParseState(packed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(packed) > len(plain)*3/4 {
		t.Errorf("%d bytes became %d\n%s", len(plain), len(packed), diff)
	}
	small, err := wire.EncodeState(wire.State{Seq: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ParseState(small); err != nil || small[0] != '{' {
		t.Errorf("a short state is %q, %v", small, err)
	}
	for name, message := range map[string][]byte{
		"cut": packed[:len(packed)/2], "bomb": pack(t, bytes.Repeat([]byte(" "), 8<<20)), "packed twice": pack(t, packed),
		"more than a state": pack(t, append(bytes.Clone(plain), bytes.Repeat([]byte(" "), wire.MaxState)...)),
	} {
		if _, err := wire.ParseState(message); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func pack(t *testing.T, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawRecords are the records of the golden batch, whose chain must hold: they were sealed by a journal.
func rawRecords(t *testing.T) []json.RawMessage {
	t.Helper()
	var batch struct{ Records []json.RawMessage }
	if err := json.Unmarshal(compact(t, filepath.Join("testdata", "batch.json")), &batch); err != nil {
		t.Fatal(err)
	}
	var prev journal.Hash
	for i, raw := range batch.Records {
		var r journal.Record
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			prev = r.Prev
		}
		if err := journal.Check(prev, r); err != nil {
			t.Error(err)
		}
		prev = r.Hash
	}
	return batch.Records
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
