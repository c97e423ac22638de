// Package verity reads a root partition as it is on the disk: an erofs, and right behind it the superblock and hash tree
// of dm-verity, as `veritysetup format --hash-offset` appends them. It tells whether the tree is the one that a root hash
// signs, and says what the kernel has to be told. Nothing that it reads is trusted: what does not fit is refused.
package verity

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Block is the size of data and hash blocks, in bytes; the kernel takes no other where a page has 4 KiB.
const Block = 4096

// A Hash is the root hash of a tree: SHA-256 of its topmost block.
type Hash [sha256.Size]byte

// ParseHash takes 64 lower-case hexadecimal digits, and nothing else.
func ParseHash(text string) (Hash, error) {
	var h Hash
	if len(text) != hex.EncodedLen(len(h)) {
		return Hash{}, fmt.Errorf("cannot take a root hash of %d characters: it has %d", len(text), hex.EncodedLen(len(h)))
	}
	if _, err := hex.Decode(h[:], []byte(text)); err != nil {
		return Hash{}, fmt.Errorf("cannot take a root hash: %w", err)
	}
	if h.String() != text {
		return Hash{}, errors.New("cannot take a root hash with capital letters")
	}
	return h, nil
}

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ErrOther is wrapped where a tree is sound and belongs to another root hash: it is another version's.
var ErrOther = errors.New("the tree is another version's")

// A Tree is what is known of a partition whose tree belongs to a root hash.
type Tree struct {
	Data  uint64 // blocks of the erofs, which are the first of the partition
	Start uint64 // the block in which the hash tree begins: behind the superblock
	Salt  []byte // hashed before each block; at most 256 bytes
	Root  Hash
}

// Open looks for the tree in a partition of size bytes, and sees whether it belongs to root. It reads three blocks.
func Open(partition io.ReaderAt, size int64, root Hash) (Tree, error) {
	head := make([]byte, Block)
	if _, err := partition.ReadAt(head, 0); err != nil {
		return Tree{}, fmt.Errorf("cannot read the file system's head: %w", err)
	}
	data, err := blocksOf(head)
	if err != nil {
		return Tree{}, err
	}
	// Superblock and topmost block, at least, have to have their place.
	if blocks := uint64(max(size, 0)) / Block; blocks < 2 || data > blocks-2 {
		return Tree{}, fmt.Errorf("cannot find the tree: the file system says %d blocks, in a partition of %d", data, blocks)
	}
	sb := make([]byte, Block)
	if _, err := partition.ReadAt(sb, int64(data)*Block); err != nil {
		return Tree{}, fmt.Errorf("cannot read the tree's superblock: %w", err)
	}
	salt, err := parse(sb, data)
	if err != nil {
		return Tree{}, err
	}
	t := Tree{Data: data, Start: data + 1, Salt: salt, Root: root}
	if end := t.Start + t.blocks(); end > uint64(size)/Block {
		return Tree{}, fmt.Errorf("cannot take the tree: it ends at block %d, in a partition of %d", end, size/Block)
	}
	top := make([]byte, Block)
	if _, err := partition.ReadAt(top, int64(t.Start)*Block); err != nil {
		return Tree{}, fmt.Errorf("cannot read the tree's topmost block: %w", err)
	}
	if got := Hash(sha256.Sum256(append(bytes.Clone(salt), top...))); got != root {
		return Tree{}, fmt.Errorf("%w: its root hash is %s", ErrOther, got)
	}
	return t, nil
}

// perBlock is how many hashes a block of the tree holds.
const perBlock = Block / sha256.Size

// blocks is how many the tree has. The topmost level is the first on disk.
func (t Tree) blocks() uint64 {
	var all uint64
	for n := t.Data; n > 1; {
		n = (n + perBlock - 1) / perBlock
		all += n
	}
	return all
}

// Sectors is the length of the verified device, in sectors of 512 bytes.
func (t Tree) Sectors() uint64 { return t.Data * (Block / 512) }

