package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// A write is one that the disk was asked for.
type write struct {
	at   int64 // bytes from the disk's beginning
	data []byte
	sure bool // what came before it is on the medium before this: a flush, with or without data
}

// The log of QEMU's blklogwrites is that of dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst): a
// sector that describes it, then for each write a sector with its head and its data behind it.
const (
	logMagic   = 0x6a736677736872
	logFlush   = 1
	logFUA     = 2
	logDiscard = 4
	logMark    = 8
	maxWrite   = 64 << 20 // bytes of one write; QEMU's limit is below it
)

// readLog reads what was recorded so far.
func readLog(path string) ([]write, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, sector)
	if _, err := io.ReadFull(f, head); err == io.EOF {
		return nil, nil // nothing was written yet
	} else if err != nil {
		return nil, fmt.Errorf("cannot read the log: %w", err)
	}
	if magic := binary.LittleEndian.Uint64(head); magic != 0 && magic != logMagic {
		return nil, fmt.Errorf("cannot read the log: it begins with %#x", magic)
	}
	var all []write
	for {
		if _, err := io.ReadFull(f, head); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read the log: %w", err)
		}
		at, n := binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint64(head[8:])
		flags := binary.LittleEndian.Uint64(head[16:])
		w := write{at: int64(at) * sector, sure: flags&(logFlush|logFUA) != 0}
		switch {
		case flags&^(logFlush|logFUA) != 0:
			return nil, fmt.Errorf("cannot read the log: entry %d has flags %#x: a discard was not expected", len(all), flags)
		case n*sector > maxWrite:
			return nil, fmt.Errorf("cannot read the log: entry %d has %d sectors", len(all), n)
		}
		w.data = make([]byte, n*sector)
		if _, err := io.ReadFull(f, w.data); err != nil {
			return nil, fmt.Errorf("cannot read the log: entry %d: %w", len(all), err)
		}
		all = append(all, w)
	}
}

// apply brings writes to a disk.
func apply(path string, writes []write) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, w := range writes {
		if _, err := f.WriteAt(w.data, w.at); err != nil {
			return err
		}
	}
	return nil
}

// upTo is the first sectors of a write.
func (w write) upTo(sectors int) write {
	w.data = w.data[:sectors*sector]
	return w
}

// changes says where data differs from what is there, by the byte.
func changes(there, data []byte) []int {
	var at []int
	if bytes.Equal(there, data) {
		return nil
	}
	for i := range data {
		if there[i] != data[i] {
			at = append(at, i)
		}
	}
	return at
}
