package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bangtin/image/layout"
)

// mediumBytes is the size of the medium: that of a small eMMC would be larger, and be copied longer.
const mediumBytes = 6 << 30

// The user of the daemon (systemd/sysusers.d): what lies on data is its own.
const owner = 900

// newDisk is a medium of its own, as it was flashed.
func (b *bench) newDisk(ctx context.Context, name, from string) (string, error) {
	disk := filepath.Join(b.work, name+".img")
	if _, err := b.do(ctx, "cp", "--sparse=always", from, disk); err != nil {
		return "", err
	}
	return disk, os.Truncate(disk, mediumBytes)
}

// commission puts the display's folder on a disk, as if it had been set up and enrolled.
func (b *bench) commission(ctx context.Context, disk, site string) error {
	tree := disk + ".data"
	defer os.RemoveAll(tree)
	folder := filepath.Join(tree, "bangtin")
	if err := errors.Join(os.MkdirAll(filepath.Join(tree, "var"), 0o755), os.MkdirAll(folder, 0o750)); err != nil {
		return err
	}
	if _, err := b.do(ctx, "cp", "-r", b.world.display+"/.", folder); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "site.toml"), []byte(site), 0o640); err != nil {
		return err
	}
	if _, err := b.do(ctx, "chown", "-R", fmt.Sprintf("%d:%d", owner, owner), folder); err != nil {
		return err
	}
	part := disk + ".part"
	defer os.Remove(part)
	data, _, err := dataPartition()
	if err != nil {
		return err
	}
	if err := os.WriteFile(part, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(part, data.Bytes); err != nil {
		return err
	}
	if _, err := b.do(ctx, "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-L", data.Label(), "-U", data.GUID, "-m", "1",
		"-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", tree, part); err != nil {
		return err
	}
	return b.putPart(ctx, disk, part)
}

// dataPartition is the last of the table, and where it begins.
func dataPartition() (data layout.Partition, start int64, err error) {
	data, ok := layout.Find(layout.Data, "")
	start, placed := layout.Start(layout.Partitions(), layout.Data, "")
	if !ok || !placed {
		return data, 0, errors.New("the layout has no data partition")
	}
	return data, start, nil
}

// putPart puts a file in the place of the data partition. What is zero becomes a hole.
func (b *bench) putPart(ctx context.Context, disk, part string) error {
	_, start, err := dataPartition()
	if err != nil {
		return err
	}
	info, err := os.Stat(part)
	if err != nil {
		return err
	}
	_, err = b.do(ctx, "fallocate", "--punch-hole", fmt.Sprintf("--offset=%d", start), fmt.Sprintf("--length=%d", info.Size()), disk)
	if err != nil {
		return err
	}
	_, err = b.do(ctx, "dd", "if="+part, "of="+disk, "bs=1M", "conv=notrunc,sparse", "status=none", "oflag=seek_bytes", fmt.Sprintf("seek=%d", start))
	return err
}

// kept is the display's folder as it lies on a disk.
func (b *bench) kept(ctx context.Context, disk string) (folder string, err error) {
	part, err := b.takePart(ctx, disk)
	if err != nil {
		return "", err
	}
	defer os.Remove(part)
	folder = disk + ".kept"
	if err := errors.Join(os.RemoveAll(folder), os.Mkdir(folder, 0o755)); err != nil {
		return "", err
	}
	_, err = b.do(ctx, "debugfs", "-R", "rdump /bangtin "+folder, part)
	return filepath.Join(folder, "bangtin"), err
}

// takePart copies the data partition out of a disk, and mends its file system as the display would. It has grown by
// then: it ends where the medium does.
func (b *bench) takePart(ctx context.Context, disk string) (part string, err error) {
	_, start, err := dataPartition()
	if err != nil {
		return "", err
	}
	part = disk + ".look"
	size, err := grown(disk)
	if err != nil {
		return "", err
	}
	_, err = b.do(ctx, "dd", "if="+disk, "of="+part, "bs=1M", "conv=sparse", "status=none", "iflag=skip_bytes,count_bytes",
		fmt.Sprintf("skip=%d", start), fmt.Sprintf("count=%d", size))
	if err != nil {
		return "", err
	}
	// 1: mended. That is the journal's replay, and what an unclean end leaves.
	if said, err := b.do(ctx, "sh", "-c", `e2fsck -fy "$1" || test $? -le 1`, "sh", part); err != nil {
		return "", fmt.Errorf("%w\n%s", err, said)
	}
	return part, nil
}

// grown is what the data partition may have, in bytes: all up to the copy of the table.
func grown(disk string) (int64, error) {
	_, start, err := dataPartition()
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(disk)
	if err != nil {
		return 0, err
	}
	return info.Size() - start, nil
}

func writeText(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }
