package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"bangtin/media"
)

var errNoList = errors.New("there is no block list")

// A run is neighbouring blocks, from the first up to but without the last.
type run struct{ from, to int }

// mend fetches again what the server's block list says is wrong with a whole part. The list is a hint: one that lies
// costs a block, since the first block that comes otherwise than it says ends the round, and the hash of the whole
// file decides.
func (f *Fetcher) mend(ctx context.Context, t *task, part *media.Part) error {
	list, err := f.list(ctx, t)
	if err != nil {
		return err
	}
	own, err := media.Blocks(io.NewSectionReader(part, 0, t.file.Size))
	if err != nil {
		return err
	}
	runs := differing(own, list)
	if len(runs) == 0 {
		return fmt.Errorf("%w: the server has other content under this name", errHopeless)
	}
	for _, r := range runs {
		err := f.refetch(ctx, t, part, list, r)
		if errors.Is(err, errDiffers) {
			if t.rounds++; t.rounds >= maxRounds {
				return fmt.Errorf("%w: %d repairs in a row mended nothing", errHopeless, maxRounds)
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// list fetches the block list, whose size follows from the file's.
func (f *Fetcher) list(ctx context.Context, t *task) ([]byte, error) {
	size := media.BlocksLen(t.file.Size)
	list := make([]byte, size)
	a := ask{name: t.file.SHA256 + media.BlocksSuffix, to: int64(size), total: int64(size)}
	err := f.exchange(ctx, t, a, func(body io.Reader) error {
		_, err := io.ReadFull(body, list)
		return err
	})
	if errors.Is(err, errFoul) || errors.Is(err, errAbsent) {
		return nil, fmt.Errorf("%w: %w", errNoList, err)
	}
	if err == nil {
		t.listed = 0
	}
	return list, err
}

// differing lists the runs of entries that differ between two block lists of one length.
func differing(a, b []byte) []run {
	var runs []run
	for i := 0; i*sha256.Size < len(a); i++ {
		if bytes.Equal(entry(a, i), entry(b, i)) {
			continue
		}
		if n := len(runs); n > 0 && runs[n-1].to == i {
			runs[n-1].to++
			continue
		}
		runs = append(runs, run{i, i + 1})
	}
	return runs
}

func entry(list []byte, i int) []byte { return list[i*sha256.Size : (i+1)*sha256.Size] }

// refetch writes over a run of blocks, and ends with errDiffers behind the first that the list does not know.
func (f *Fetcher) refetch(ctx context.Context, t *task, part *media.Part, list []byte, r run) error {
	a := ask{
		name: t.file.SHA256, from: int64(r.from) * media.BlockSize, to: min(int64(r.to)*media.BlockSize, t.file.Size),
		total: t.file.Size, etag: t.etag,
	}
	begin := a.from
	if t.mending.block == r.from { // its first bytes came before the link broke
		a.from += t.mending.came
	}
	return f.exchange(ctx, t, a, func(body io.Reader) error {
		if a.from > begin {
			t.mending = mending{}
		}
		c := &cursor{part, a.from}
		for i := r.from; i < r.to; i++ {
			start := begin + int64(i-r.from)*media.BlockSize
			end := min(start+media.BlockSize, t.file.Size)
			if _, err := io.CopyN(c, body, end-c.at); err != nil {
				t.mending = mending{i, c.at - start}
				return err
			}
			if err := f.matches(part, start, end, entry(list, i)); err != nil {
				return err
			}
			t.rounds = 0
		}
		return nil
	})
}

func (f *Fetcher) matches(part *media.Part, start, end int64, want []byte) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(part, start, end-start)); err != nil {
		return err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return errDiffers
	}
	return nil
}
