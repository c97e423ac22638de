package wire

import (
	"encoding/json"
	"fmt"
)

// ParseRecordsAck reads the signed payload of an acknowledgement of records. Whether it acknowledges what was
// sent, and by the right head, is its caller's to judge.
func ParseRecordsAck(payload []byte) (*RecordsAck, error) {
	return parse[RecordsAck](payload, MaxPayload, "acknowledgement")
}

func (a *RecordsAck) check() error {
	if err := CheckDevice(a.Device); err != nil {
		return err
	}
	if a.UptoSeq == 0 || a.UptoSeq > maxVersion {
		return fmt.Errorf("record %d is not between 1 and 2^53", a.UptoSeq)
	}
	if err := checkDigest(a.Head); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	return nil
}

// ParseBatch reads a batch of records and checks that they follow each other without a gap. The records
// themselves stay as the bytes they were hashed as: their chain is for package journal to check.
func ParseBatch(message []byte) (*Batch, error) {
	return parse[Batch](message, MaxOrder, "batch")
}

func (b *Batch) check() error {
	if err := checkText("boot", b.Boot, maxName); err != nil {
		return err
	}
	if len(b.Records) == 0 || len(b.Records) > MaxBatch {
		return fmt.Errorf("%d records, not 1 to %d", len(b.Records), MaxBatch)
	}
	if b.SeqFrom == 0 || b.SeqFrom > maxVersion {
		return fmt.Errorf("first record %d is not between 1 and 2^53", b.SeqFrom)
	}
	for i, raw := range b.Records {
		var r struct {
			Seq uint64 `json:"seq"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("record %d of the batch: %w", i, err)
		}
		if want := b.SeqFrom + uint64(i); r.Seq != want {
			return fmt.Errorf("record %d stands where %d should", r.Seq, want)
		}
	}
	return nil
}