// Table is what device mapper's target "verity" takes (Documentation/admin-guide/device-mapper/verity.rst), for a
// partition named as the kernel does it: MAJOR:MINOR.
//
// A block with a wrong hash or that cannot be read ends in a panic, rather than in the kernel's restart: a panic writes
// its reason to pstore, where the next boot finds it, and leaves the hardware watchdog armed while panic= counts down; a
// restart first asks every driver to shut down, which ends some watchdogs and then may hang on the very disk that is
// broken. Rather than in an error, too: with its disk gone from the bus no program could be started any more, and the
// display would stay dark until somebody came, where a restart may find the disk again.
func (t Tree) Table(device string) string {
	salt := "-"
	if len(t.Salt) > 0 {
		salt = hex.EncodeToString(t.Salt)
	}
	return fmt.Sprintf("1 %s %s %d %d %d %d sha256 %s %s 2 panic_on_corruption panic_on_error",
		device, device, Block, Block, t.Data, t.Start, t.Root, salt)
}

// The superblock of dm-verity, as cryptsetup writes it (its wiki, DMVerity, "Verity superblock format").
const (
	magic      = "verity\x00\x00"
	maxSalt    = 256
	atVersion  = 8 // u32, 1
	atType     = 12
	atName     = 32 // of the algorithm, 32 bytes
	atDataSize = 64 // u32 each
	atHashSize = 68
	atBlocks   = 72 // u64
	atSaltSize = 80 // u16
	atSalt     = 88
	endOfSB    = 512
)

// parse reads the superblock of a tree over so many blocks and returns its salt. There is one kind that we make; every
// other is refused.
func parse(sb []byte, data uint64) (salt []byte, err error) {
	le := binary.LittleEndian
	if len(sb) < endOfSB || string(sb[:len(magic)]) != magic {
		return nil, errors.New("cannot find a dm-verity superblock behind the file system")
	}
	if v, kind := le.Uint32(sb[atVersion:]), le.Uint32(sb[atType:]); v != 1 || kind != 1 {
		return nil, fmt.Errorf("cannot take a superblock of version %d, type %d", v, kind)
	}
	if name := sb[atName:atDataSize]; string(bytes.TrimRight(name, "\x00")) != "sha256" {
		return nil, fmt.Errorf("cannot take a tree by the algorithm %q", name)
	}
	if d, h := le.Uint32(sb[atDataSize:]), le.Uint32(sb[atHashSize:]); d != Block || h != Block {
		return nil, fmt.Errorf("cannot take blocks of %d and %d bytes", d, h)
	}
	if n := le.Uint64(sb[atBlocks:]); n != data {
		return nil, fmt.Errorf("cannot take a tree over %d blocks: the file system has %d", n, data)
	}
	n := le.Uint16(sb[atSaltSize:])
	if n > maxSalt {
		return nil, fmt.Errorf("cannot take a salt of %d bytes", n)
	}
	return bytes.Clone(sb[atSalt : atSalt+n]), nil
}

// The superblock of erofs (fs/erofs/erofs_fs.h, struct erofs_super_block).
const (
	erofsAt     = 1024
	erofsMagic  = 0xE0F5E1E2
	erofsBits   = 12 // u8: a block has 2^n bytes
	erofsBlocks = 36 // u32
	erofsEnd    = 128
	maxBlocks   = 1 << 31 // 8 TiB: what is computed from it stays far within 64 bits
)

// blocksOf reads from the head of a file system how many blocks it has: at least 2, for of one there is no tree.
func blocksOf(head []byte) (uint64, error) {
	if len(head) < erofsAt+erofsEnd || binary.LittleEndian.Uint32(head[erofsAt:]) != erofsMagic {
		return 0, errors.New("cannot find an erofs")
	}
	sb := head[erofsAt:]
	if bits := sb[erofsBits]; 1<<min(bits, 31) != Block {
		return 0, fmt.Errorf("cannot take an erofs with blocks of 2^%d bytes", bits)
	}
	n := binary.LittleEndian.Uint32(sb[erofsBlocks:])
	if n < 2 || n > maxBlocks {
		return 0, fmt.Errorf("cannot take an erofs of %d blocks", n)
	}
	return uint64(n), nil
}
