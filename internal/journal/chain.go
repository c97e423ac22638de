package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// MaxBody is the largest body of a record in bytes, so that wire.MaxBatch of them stay under a megabyte.
const MaxBody = 8 << 10

// maxWord bounds the boot identity, the trust and the kind of a record in bytes.
const maxWord = 64

// maxWall is the last second whose nanoseconds since 1970 fit into an int64, in the year 2262.
const maxWall = math.MaxInt64/int64(time.Second) - 1

// recordDomain separates the hash of a record from every other use of SHA-256.
const recordDomain = "bangtin journal record v1"

var (
	// ErrStale: a counter would not have risen, or fallen, as it must. Nothing of the Write happened.
	ErrStale = errors.New("counter does not move as it must")
	// ErrForeignAck: an acknowledgement names a record that does not exist or another chain. Nothing happened.
	ErrForeignAck = errors.New("acknowledgement is not about this chain")
	// ErrDamaged: the storage of the journal is damaged. Repeating is of no use: it has to be opened anew, which
	// sets it aside.
	ErrDamaged = errors.New("journal is damaged")
	// ErrBroken: a record does not follow from the one before it, or is not what was hashed.
	ErrBroken = errors.New("chain is broken")
)

// Seal makes e the record seq after the record whose hash is prev. The body is marshalled here and kept as
// exactly these bytes; the wall time becomes UTC. It fails when the body cannot be marshalled or exceeds
// MaxBody, or when the stamp is not a plausible one.
func Seal(prev Hash, seq uint64, e Entry) (Record, error) {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return Record{}, fmt.Errorf("cannot seal %s record: %w", e.Kind, err)
	}
	r := Record{Seq: seq, Stamp: e.Stamp, Kind: e.Kind, Body: body, Prev: prev}
	r.Stamp.Wall = e.Stamp.Wall.UTC().Round(0)
	if err := r.plausible(); err != nil {
		return Record{}, fmt.Errorf("cannot seal %s record: %w", e.Kind, err)
	}
	r.Hash = r.digest()
	return r, nil
}

// Check tells whether r follows the record whose hash is prev and is unchanged since it was sealed. The error
// wraps ErrBroken. That r.Seq is the next number is for the caller to check: Check knows only the hash before.
func Check(prev Hash, r Record) error {
	if r.Prev != prev {
		return fmt.Errorf("%w: record %d does not follow the record before it", ErrBroken, r.Seq)
	}
	if err := r.plausible(); err != nil {
		return fmt.Errorf("%w: record %d: %w", ErrBroken, r.Seq, err)
	}
	if r.digest() != r.Hash {
		return fmt.Errorf("%w: record %d was changed after it was written", ErrBroken, r.Seq)
	}
	return nil
}

func (r Record) plausible() error {
	switch {
	case r.Seq == 0:
		return errors.New("sequence number is 0")
	case r.Kind == "" || len(r.Kind) > maxWord:
		return fmt.Errorf("kind has %d bytes, want 1 to %d", len(r.Kind), maxWord)
	case len(r.Stamp.Boot) > maxWord:
		return fmt.Errorf("boot identity has %d bytes, want at most %d", len(r.Stamp.Boot), maxWord)
	case len(r.Stamp.Trust) > maxWord:
		return fmt.Errorf("time trust has %d bytes, want at most %d", len(r.Stamp.Trust), maxWord)
	case r.Stamp.Wall.Unix() < 0 || r.Stamp.Wall.Unix() > maxWall:
		return fmt.Errorf("wall time %s is not between 1970 and 2262", r.Stamp.Wall)
	case len(r.Body) > MaxBody:
		return fmt.Errorf("body has %d bytes, want at most %d", len(r.Body), MaxBody)
	}
	return nil
}

// digest hashes every field but Hash. Numbers have a fixed width and words carry their length, so that no byte
// can move from one field into its neighbour.
func (r Record) digest() Hash {
	b := make([]byte, 0, 256+len(r.Body))
	b = appendWord(b, recordDomain)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = appendWord(b, r.Stamp.Boot)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Stamp.Mono))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Stamp.Wall.UnixNano()))
	b = appendWord(b, string(r.Stamp.Trust))
	b = appendWord(b, string(r.Kind))
	b = appendWord(b, string(r.Body))
	b = append(b, r.Prev[:]...)
	return sha256.Sum256(b)
}

// appendWord appends the length of s in four bytes and then s.
func appendWord(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
