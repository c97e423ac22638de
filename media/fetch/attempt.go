package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bangtin/media"
)

// What one effort may see before it is given up. All are far above what chance brings on a bad link.
const (
	maxFouls   = 8 // answers in a row that cannot belong to the file
	maxIgnored = 4 // whole files in a row for a range, before it is begun anew
	maxListed  = 6 // block lists in a row that could not be had, before it is begun anew
	maxAnew    = 2
	maxRounds  = 8 // repairs in a row that mended nothing
)

// attempt brings a file as far as the link and the server let it, and returns nil once the store has it whole and
// verified. Where it ends as hopeless the part is gone.
func (f *Fetcher) attempt(ctx context.Context, t *task) (err error) {
	part, err := f.opts.Store.Resume(t.file)
	if err != nil {
		return err
	}
	err = t.weigh(f.bring(ctx, t, part))
	if errors.Is(err, errHopeless) || errors.Is(err, errUnwanted) {
		return errors.Join(err, part.Drop())
	}
	return errors.Join(err, part.Close())
}

// bring fetches what is not there, and mends what is wrong, once.
func (f *Fetcher) bring(ctx context.Context, t *task, part *media.Part) error {
	if err := f.fill(ctx, t, part); err != nil {
		return err
	}
	wrong := part.Finish(ctx)
	if !errors.Is(wrong, media.ErrWrongContent) {
		return wrong
	}
	if err := f.mend(ctx, t, part); err != nil {
		return err
	}
	err := part.Finish(ctx)
	if errors.Is(err, media.ErrWrongContent) {
		return fmt.Errorf("%w: %w", errDamaged, err) // there will be another round
	}
	return err
}

// weigh counts what went wrong, and decides when it was enough.
func (t *task) weigh(err error) error {
	switch {
	case errors.Is(err, errNoList):
		if t.listed++; t.listed >= maxListed {
			return t.beginAnew(err)
		}
	case errors.Is(err, errNoRange):
		if t.ignored++; t.ignored >= maxIgnored {
			return t.beginAnew(err)
		}
	case errors.Is(err, errFoul):
		if t.fouls++; t.fouls >= maxFouls {
			return fmt.Errorf("%w: %w", errHopeless, err)
		}
	}
	return err
}

// beginAnew has the next request ask for the whole file. What is there stays until it is written over, so that a link
// that drops does not lose it.
func (t *task) beginAnew(cause error) error {
	if t.anew++; t.anew > maxAnew {
		return fmt.Errorf("%w: %w", errHopeless, cause)
	}
	t.restart, t.ignored, t.listed, t.mending = true, 0, 0, mending{}
	return cause
}

// fill fetches from where the part ends, or from its first byte where that is due.
func (f *Fetcher) fill(ctx context.Context, t *task, part *media.Part) error {
	a := ask{name: t.file.SHA256, from: part.Size(), to: t.file.Size, total: t.file.Size, etag: t.etag}
	if t.restart {
		a.from = 0
	}
	if a.from == a.to {
		return nil
	}
	return f.exchange(ctx, t, a, func(body io.Reader) error {
		t.restart = false
		_, err := io.Copy(&cursor{part, a.from}, body)
		return err
	})
}

// A cursor writes a part in order from an offset.
type cursor struct {
	part *media.Part
	at   int64
}

func (c *cursor) Write(b []byte) (int, error) {
	n, err := c.part.WriteAt(b, c.at)
	c.at += int64(n)
	return n, err
}
