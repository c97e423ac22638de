package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"bangtin/hal/haltest/peer"
)

// power takes the power away at random moments: while it is on air, and each second time also while it boots. It must be
// on air again each time, and its journal must be whole in the end.
func (b *bench) power(ctx context.Context) error {
	disk, err := b.newDisk(ctx, "power", b.base)
	if err != nil {
		return err
	}
	site := b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC)
	if err := b.commission(ctx, disk, site); err != nil {
		return err
	}
	moments := rand.New(rand.NewPCG(b.seed, 1))
	for done := 0; done < b.cuts; {
		if done%2 == 1 { // in the middle of a boot: about 25 s with idle processors
			if err := b.cutAfter(ctx, disk, time.Duration(moments.Int64N(int64(30*time.Second)))); err != nil {
				return err
			}
			done++
		}
		err := b.againOnAir(ctx, disk, time.Duration(moments.Int64N(int64(15*time.Second))))
		b.note("power", fmt.Sprintf("on air after %d cuts", done), err)
		if err != nil {
			return errors.New("it is not cut any more, as it did not come back")
		}
		done++
	}
	b.note("power", fmt.Sprintf("on air after %d cuts", b.cuts), b.againOnAir(ctx, disk, 0))
	b.note("power", "bangtind verify of what is on the disk", b.verify(ctx, disk, site))
	return nil
}

// cutAfter switches on, and takes the power away after some time.
func (b *bench) cutAfter(ctx context.Context, disk string, after time.Duration) error {
	r, err := b.start(ctx, machine{name: "power", disk: disk})
	if err != nil {
		return err
	}
	defer r.cut()
	b.figure("the power is taken %.1f s after it came", after.Seconds())
	return wait(ctx, after)
}

// againOnAir switches on, waits for the programme and for a word that was said since, and takes the power away after
// some more time.
func (b *bench) againOnAir(ctx context.Context, disk string, after time.Duration) error {
	before := b.world.connections()
	r, err := b.start(ctx, machine{name: "power", disk: disk})
	if err != nil {
		return err
	}
	defer r.cut()
	if err := b.somethingShown(ctx, r); err != nil {
		return r.explain("power", err)
	}
	// The broker keeps the last run's word: this run's panel and connection are what counts.
	err = await(ctx, "the panel is on and the display is connected anew", stepLimit, func() (bool, string) {
		state, connected := r.panel.State(), b.world.connections()
		return state == peer.On && connected > before, fmt.Sprintf("panel %s, %d connections, %d of them before", state, connected, before)
	})
	if err == nil {
		err = b.world.onAir(ctx, stepLimit)
	}
	if err != nil {
		return r.explain("power", err)
	}
	b.figure("on air; the power is taken %.1f s later", after.Seconds())
	return wait(ctx, after)
}

// somethingShown waits for any page of the programme.
func (b *bench) somethingShown(ctx context.Context, r *running) error {
	all, err := pages()
	if err != nil {
		return err
	}
	return await(ctx, "a page of the programme is on the screen", bootLimit, func() (bool, string) {
		seen, err := r.screen()
		if err != nil {
			return false, err.Error()
		}
		for _, page := range all {
			if err = same(seen, page); err == nil {
				return true, ""
			}
		}
		return false, err.Error()
	})
}

// verify has the daemon judge the journal that lies on the disk.
func (b *bench) verify(ctx context.Context, disk, _ string) error {
	folder, err := b.kept(ctx, disk)
	if err != nil {
		return err
	}
	site := filepath.Join(b.work, "verify.toml")
	if err := writeText(site, b.world.siteFile(folder, b.work, "localhost", panelMDC)); err != nil {
		return err
	}
	said, err := b.do(ctx, "bangtind", "--site", site, "verify")
	if err != nil {
		return err
	}
	if !strings.Contains(said, "no edit, removal or reordering found") {
		return fmt.Errorf("it says: %s", said)
	}
	b.figure("%s", strings.TrimSpace(said))
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
