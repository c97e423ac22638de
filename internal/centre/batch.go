package centre

import (
	"fmt"

	"bangtin/internal/centre/store"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// ReadBatch reads the message on a display's evt and checks that its records follow each other and are what was hashed.
// Whether they follow what the centre has is the store's to say.
func ReadBatch(device string, message []byte) (*store.Batch, error) {
	batch, err := wire.ParseBatch(message)
	if err != nil {
		return nil, err
	}
	b := &store.Batch{Device: device, Records: make([]journal.Record, len(batch.Records))}
	for i, raw := range batch.Records {
		r := &b.Records[i]
		if err := trust.DecodeJSON(raw, r); err != nil {
			return nil, fmt.Errorf("cannot read record %d of the batch: %w", i, err)
		}
		prev := r.Prev
		if i > 0 {
			prev = b.Records[i-1].Hash
		}
		if err := journal.Check(prev, *r); err != nil {
			return nil, err
		}
	}
	return b, nil
}
