package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"bangtin/image/layout"
)

// Identities that would be random: the root's contents alone decide what comes out.
const (
	rootUUID = "8b1d7e0a-1d5c-4b0e-9a51-62616e670106"
	treeUUID = "8b1d7e0a-1d5c-4b0e-9a51-62616e670206"
	// treeSalt makes the hash of a block differ from that of another system; it need not be secret.
	treeSalt = "62616e6774696e2062616e6774696e2062616e6774696e2062616e6774696e20"
)

func (b *build) rootImage() string { return b.made("root.img") }

// makeRoot makes the erofs, in zstd with clusters of 64 KiB. Level 3: the higher ones take many minutes of two processors.
func (b *build) makeRoot(ctx context.Context) error {
	err := b.tool(ctx, "mkfs.erofs", "--quiet", "-b4096", "-zzstd,level=3", "-C65536",
		"-U", rootUUID, "-T", strconv.FormatInt(b.epoch, 10), "--all-time", "-x-1", "/mnt/root.img", "/mnt/root")
	if err != nil {
		return err
	}
	return b.measure("erofs", b.rootImage())
}

// addVerity appends the dm-verity tree and takes its root hash. The tree begins where the file system ends by its own
// superblock, so that the initrd finds it without being told.
func (b *build) addVerity(ctx context.Context) error {
	size, err := erofsSize(b.rootImage())
	if err != nil {
		return err
	}
	info, err := os.Stat(b.rootImage())
	if err != nil {
		return err
	}
	if info.Size() != size {
		return fmt.Errorf("the erofs says that it has %d bytes, and has %d", size, info.Size())
	}
	var said bytes.Buffer
	err = b.toolTo(ctx, &said, "veritysetup", "format", "--hash", "sha256", "--data-block-size", "4096", "--hash-block-size", "4096",
		"--salt", treeSalt, "--uuid", treeUUID, "--hash-offset", strconv.FormatInt(size, 10), "/mnt/root.img", "/mnt/root.img")
	if err != nil {
		return err
	}
	if b.rootHash, err = parseRootHash(said.String()); err != nil {
		return err
	}
	fmt.Fprintln(b.say, "root hash ", b.rootHash)
	partition, ok := layout.Find(layout.Root, layout.A)
	if !ok {
		return errors.New("the layout has no root partition")
	}
	if info, err = os.Stat(b.rootImage()); err != nil {
		return err
	}
	if info.Size() > partition.Bytes {
		return fmt.Errorf("the root has %d bytes, and its partition %d", info.Size(), partition.Bytes)
	}
	return errors.Join(b.measure("root", b.rootImage()), b.tellHash("root", b.rootImage()))
}

// erofsSize reads the file system's size in bytes from its superblock, which is at 1024 (fs/erofs/erofs_fs.h: magic at
// 0, block size as a power of two at 12, blocks at 36).
func erofsSize(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	head := make([]byte, 128)
	if _, err := f.ReadAt(head, 1024); err != nil {
		return 0, fmt.Errorf("cannot read the erofs: %w", err)
	}
	if magic := binary.LittleEndian.Uint32(head); magic != 0xe0f5e1e2 {
		return 0, fmt.Errorf("cannot read the erofs: its magic is %#x", magic)
	}
	if head[12] != 12 {
		return 0, fmt.Errorf("the erofs has blocks of 2^%d bytes: 4096 are expected", head[12])
	}
	return int64(binary.LittleEndian.Uint32(head[36:])) << 12, nil
}

// parseRootHash finds the root hash in what veritysetup says.
func parseRootHash(said string) (string, error) {
	hash := regexp.MustCompile(`^[0-9a-f]{64}$`)
	for line := range strings.Lines(said) {
		name, value, _ := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); strings.TrimSpace(name) == "Root hash" && hash.MatchString(value) {
			return value, nil
		}
	}
	return "", fmt.Errorf("cannot find a root hash in what veritysetup said:\n%s", said)
}

// hashOf is a file's SHA-256 in hex.
func hashOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, bufio.NewReaderSize(f, 1<<20)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// tellHash tells what two builds are compared by.
func (b *build) tellHash(what, path string) error {
	sum, err := hashOf(path)
	if err == nil {
		fmt.Fprintf(b.say, "%-10s sha256 %s\n", what, sum)
	}
	return err
}
