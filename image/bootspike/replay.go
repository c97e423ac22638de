package main

import (
	"context"
	"fmt"
	"slices"
)

// A change is one of a boot environment, with each write it made.
type change struct {
	name   string
	disk   string // as it was before; kept
	writes []write
}

// A tally is what became of a change's cuts.
type tally struct {
	change              string
	writes, bytes       int
	elsewhere           int // writes outside the environments' partitions
	sectors, torn, lost int // cuts between sectors, within one, and with a write gone though a later one is there
	before, after       outcome
	new                 int // cuts that end as after, where that differs from before
	booted              int // cuts that were booted
	wrong               []string
}

// replay cuts a change everywhere and asks the loader's rules which slot boots.
func (c change) replay(l loader) (*tally, error) {
	t := &tally{change: c.name}
	v, err := readVolumes(c.disk)
	if err != nil {
		return nil, err
	}
	if t.before, err = v.chosen(l); err != nil {
		return nil, err
	}
	if t.after, err = c.end(l); err != nil {
		return nil, err
	}
	var open []applied
	for i, w := range c.writes {
		if w.sure {
			open = nil
		}
		if len(w.data) == 0 {
			continue
		}
		t.writes++
		t.bytes += len(w.data)
		to := v.place(w)
		if to == nil {
			t.elsewhere++
			continue
		}
		open = append(open, applied{to: to, old: append([]byte(nil), to...), data: w.data})
		for s := 0; s < len(to); s += sector {
			where := fmt.Sprintf("write %d, sector %d", i, s/sector)
			t.sectors++
			if err := t.judge(l, v, where); err != nil {
				return nil, err
			}
			if err := t.tear(l, v, to[s:s+sector], w.data[s:s+sector], where); err != nil {
				return nil, err
			}
		}
		if err := t.lose(l, v, open, i); err != nil {
			return nil, err
		}
	}
	return t, t.judge(l, v, "the end")
}

// end is what boots when all of a change is there.
func (c change) end(l loader) (outcome, error) {
	v, err := readVolumes(c.disk)
	if err != nil {
		return outcome{}, err
	}
	for _, w := range c.writes {
		copy(v.place(w), w.data)
	}
	return v.chosen(l)
}

func (t *tally) judge(l loader, v *volumes, where string) error {
	o, err := v.chosen(l)
	if err != nil {
		return err
	}
	switch o {
	case t.before:
	case t.after:
		t.new++
	default:
		t.wrong = append(t.wrong, fmt.Sprintf("%s: %v boots, neither %v nor %v", where, o, t.before, t.after))
	}
	return nil
}

// tear writes a sector byte by byte, as no disk should, and judges after each that changes something.
func (t *tally) tear(l loader, v *volumes, to, data []byte, where string) error {
	all := changes(to, data)
	for n, at := range all {
		to[at] = data[at]
		if n == len(all)-1 {
			return nil // that is the sector
		}
		t.torn++
		if err := t.judge(l, v, fmt.Sprintf("%s, torn at byte %d", where, at)); err != nil {
			return err
		}
	}
	return nil
}

// applied is a write that is in a disk's cache: nothing says yet that it is on the medium.
type applied struct{ to, old, data []byte }

// lose judges with each write gone that was not flushed, while the later ones are there.
func (t *tally) lose(l loader, v *volumes, open []applied, i int) error {
	for j := range len(open) - 1 {
		copy(open[j].to, open[j].old)
		for _, later := range open[j+1:] {
			copy(later.to, later.data)
		}
		t.lost++
		if err := t.judge(l, v, fmt.Sprintf("write %d without an earlier one", i)); err != nil {
			return err
		}
		for _, all := range open[j:] {
			copy(all.to, all.data)
		}
	}
	return nil
}

// boots cuts a change between its writes, and each write after a sector, in the middle and before its last, and boots the firmware at up to limit of these
// disks, evenly chosen.
func (c change) boots(ctx context.Context, m machine, l loader, t *tally, limit int) error {
	if err := copyDisk(ctx, m.disk, c.disk); err != nil {
		return err
	}
	type cut struct {
		writes []write // since the cut before
		where  string
	}
	cuts := []cut{{nil, "the beginning"}}
	for i, w := range c.writes {
		if len(w.data) == 0 {
			continue
		}
		all := len(w.data) / sector
		for _, n := range slices.Compact([]int{min(1, all-1), all / 2, all - 1}) {
			if n > 0 {
				cuts = append(cuts, cut{[]write{w.upTo(n)}, fmt.Sprintf("%d of %d sectors of write %d", n, all, i)})
			}
		}
		cuts = append(cuts, cut{[]write{w}, fmt.Sprintf("write %d", i)})
	}
	for i, cut := range cuts {
		if err := apply(m.disk, cut.writes); err != nil {
			return err
		}
		if i*limit/len(cuts) == (i+1)*limit/len(cuts) && i < len(cuts)-1 {
			continue
		}
		v, err := readVolumes(m.disk)
		if err != nil {
			return err
		}
		ruled, err := v.chosen(l)
		if err != nil {
			return err
		}
		slot, err := m.boot(ctx)
		if err != nil {
			return fmt.Errorf("cannot boot %s at %s: %w", c.name, cut.where, err)
		}
		t.booted++
		if slot != ruled.slot {
			t.wrong = append(t.wrong, fmt.Sprintf("%s: %s boots, and by the rules it is %v", cut.where, slot, ruled))
		}
	}
	return nil
}
