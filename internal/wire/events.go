package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
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

// packFrom is the size in bytes from which a batch is compressed, and a state. A message of one record gains nothing worth
// its being unreadable in a log; a state is sent seven hundred times a day.
const (
	packFrom      = 1 << 10
	packStateFrom = 512
)

// gzipMagic begins a message that is compressed (RFC 1952); JSON never begins so.
const gzipMagic = "\x1f\x8b"

// EncodeBatch is the JSON of b, compressed with gzip where that is worth it: records repeat each other's words, and a
// link at a border gate is paid by the byte.
func EncodeBatch(b Batch) ([]byte, error) { return pack(b, packFrom) }

// EncodeState is the JSON of s, compressed with gzip where that is worth it.
func EncodeState(s State) ([]byte, error) { return pack(s, packStateFrom) }

// pack is the JSON of v, compressed when it has so many bytes.
func pack(v any, from int) ([]byte, error) {
	raw, err := Encode(v)
	if err != nil || len(raw) < from {
		return raw, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("cannot compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot compress: %w", err)
	}
	return packed.Bytes(), nil
}

// unpack returns the JSON of a message that may be compressed, of at most limit bytes either way.
func unpack(message []byte, limit int) ([]byte, error) {
	if len(message) > limit || !bytes.HasPrefix(message, []byte(gzipMagic)) {
		return message, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	r.Multistream(false)
	raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	return raw, r.Close()
}

// ParseBatch reads a batch of records and checks that they follow each other without a gap. The records
// themselves stay as the bytes they were hashed as: their chain is for package journal to check.
func ParseBatch(message []byte) (*Batch, error) {
	raw, err := unpack(message, MaxOrder)
	if err != nil {
		return nil, fmt.Errorf("cannot unpack batch: %w", err)
	}
	return parse[Batch](raw, MaxOrder, "batch")
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
