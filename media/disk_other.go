//go:build !linux

package media

import (
	"errors"
	"io/fs"
	"time"
)

// The store is a part of the controller, which is Linux. Elsewhere this package is used for making playlists; it
// has to compile there, not more.

type identity struct {
	size    int64
	written time.Time
}

func identify(info fs.FileInfo) identity { return identity{info.Size(), info.ModTime()} }

func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

func syncDir(string) error { return nil }
