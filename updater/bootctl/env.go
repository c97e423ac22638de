// Package bootctl reads and changes what EFI Boot Guard starts. Each slot has an environment in a file of its own, on a
// partition of its own. A change writes one file, of a slot that is not the one to fall back to: cut anywhere, it leaves
// a slot that boots.
package bootctl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"bangtin/image/layout"
)

// A State is what an environment says of its slot. The numbers are EFI Boot Guard's.
type State uint8

// The states.
const (
	OK        State = 0 // confirmed: it boots as often as it is the newest
	Installed State = 1 // the next boot is its trial
	Testing   State = 2 // the trial has begun; the loader wrote this, and a boot that finds it gives the slot up
	Failed    State = 3
)

func (s State) String() string {
	switch s {
	case OK:
		return "ok"
	case Installed:
		return "installed"
	case Testing:
		return "testing"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// An Env is a slot's environment.
type Env struct {
	Kernel     string // "C:<label>:<path>", the label that of the file EFILABEL on the volume; at most 254 characters of ASCII
	Args       string // what the kernel is given; at most 254 characters of ASCII
	InProgress bool   // the loader passes over it once, for the second newest
	State      State
	Watchdog   uint16 // seconds from the loader until the machine is reset; 0 leaves the watchdog alone
	Revision   uint32 // the highest boots; 0 is given up
}

// Where things lie in the file, as EFI Boot Guard 0.19 has it in include/envdata.h: packed, little-endian, two strings
// of 255 UTF-16 characters, in_progress, ustate, watchdog, revision, the user's variables, CRC-32 of all before it.
// Debian builds it with 128 KiB of variables.
const (
	textChars  = 255
	atArgs     = 2 * textChars
	atProgress = 4 * textChars
	atState    = atProgress + 1
	atWatchdog = atProgress + 2
	atRevision = atProgress + 4
	atUser     = atProgress + 8
	atSum      = atUser + 128<<10

	// FileSize is the size of an environment's file, in bytes.
	FileSize = atSum + 4
)

// FileName is the file's, in the root folder of its partition.
const FileName = "BGENV.DAT"

// KernelPath is what an environment of a slot has as its kernel: the path on the slot's boot partition, which the
// loader finds by the label in the partition's file EFILABEL.
func KernelPath(slot layout.Slot) string {
	boot, _ := layout.Find(layout.Boot, slot)
	return "C:" + boot.Label() + ":" + strings.TrimPrefix(layout.Kernel, "/")
}

// Decode reads a file. What the loader would not take, or nobody but a stranger would have written, is an error. The
// user's variables are passed over: nothing of ours has any.
func Decode(file []byte) (Env, error) {
	var none Env
	if len(file) != FileSize {
		return none, fmt.Errorf("cannot read a boot environment: it has %d bytes, not %d", len(file), FileSize)
	}
	if !whole(file) {
		return none, errors.New("cannot read a boot environment: its checksum is another")
	}
	kernel, err := text(file[:atArgs])
	if err != nil {
		return none, fmt.Errorf("cannot read a boot environment: its kernel: %w", err)
	}
	args, err := text(file[atArgs:atProgress])
	if err != nil {
		return none, fmt.Errorf("cannot read a boot environment: its arguments: %w", err)
	}
	if file[atProgress] > 1 || State(file[atState]) > Failed {
		return none, fmt.Errorf("cannot read a boot environment: it is in %v, in progress %d", State(file[atState]), file[atProgress])
	}
	env := numbers(file)
	env.Kernel, env.Args = kernel, args
	return env, nil
}

// whole says whether the loader takes a file: it reads as much as it knows, and compares the sum.
func whole(file []byte) bool {
	return len(file) >= FileSize && crc32.ChecksumIEEE(file[:atSum]) == binary.LittleEndian.Uint32(file[atSum:])
}

// numbers reads all but the strings, and judges nothing.
func numbers(file []byte) Env {
	return Env{
		InProgress: file[atProgress] == 1,
		State:      State(file[atState]),
		Watchdog:   binary.LittleEndian.Uint16(file[atWatchdog:]),
		Revision:   binary.LittleEndian.Uint32(file[atRevision:]),
	}
}

// Encode makes a file of an environment.
func (e Env) Encode() ([]byte, error) {
	if e.State > Failed {
		return nil, fmt.Errorf("cannot write a boot environment: no %v", e.State)
	}
	file := make([]byte, FileSize)
	if err := putText(file[:atArgs], e.Kernel); err != nil {
		return nil, fmt.Errorf("cannot write a boot environment: its kernel: %w", err)
	}
	if err := putText(file[atArgs:atProgress], e.Args); err != nil {
		return nil, fmt.Errorf("cannot write a boot environment: its arguments: %w", err)
	}
	if e.InProgress {
		file[atProgress] = 1
	}
	file[atState] = byte(e.State)
	binary.LittleEndian.PutUint16(file[atWatchdog:], e.Watchdog)
	binary.LittleEndian.PutUint32(file[atRevision:], e.Revision)
	binary.LittleEndian.PutUint32(file[atSum:], crc32.ChecksumIEEE(file[:atSum]))
	return file, nil
}

// text is a string of UTF-16 to its first zero. What follows the zero is of no meaning to the loader.
func text(field []byte) (string, error) {
	var out bytes.Buffer
	for i := 0; i+1 < len(field); i += 2 {
		c := binary.LittleEndian.Uint16(field[i:])
		if c == 0 {
			return out.String(), nil
		}
		if c < ' ' || c > '~' {
			return "", fmt.Errorf("character %d is %#04x", i/2, c)
		}
		out.WriteByte(byte(c))
	}
	return "", errors.New("it has no end")
}

func putText(field []byte, s string) error {
	if len(s) >= len(field)/2 {
		return fmt.Errorf("%d characters are more than %d", len(s), len(field)/2-1)
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return fmt.Errorf("character %d is %#02x", i, s[i])
		}
		field[2*i] = s[i]
	}
	return nil
}
