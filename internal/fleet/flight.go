package fleet

import (
	"encoding/json"
	"fmt"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// A flight is the one batch that is on its way. It knows the hash of each of its records, which an acknowledgement
// must name.
type flight struct {
	first   uint64
	heads   []journal.Hash
	payload []byte
}

// newFlight packs the oldest records: as many as follow each other without a gap and fit into wire.MaxBatch and
// wire.MaxBatchBytes, but at least one.
func newFlight(boot string, records []journal.Record) (*flight, error) {
	f := &flight{first: records[0].Seq}
	batch := wire.Batch{Boot: boot, SeqFrom: f.first}
	size := len(boot) + 100 // the batch around its records
	for i, r := range records {
		if i == wire.MaxBatch || r.Seq != f.first+uint64(i) {
			break
		}
		raw, err := wire.Encode(r)
		if err != nil {
			return nil, fmt.Errorf("cannot send record %d: %w", r.Seq, err)
		}
		size += len(raw) + 1
		if i > 0 && size > wire.MaxBatchBytes {
			break
		}
		batch.Records = append(batch.Records, json.RawMessage(raw))
		f.heads = append(f.heads, r.Hash)
	}
	var err error
	f.payload, err = wire.EncodeBatch(batch)
	return f, err
}

// head returns the hash of a record of the flight.
func (f *flight) head(seq uint64) (journal.Hash, bool) {
	if f == nil || seq < f.first || seq-f.first >= uint64(len(f.heads)) {
		return journal.Hash{}, false
	}
	return f.heads[seq-f.first], true
}
