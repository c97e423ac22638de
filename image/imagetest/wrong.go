package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A fault is a wrong input, and how the display has to stand it. What it may not do is the same for all: stay dark and say nothing.
type fault struct {
	name    string
	site    func(string) string                                    // changes the site file
	disk    func(b *bench, ctx context.Context, disk string) error // changes the disk
	machine func(machine) machine
	shown   bool     // the programme is on the screen all the same; else, where there is a screen, a slate
	console []string // what the status page says
	centre  string   // what the department's tool says of the display; empty where it cannot know
}

func faults() []fault {
	return []fault{
		{name: "no-panel", machine: func(m machine) machine { m.deaf = true; return m }, shown: true,
			console: []string{"KHÔNG PHÁT", "màn hình không trả lời qua cáp điều khiển", " panel-silent "}, centre: `"panel-silent"`},
		{name: "no-network", machine: func(m machine) machine { m.alone = true; return m }, shown: true,
			console: []string{"ĐANG PHÁT", "không thấy cổng mạng nào", "MẤT KẾT NỐI"}},
		// With the centre it would be told the time: alone it says that it does not know it, and is lit all the same.
		{name: "dead-rtc", machine: func(m machine) machine {
			m.alone, m.more = true, append(m.more, "-rtc", "base=1970-01-01T00:00:00")
			return m
		}, shown: true, console: []string{" clock-untrusted "}},
		// Of a display that starts much is the same: connected and told by the clock it has come to its end.
		{name: "no-gpu", machine: func(m machine) machine { m.dark = true; return m },
			console: []string{"KHÔNG PHÁT", "trình phát không ra hình", "Trung tâm  : đã kết nối", "danh sách ban-tin@"}, centre: `the player is `},
		{name: "full-data", disk: (*bench).fillData, shown: true, console: []string{"ĐANG PHÁT", " D03 "}, centre: `"notice-D03"`},
		// Without its site file and its certificate it has no centre.
		{name: "corrupt-data", disk: (*bench).spoilData, console: []string{"HỎNG BỘ NHỚ DỮ LIỆU", "DỮ LIỆU CHỈ Ở BỘ NHỚ TẠM", " D01 ", " S01 "}},
		{name: "damaged-data", disk: (*bench).damageData, console: []string{" D05 ", " S01 "}},
		{name: "read-only-medium", machine: func(m machine) machine { m.locked = true; return m }, shown: true, console: []string{" D02 "}, centre: `"notice-D02"`},
		{name: "unknown-key", site: func(s string) string { return strings.Replace(s, "[output]", "[output]\nhologram = true", 1) },
			console: []string{" S11 ", "hologram"}},
	}
}

// wrong shows each fault on a disk that played before: one that has its programme.
func (b *bench) wrong(ctx context.Context) error {
	played, err := b.newDisk(ctx, "played", b.base)
	if err != nil {
		return err
	}
	site := b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC)
	if err := b.commission(ctx, played, site); err != nil {
		return err
	}
	if err := b.againOnAir(ctx, machine{name: "played", disk: played}, 0); err != nil {
		return err
	}
	for _, f := range faults() {
		if b.one != "" && b.one != f.name {
			continue
		}
		disk, err := b.newDisk(ctx, f.name, played)
		if err != nil {
			return err
		}
		b.note("wrong", f.name, b.stand(ctx, f, disk, site))
		if err := os.Remove(disk); err != nil {
			return err
		}
	}
	return nil
}

// stand puts the fault in and looks how it is stood.
func (b *bench) stand(ctx context.Context, f fault, disk, site string) error {
	if f.site != nil {
		if err := b.commission(ctx, disk, f.site(site)); err != nil {
			return err
		}
	}
	if f.disk != nil {
		if err := f.disk(b, ctx, disk); err != nil {
			return err
		}
	}
	m := machine{name: f.name, disk: disk}
	if f.machine != nil {
		m = f.machine(m)
	}
	r, err := b.start(ctx, m)
	if err != nil {
		return err
	}
	defer r.cut()
	var missing []error
	if f.shown {
		missing = append(missing, b.somethingShown(ctx, r))
	}
	missing = append(missing, await(ctx, fmt.Sprintf("the status page says %q", f.console), bootLimit, func() (bool, string) {
		page := strings.Join(shows(r.wrote()), "\n")
		return !slices.ContainsFunc(f.console, func(words string) bool { return !strings.Contains(page, words) }), page
	}))
	if !f.shown && !r.dark {
		missing = append(missing, lit(r))
	}
	if f.centre != "" {
		missing = append(missing, await(ctx, "the centre hears "+f.centre, bootLimit, func() (bool, string) {
			_, said := b.world.report(ctx)
			return strings.Contains(said, f.centre), said
		}))
	}
	page := shows(r.wrote())
	b.figure("%s: %.0f s after power the page says %s; %s", f.name, time.Since(r.began).Seconds(), page[1], strings.Join(page[2:4], " "))
	return r.explain(f.name, errors.Join(missing...))
}

// lit tells whether a passer-by sees anything.
func lit(r *running) error {
	seen, err := r.screen()
	if err == nil && blank(seen) {
		err = errors.New("the screen is dark")
	}
	return err
}

// fillData leaves hardly a free block on data: a file has them all.
func (b *bench) fillData(ctx context.Context, disk string) error {
	part, err := b.takePart(ctx, disk)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	said, err := b.do(ctx, "dumpe2fs", "-h", part)
	if err != nil {
		return err
	}
	free := 0
	for line := range strings.Lines(said) {
		if rest, ok := strings.CutPrefix(line, "Free blocks:"); ok {
			if free, err = strconv.Atoi(strings.TrimSpace(rest)); err != nil {
				return err
			}
		}
	}
	if free < 1000 {
		return fmt.Errorf("it has %d free blocks before", free)
	}
	// Some are needed to say where the others are.
	free -= 100
	commands := disk + ".commands"
	defer os.Remove(commands)
	if err := writeText(commands, fmt.Sprintf("write /dev/null filler\nfallocate filler 0 %d\nsif filler size %d\n", free-1, int64(free)*4096)); err != nil {
		return err
	}
	if _, err := b.do(ctx, "debugfs", "-w", "-f", commands, part); err != nil {
		return err
	}
	if said, err := b.do(ctx, "sh", "-c", `e2fsck -fy "$1" || test $? -le 1`, "sh", part); err != nil {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return b.putPart(ctx, disk, part)
}

// damageData writes noise over the beginning of the file system, its superblock, descriptors and first inodes: it can be
// made sound again by its other superblocks, and is empty then.
func (b *bench) damageData(_ context.Context, disk string) error { return b.noise(disk, 0) }

// spoilData does it wherever a superblock may be, at each 128 MiB: a group of blocks of 4 KiB.
func (b *bench) spoilData(_ context.Context, disk string) error {
	size, err := grown(disk)
	for at := int64(0); at < size && err == nil; at += 128 << 20 {
		err = b.noise(disk, at)
	}
	return err
}

// noise writes up to 8 MiB of it into the data partition.
func (b *bench) noise(disk string, at int64) error {
	_, start, err := dataPartition()
	if err != nil {
		return err
	}
	size, err := grown(disk)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(disk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	noise := make([]byte, min(8<<20, size-at))
	_, _ = rand.NewChaCha8([32]byte{byte(b.seed), byte(b.seed >> 8), byte(at >> 20)}).Read(noise) // it never fails
	_, err = f.WriteAt(noise, start+at)
	return errors.Join(err, f.Close())
}
