package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"bangtin/internal/journal/sqlite"
)

// volatileMost is the largest journal that is copied to memory when the disk cannot be written: it must fit into
// /run beside everything else.
const volatileMost = 128 << 20

// openJournal opens the journal on the data folder. Where that can be read but not written, as an eMMC at its end or a
// full disk leaves it, the display goes on with a copy in memory: it keeps its content and its orders, reports to the
// centre, and forgets at the next start what happened meanwhile. It says so as long as it runs.
func (d *display) openJournal(ctx context.Context, m *Main) error {
	key, known, err := ensureKey(d.path(journalKeyFile))
	if err == nil {
		d.key = key
		d.journal, err = d.openJournalAt(ctx, d.path(journalFile), known, m.Fault)
	}
	if err == nil {
		d.lookForMark()
		return nil
	}
	d.degrade("journal-in-memory", err)
	d.forgets = true
	if d.key == nil {
		if _, d.key, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return err
		}
	}
	folder := filepath.Join(filepath.Dir(d.site.Socket), "journal")
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return fmt.Errorf("cannot make room for a journal in memory: %w", err)
	}
	if err := copyJournal(folder, d.path(journalFile)); err != nil {
		d.log.Error("the journal in memory begins empty", "err", err)
	}
	d.journal, err = d.openJournalAt(ctx, filepath.Join(folder, journalFile), false, m.Fault)
	return err
}

// rescueMark is there, in a folder of root's beside the local socket, while the data folder itself is memory: the system
// put that in the place of a disk that fails, and writes succeed.
const rescueMark = "boot/rescue"

// lookForMark degrades the display where it is, and where nobody can tell.
func (d *display) lookForMark() {
	_, err := os.Stat(filepath.Join(filepath.Dir(d.site.Socket), rescueMark))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		err = errors.New("the disk fails, and the system put memory in its place")
	}
	d.forgets = true
	d.degrade("journal-in-memory", err)
}

func (d *display) openJournalAt(ctx context.Context, path string, expected bool, fault func(string)) (*sqlite.Journal, error) {
	return sqlite.Open(ctx, sqlite.Options{
		Path: path, Key: d.key, Expected: expected, Stamp: d.clock.Stamp, Log: d.log, Fault: fault,
	})
}

// copyJournal copies the database and its log.
func copyJournal(folder, from string) error {
	for _, suffix := range []string{"", "-wal"} {
		in, err := os.Open(from + suffix)
		if errors.Is(err, fs.ErrNotExist) && suffix != "" {
			continue
		}
		if err != nil {
			return err
		}
		err = copyFile(filepath.Join(folder, filepath.Base(from)+suffix), in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(to string, in *os.File) error {
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if info.Size() > volatileMost {
		return fmt.Errorf("cannot copy %s: %d bytes are more than %d", in.Name(), info.Size(), volatileMost)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
