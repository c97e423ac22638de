package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bangtin/internal/notice"
)

// Bounds of what crashes leave on data: the newest, and not too much of them. A kernel leaves some tens of KiB.
const (
	maxCrashes    = 8
	maxCrashBytes = 4 << 20
)

// A morgue is where systemd-pstore puts what the kernel left when it died, each crash a file or a folder.
type morgue struct{ dir, notices string }

func crashes(data, notices string) morgue {
	return morgue{dir: filepath.Join(data, "var/lib/systemd/pstore"), notices: notices}
}

// told is the list of crashes that were told of, below dir.
const told = ".told"

type crash struct {
	name  string
	at    time.Time
	bytes int64
}

// tell says in a notice which crashes are new, and removes the oldest.
func (m morgue) tell() error {
	all, err := m.list()
	if err != nil || len(all) == 0 {
		return err
	}
	before, err := os.ReadFile(filepath.Join(m.dir, told))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read which crashes were told of: %w", err)
	}
	known := strings.Split(string(before), "\n")
	var fresh, names []string
	var total int64
	for i, c := range all {
		if total += c.bytes; i >= maxCrashes || total > maxCrashBytes && i > 0 {
			if err := os.RemoveAll(filepath.Join(m.dir, c.name)); err != nil {
				return fmt.Errorf("cannot remove an old crash: %w", err)
			}
			continue
		}
		names = append(names, c.name)
		if !slices.Contains(known, c.name) {
			fresh = append(fresh, filepath.Join(m.dir, c.name))
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	err = notice.Put(m.notices, notice.Notice{
		Part: "crash", Code: "K01",
		Vi:      "Hệ thống đã bị lỗi nặng ở lần chạy trước và tự khởi động lại. Bản ghi lỗi được lưu trong máy.",
		En:      "The system crashed the last time and started anew. What it left is kept on the machine.",
		Details: fresh,
	})
	return errors.Join(err, os.WriteFile(filepath.Join(m.dir, told), []byte(strings.Join(names, "\n")+"\n"), 0o600))
}

// list is what is kept, the newest first.
func (m morgue) list() ([]crash, error) {
	entries, err := os.ReadDir(m.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what crashes left: %w", err)
	}
	var all []crash
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		c := crash{name: e.Name()}
		err := filepath.WalkDir(filepath.Join(m.dir, e.Name()), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.ModTime().After(c.at) {
				c.at = info.ModTime()
			}
			if info.Mode().IsRegular() {
				c.bytes += info.Size()
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("cannot read what crashes left: %w", err)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b crash) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.name, a.name)) })
	return all, nil
}
