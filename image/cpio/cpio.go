// Package cpio writes archives in the "newc" form, which is what the kernel unpacks as its initial file system
// (Documentation/driver-api/early-userspace/buffer-format.rst).
package cpio

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Writer writes one archive. All that it adds is root's and of no time: what is added decides each byte. Its first
// error ends it, and is Close's.
type Writer struct {
	w    io.Writer
	seen map[string]bool // folders that are there
	ino  int
	err  error
}

// NewWriter begins an archive.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, seen: map[string]bool{"/": true}} }

// File adds a file with the given permissions, and its folders. path is absolute.
func (c *Writer) File(path string, mode fs.FileMode, data []byte) {
	c.folders(filepath.Dir(path))
	c.entry(path, 0o100000|uint32(mode.Perm()), data)
}

// Copy adds a file of this machine, under path.
func (c *Writer) Copy(path, from string) {
	info, err := os.Stat(from)
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(from); err == nil {
			c.File(path, info.Mode(), data)
		}
	}
	if c.err == nil {
		c.err = err
	}
}

// Tree adds all files of a folder of this machine, below path, in the order of their names.
func (c *Writer) Tree(path, from string) {
	err := filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			c.Copy(path+strings.TrimPrefix(file, from), file)
		}
		return err
	})
	if c.err == nil {
		c.err = err
	}
}

// Close ends the archive. Another may follow it in the same file.
func (c *Writer) Close() error {
	c.entry("TRAILER!!!", 0, nil)
	return c.err
}

func (c *Writer) folders(dir string) {
	if c.seen[dir] {
		return
	}
	c.folders(filepath.Dir(dir))
	c.seen[dir] = true
	c.entry(dir, 0o040755, nil)
}

func (c *Writer) entry(path string, mode uint32, data []byte) {
	c.ino++
	name := strings.TrimPrefix(path, "/")
	// magic, inode, mode, uid, gid, links, mtime, size, device and special device, length of the name, checksum
	c.printf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	c.pad(110 + len(name) + 1)
	c.printf("%s", data)
	c.pad(len(data))
}

func (c *Writer) pad(n int) { c.printf("%s", "\x00\x00\x00"[:(4-n%4)%4]) }

func (c *Writer) printf(format string, args ...any) {
	if c.err == nil {
		_, c.err = fmt.Fprintf(c.w, format, args...)
	}
}
