package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"bangtin/internal/trust"
)

// lookAtTrust is how often the department's document is looked at.
const lookAtTrust = 5 * time.Second

// A trustFile is the department's document as it stands on disk. Whoever may write there runs the centre's machine, so
// any document that is signed by its own trust role is taken; it decides only which commands are sent again.
type trustFile struct {
	path     string
	log      *slog.Logger
	document atomic.Pointer[trust.Document]
	seen     os.FileInfo
	told     string
}

// newTrustFile reads the document if it is there.
func newTrustFile(path string, log *slog.Logger) *trustFile {
	f := &trustFile{path: path, log: log}
	f.look()
	return f
}

// Document is nil while there is none.
func (f *trustFile) Document() *trust.Document { return f.document.Load() }

// Envelope is the document as it is handed to a display that enrols.
func (f *trustFile) Envelope() ([]byte, error) {
	if f.Document() == nil {
		return nil, errors.New("cannot hand out the trust document: there is none")
	}
	return f.raw()
}

// Run reads the document again when it changes, until ctx ends.
func (f *trustFile) Run(ctx context.Context) error {
	tick := time.NewTicker(lookAtTrust)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.look()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *trustFile) look() {
	info, err := os.Stat(f.path)
	if err == nil && f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return
	}
	if err == nil {
		err = f.read()
	}
	switch {
	case err == nil:
		f.seen, f.told = info, ""
	case f.told != err.Error():
		f.told = err.Error()
		f.log.Warn("cannot use the trust document: commands are not kept, or by the one before", "err", err)
	}
}

func (f *trustFile) raw() ([]byte, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	if info.Size() > trust.MaxEnvelope {
		return nil, errors.New("cannot read " + f.path + ": it is too large")
	}
	return os.ReadFile(f.path)
}

func (f *trustFile) read() error {
	raw, err := f.raw()
	if err != nil {
		return err
	}
	d, err := trust.ParseDocument(raw)
	if err != nil {
		return err
	}
	f.document.Store(d)
	f.log.Info("trust document", "version", d.Version)
	return nil
}
