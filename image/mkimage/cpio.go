package main

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// A cpio writes an archive in the "newc" form, which is what the kernel unpacks as its initial file system
// (Documentation/driver-api/early-userspace/buffer-format.rst). Its first error ends it.
type cpio struct {
	w    io.Writer
	seen map[string]bool // folders that are there
	ino  int
	err  error
}

func newCpio(w io.Writer) *cpio { return &cpio{w: w, seen: map[string]bool{"/": true}} }

// file adds a file with the given permissions, and its folders. path is absolute.
func (c *cpio) file(path string, mode fs.FileMode, data []byte) {
	c.folders(filepath.Dir(path))
	c.entry(path, 0o100000|uint32(mode.Perm()), data)
}

func (c *cpio) folders(dir string) {
	if c.seen[dir] {
		return
	}
	c.folders(filepath.Dir(dir))
	c.seen[dir] = true
	c.entry(dir, 0o040755, nil)
}

func (c *cpio) entry(path string, mode uint32, data []byte) {
	c.ino++
	name := strings.TrimPrefix(path, "/")
	// magic, inode, mode, uid, gid, links, mtime, size, device and special device, length of the name, checksum
	c.printf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0, name)
	c.pad(110 + len(name) + 1)
	c.printf("%s", data)
	c.pad(len(data))
}

// close ends the archive. Another may follow it in the same file.
func (c *cpio) close() error {
	c.entry("TRAILER!!!", 0, nil)
	return c.err
}

func (c *cpio) pad(n int) { c.printf("%s", "\x00\x00\x00"[:(4-n%4)%4]) }

func (c *cpio) printf(format string, args ...any) {
	if c.err == nil {
		_, c.err = fmt.Fprintf(c.w, format, args...)
	}
}
