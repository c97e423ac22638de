package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A new journal is built under draftSuffix, and renamed to readySuffix when it is complete and on the disk. Only
// then is a damaged one moved aside and the new one put into its place. A power cut between any two of these
// steps leaves either the damaged file, which is found again, or a ready one, which settle puts into its place.
const (
	draftSuffix   = ".draft"
	readySuffix   = ".ready"
	damagedSuffix = ".damaged-"
	newerSuffix   = ".newer-"
	schemaSuffix  = ".schema" // and the number of the schema: the copy from before a migration
)

// keepAside is how many damaged journals, and how many newer ones, are kept for an inquiry.
const keepAside = 2

// companions are the files that SQLite keeps beside a database; the last beside a copy while it is being made.
func companions(path string) []string {
	return []string{path + "-shm", path + "-wal", path + "-journal"}
}

func isCompanion(name string) bool {
	return strings.HasSuffix(name, "-shm") || strings.HasSuffix(name, "-wal") || strings.HasSuffix(name, "-journal")
}

// settle finishes what a power cut interrupted and tells whether there is a journal at path.
func settle(path string, now time.Time) (found bool, err error) {
	if err := remove(path + draftSuffix); err != nil {
		return false, err
	}
	there, err := exists(path)
	if err != nil {
		return false, err
	}
	if there {
		return true, remove(path + readySuffix)
	}
	ready, err := exists(path + readySuffix)
	if err != nil {
		return false, err
	}
	if !ready {
		return false, checkNoLog(path)
	}
	// The damaged database is aside already; its log would destroy the new one beside it.
	if _, err := moveAside(path, damagedSuffix, now); err != nil {
		return false, err
	}
	return true, install(path)
}

// checkNoLog tells a device's first start from a database that somebody removed: its log was left behind.
func checkNoLog(path string) error {
	there, err := exists(path + "-wal")
	if err != nil {
		return err
	}
	if there {
		return &damage{gone, "the database is gone, its log is there"}
	}
	return nil
}

// install puts the ready journal into its place.
func install(path string) error {
	if err := os.Rename(path+readySuffix, path); err != nil {
		return fmt.Errorf("cannot put new journal into place: %w", err)
	}
	return syncFolder(path)
}

// moveAside renames the database and what stands beside it, whatever of it is there, and returns the new name
// of the database, or nothing when there was nothing. The database goes first: without it nobody takes its log for that of another.
func moveAside(path, suffix string, now time.Time) (string, error) {
	aside, err := freeName(path + suffix + now.UTC().Format("20060102T150405Z"))
	if err != nil {
		return "", err
	}
	moved := ""
	for _, name := range append([]string{path}, companions(path)...) {
		err := os.Rename(name, aside+name[len(path):])
		switch {
		case err == nil:
			moved = aside
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("cannot set journal aside: %w", err)
		}
	}
	return moved, syncFolder(path)
}

// freeName appends a number to name when there is such a file already: the clock may have stood still.
func freeName(name string) (string, error) {
	free := name
	for n := 2; ; n++ {
		taken, err := exists(free)
		if err != nil || !taken {
			return free, err
		}
		free = fmt.Sprintf("%s.%d", name, n)
	}
}

// dropOldest removes all but the newest journals set aside with suffix, by their names. The one just set aside stays whatever
// the clock says.
func dropOldest(path, suffix, justAside string) error {
	older, err := beside(path, suffix)
	if err != nil {
		return err
	}
	older = slices.DeleteFunc(older, func(name string) bool { return name == filepath.Clean(justAside) })
	for len(older) >= keepAside {
		if err := remove(older[0]); err != nil {
			return err
		}
		older = older[1:]
	}
	return nil
}

// beside lists the databases in the folder of path whose names are path, suffix and something more, sorted.
func beside(path, suffix string) (found []string, err error) {
	folder := filepath.Dir(path)
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("cannot list journals: %w", err)
	}
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		if strings.HasPrefix(name, filepath.Clean(path)+suffix) && !isCompanion(name) {
			found = append(found, name)
		}
	}
	return found, nil
}

// remove deletes a database and what stands beside it, as far as it is there.
func remove(path string) error {
	for _, name := range append([]string{path}, companions(path)...) {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove old journal: %w", err)
		}
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// syncFolder makes the names in the folder of path durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot sync folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// syncFile makes the content of a file durable.
func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot sync file: %w", err)
	}
	return errors.Join(file.Sync(), file.Close())
}
