package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bangtin/hal/haltest/peer"
)

// power takes the power away at random moments: in the first boot, with the installer's stick in it, while it is on air,
// and in the middle of later boots. It must be on air again each time, and its journal must be whole in the end, with all
// that the centre has seen of it.
func (b *bench) power(ctx context.Context) error {
	disk, err := b.newDisk(ctx, "power", b.base)
	if err != nil {
		return err
	}
	site := b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC)
	stick, err := b.newStick(ctx, site)
	if err != nil {
		return err
	}
	b.figure("a cut: QEMU is killed. What the guest has in memory is gone; what it handed over is in this machine's cache and stays.")
	b.figure("Not shown by it: a medium that loses, tears or reorders what it was handed (image/bootspike cuts between writes).")
	chains, err := b.chains(ctx)
	if err != nil {
		return err
	}
	moments := rand.New(rand.NewPCG(b.seed, 1))
	within := func(from, to time.Duration) time.Duration {
		return from + time.Duration(moments.Int64N(int64(to-from)))
	}
	with := machine{name: "power", disk: disk}
	for done := 0; done < b.cuts; {
		if done == 0 { // from the firmware to soon after the enrolment: about 40 s with idle processors
			with = with.withStick(stick)
			if err := b.cutAfter(ctx, with, within(5*time.Second, 45*time.Second)); err != nil {
				return err
			}
			done++
		} else {
			with = machine{name: "power", disk: disk}
			if done%2 == 0 && done+1 < b.cuts { // in the middle of a boot
				if err := b.cutAfter(ctx, with, within(0, 30*time.Second)); err != nil {
					return err
				}
				done++
			}
		}
		err := b.againOnAir(ctx, with, within(0, 15*time.Second))
		b.note("power", fmt.Sprintf("on air after %d cuts", done), err)
		if err != nil {
			return errors.New("it is not cut any more, as it did not come back")
		}
		done++
	}
	b.note("power", fmt.Sprintf("on air after %d cuts", b.cuts), b.againOnAir(ctx, machine{name: "power", disk: disk}, 0))
	folder, err := b.kept(ctx, disk)
	if err != nil {
		return err
	}
	b.note("power", "bangtind verify of what is on the disk, and nothing was set aside as damaged", b.verify(ctx, folder))
	b.note("power", "all records that the centre has seen are still there, in one chain without a gap", b.compareRecords(ctx, folder, chains))
	return nil
}

// cutAfter switches on, and takes the power away after some time.
func (b *bench) cutAfter(ctx context.Context, m machine, after time.Duration) error {
	r, err := b.start(ctx, m)
	if err != nil {
		return err
	}
	defer r.cut()
	b.figure("the power is taken %.1f s after it came", after.Seconds())
	return wait(ctx, after)
}

// againOnAir switches on, waits for the programme and for a word that was said since, and takes the power away after
// some more time.
func (b *bench) againOnAir(ctx context.Context, m machine, after time.Duration) error {
	before := b.world.connections()
	r, err := b.start(ctx, m)
	if err != nil {
		return err
	}
	defer r.cut()
	if err := b.somethingShown(ctx, r); err != nil {
		return r.explain("power", err)
	}
	if err := b.onAirSince(ctx, r, before); err != nil {
		return r.explain("power", err)
	}
	b.figure("on air; the power is taken %.1f s later", after.Seconds())
	return wait(ctx, after)
}

// onAirSince waits for the panel and for a word of the display by a new connection: the broker keeps the last run's word.
func (b *bench) onAirSince(ctx context.Context, r *running, before int) error {
	err := await(ctx, "the panel is on and the display is connected anew", stepLimit, func() (bool, string) {
		state, err := r.power(ctx)
		if err != nil {
			return false, err.Error()
		}
		connected := b.world.connections()
		return state == peer.On && connected > before, fmt.Sprintf("panel %s, %d connections, %d of them before", state, connected, before)
	})
	if err != nil {
		return err
	}
	return b.world.onAir(ctx, stepLimit)
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

// verify has the daemon judge the journal that lies in a folder, and looks for one that was set aside.
func (b *bench) verify(ctx context.Context, folder string) error {
	beside, err := filepath.Glob(filepath.Join(folder, "journal*"))
	if err != nil {
		return err
	}
	for _, file := range beside {
		if !slices.Contains([]string{"journal.db", "journal.db-wal", "journal.db-shm"}, filepath.Base(file)) {
			return fmt.Errorf("there is %s", filepath.Base(file))
		}
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

// query asks a database, whose answer has a line for each row.
func (b *bench) query(ctx context.Context, file, question string) ([]string, error) {
	said, err := b.do(ctx, "sqlite3", "-readonly", "-cmd", ".timeout 10000", file, question)
	return strings.Fields(said), err
}

// ofDisplay is the part of the centre's tables that is about this display.
const ofDisplay = ` JOIN display d ON d.id = t.display WHERE d.device = '` + displayName + `'`

// chains is how many chains of records the centre has of this display.
func (b *bench) chains(ctx context.Context) (int, error) {
	found, err := b.query(ctx, b.world.path("centre/center.db"), "SELECT DISTINCT t.epoch FROM record t"+ofDisplay)
	return len(found), err
}

// compareRecords looks for each record of the centre's newest chain, which is the only new one, in the display's journal.
func (b *bench) compareRecords(ctx context.Context, folder string, chainsBefore int) error {
	centre := b.world.path("centre/center.db")
	chains, err := b.chains(ctx)
	if err != nil {
		return err
	}
	if chains != chainsBefore+1 {
		return fmt.Errorf("the centre has %d chains, and had %d before", chains, chainsBefore)
	}
	gaps, err := b.query(ctx, centre, "SELECT t.first || '-' || t.last FROM gap t"+ofDisplay+" AND t.epoch = d.epoch")
	if err != nil {
		return err
	}
	if len(gaps) > 0 {
		return fmt.Errorf("the centre misses records %v", gaps)
	}
	const columns = "SELECT t.seq || ':' || hex(t.hash) FROM record t"
	seen, err := b.query(ctx, centre, columns+ofDisplay+" AND t.epoch = d.epoch")
	if err != nil {
		return err
	}
	has, err := b.query(ctx, filepath.Join(folder, "journal.db"), columns)
	if err != nil {
		return err
	}
	for _, record := range seen {
		if !slices.Contains(has, record) {
			return fmt.Errorf("record %s is at the centre alone", record)
		}
	}
	if len(seen) == 0 {
		return errors.New("the centre has no records")
	}
	b.figure("%d records at the centre, %d on the disk", len(seen), len(has))
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
