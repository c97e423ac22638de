package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// capability is where the kernel keeps what a file may do more than who starts it.
const capability = "security.capability"

// capabilities names each regular file below root, on the same file system, that has capabilities; getcap is not in the
// image. What it cannot look at is an error; what went away while it looked is none.
func capabilities(root string, out io.Writer) error {
	var top unix.Stat_t
	if err := unix.Lstat(root, &top); err != nil {
		return fmt.Errorf("cannot look at %s: %w", root, err)
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &st)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("cannot look at %s: %w", path, err)
		case d.IsDir() && st.Dev != top.Dev:
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		value := make([]byte, 64) // XATTR_CAPS_SZ_3 is 24
		n, err := unix.Lgetxattr(path, capability, value)
		switch {
		case errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTSUP):
			return nil
		case err != nil:
			return fmt.Errorf("cannot read the capabilities of %s: %w", path, err)
		}
		_, err = fmt.Fprintf(out, "capabilities %x %s\n", value[:n], path)
		return err
	})
}
