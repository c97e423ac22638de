package wire_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bangtin/internal/wire"
)

// fuzz holds what is true of every reader: it does not panic, and what it took it can say, and take again as the
// same. A list that is empty and one that is missing mean the same.
func fuzz[T any](f *testing.F, parse func([]byte) (*T, error)) {
	compared := cmp.FilterValues(func(a, b json.RawMessage) bool { return len(a) > 0 && len(b) > 0 },
		cmp.Transformer("Compact", compacted))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parse(data)
		if err != nil {
			if first != nil {
				t.Fatal("a value beside an error")
			}
			return
		}
		said, err := wire.Encode(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parse(said)
		if err != nil {
			t.Fatalf("what was taken is refused in its own words: %v\n%s", err, said)
		}
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty(), compared); diff != "" {
			t.Fatalf("understood differently the second time (-first +second):\n%s", diff)
		}
	})
}

// compacted takes the layout out of what is kept as raw bytes: it means nothing, and [wire.Encode] leaves it out.
func compacted(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

func FuzzPowerOrder(f *testing.F)  { fuzz(f, wire.ParsePowerOrder) }
func FuzzRecordsAck(f *testing.F)  { fuzz(f, wire.ParseRecordsAck) }
func FuzzBatch(f *testing.F)       { fuzz(f, wire.ParseBatch) }
func FuzzConn(f *testing.F)        { fuzz(f, wire.ParseConn) }
func FuzzState(f *testing.F)       { fuzz(f, wire.ParseState) }
func FuzzCommand(f *testing.F)     { fuzz(f, wire.ParseCommand) }
func FuzzCommandAck(f *testing.F)  { fuzz(f, wire.ParseCommandAck) }
func FuzzTimeRequest(f *testing.F) { fuzz(f, wire.ParseTimeRequest) }
func FuzzTimeReply(f *testing.F)   { fuzz(f, wire.ParseTimeReply) }
