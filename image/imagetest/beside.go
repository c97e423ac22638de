package main

import (
	"bytes"
	"context"
	"debug/pe"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangtin/image/cpio"
)

// rounds is how often each machine is started, in turn: what else the processors do changes with time.
const rounds = 4

// maxRatio is the goal: a programme may come that much later than plain mpv's picture.
const maxRatio = 1.15

// beside measures the time from power to the programme on a display that played before, and that to the picture of the
// machine of image/imagetest/plain. Alike are the board, the firmware, the kernel with its command line, the modules, the
// tree of the root, mpv and its output. The plain machine has no boot loader, as QEMU hands the kernel to the firmware,
// no dm-verity, no systemd, and nothing that decides what may be shown.
func (b *bench) beside(ctx context.Context) error {
	disk, err := b.newDisk(ctx, "beside", b.base)
	if err != nil {
		return err
	}
	if err := b.commission(ctx, disk, b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC)); err != nil {
		return err
	}
	ours := machine{name: "ours", disk: disk}
	if err := b.againOnAir(ctx, ours, 0); err != nil {
		return err
	}
	plain, err := b.plain(ctx, disk)
	if err != nil {
		return err
	}
	programme, err := pages()
	if err != nil {
		return err
	}
	var ourTime, plainTime time.Duration
	for range rounds {
		idle := load()
		one, err := b.timeTo(ctx, plain, map[string]*image.RGBA{"picture": testPicture()})
		if err != nil {
			return err
		}
		busy := load()
		other, err := b.timeTo(ctx, ours, programme)
		if err != nil {
			return err
		}
		b.figure("plain mpv, started by a shell: its picture %.1f s after power; a display that played before: its programme %.1f s; ratio %.2f; load %s and %s before",
			one.Seconds(), other.Seconds(), other.Seconds()/one.Seconds(), idle, busy)
		plainTime, ourTime = plainTime+one, ourTime+other
	}
	ratio := ourTime.Seconds() / plainTime.Seconds()
	b.figure("ratio of all %d pairs %.3f; goal %.2f", rounds, ratio, maxRatio)
	if ratio > maxRatio {
		err = fmt.Errorf("it takes %.2f times as long", ratio)
	}
	b.note("beside", fmt.Sprintf("the programme is there at most %.2f times as late as plain mpv's picture", maxRatio), err)
	return nil
}

// load is how many processes wanted a processor of this machine lately, on average in a minute.
func load() string {
	said, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err.Error()
	}
	minute, _, _ := strings.Cut(string(said), " ")
	return minute
}

// timeTo switches on, and measures how long it takes until one of the pictures is seen. A look takes some hundredths of
// a second of the processors that emulate, so there are not more than four each second.
func (b *bench) timeTo(ctx context.Context, m machine, pictures map[string]*image.RGBA) (time.Duration, error) {
	first, err := slateOn(image.Rect(0, 0, screenW, screenH))
	if err != nil {
		return 0, err
	}
	r, err := b.start(ctx, m)
	if err != nil {
		return 0, err
	}
	defer r.cut()
	slated := false
	for last := error(nil); ; {
		seen, err := r.screen()
		if err != nil {
			return 0, err
		}
		at := time.Since(r.began)
		if !slated && same(seen, first) == nil {
			slated = true
			b.figure("%s: built-in slate %.1f s after power", m.name, at.Seconds())
		}
		for _, picture := range pictures {
			if last = same(seen, picture); last == nil {
				return at, nil
			}
		}
		if at > bootLimit {
			return 0, r.explain("time", fmt.Errorf("nothing was seen within %v: %w", bootLimit, last))
		}
		if err := wait(ctx, 250*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// plain makes the other machine of the shipped kernel image's parts. The kernel takes the later of two files in an
// initrd of several archives, and this one's has another first process, and the picture.
func (b *bench) plain(ctx context.Context, disk string) (machine, error) {
	uki := strings.TrimSuffix(b.image, ".img.zst") + ".unsigned.efi"
	parts, err := pe.Open(uki)
	if err != nil {
		return machine{}, fmt.Errorf("cannot take the kernel out of %s: %w", uki, err)
	}
	defer parts.Close()
	part := map[string][]byte{}
	for _, name := range []string{".linux", ".initrd", ".cmdline"} {
		section := parts.Section(name)
		if section == nil {
			return machine{}, fmt.Errorf("cannot take the kernel out of %s: it has no %s", uki, name)
		}
		if part[name], err = section.Data(); err != nil {
			return machine{}, fmt.Errorf("cannot take the kernel out of %s: %w", uki, err)
		}
		part[name] = part[name][:min(len(part[name]), int(section.VirtualSize))]
	}
	first := filepath.Join(b.work, "plain")
	build := []string{"-c", `CGO_ENABLED=0 exec go build -trimpath -o "$0" ./image/imagetest/plain`, first}
	if _, err := b.do(ctx, "sh", build...); err != nil {
		return machine{}, err
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, testPicture()); err != nil {
		return machine{}, err
	}
	more := bytes.NewBuffer(part[".initrd"])
	for more.Len()%4 != 0 { // where an archive may begin
		more.WriteByte(0)
	}
	archive := cpio.NewWriter(more)
	archive.Copy("/init", first)
	archive.File("/picture.png", 0o644, picture.Bytes())
	if err := archive.Close(); err != nil {
		return machine{}, err
	}
	kernel, initrd := filepath.Join(b.work, "plain.linux"), filepath.Join(b.work, "plain.initrd")
	err = errors.Join(os.WriteFile(kernel, part[".linux"], 0o644), os.WriteFile(initrd, more.Bytes(), 0o644))
	return machine{name: "plain", disk: disk, more: []string{"-kernel", kernel, "-initrd", initrd, "-append", strings.TrimRight(string(part[".cmdline"]), "\x00\n")}}, err
}
