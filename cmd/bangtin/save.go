package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image/jpeg"
	"os"
	"path/filepath"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// suffixOf what a display leaves at the centre for a command, or nothing.
func suffixOf(k wire.CommandKind) string {
	switch k {
	case wire.DoScreenshot:
		return ".jpg"
	case wire.DoDiagnostics:
		return ".json"
	}
	return ""
}

// save fetches what displays left at the centre and writes it to the folder. That verifies these commands: the
// centre had it from the display's certificate, whatever the answer said. Without it they failed: it is what was wanted.
func (p *Program) save(ctx context.Context, c *access, chase *pursuit, dir string) error {
	depot, err := p.openDepot(c)
	if err != nil {
		return err
	}
	for _, f := range chase.ends() {
		if f.stage != stageDone {
			continue
		}
		told := step{By: byFile, At: p.Now().UTC().Truncate(time.Second)}
		saved, err := fetch(ctx, depot, f.display, chase.command, dir)
		if err != nil {
			told.Reason = visible(err.Error())
			p.tellStep(chase.reach(f.display, stageFailed, told))
			continue
		}
		if told.Evidence, err = wire.Encode(saved); err != nil {
			return err
		}
		told.saved = saved.File
		p.tellStep(chase.reach(f.display, stageVerified, told))
	}
	return nil
}

// fetch brings one file.
func fetch(ctx context.Context, depot *depot, display string, c *wire.Command, dir string) (savedObject, error) {
	suffix := suffixOf(c.Kind)
	raw, missing, err := depot.get(ctx, "upload/"+display+"/"+c.ID+suffix)
	if err != nil {
		return savedObject{}, err
	}
	if missing {
		return savedObject{}, errors.New("the centre does not have it")
	}
	if err := checkReturned(suffix, raw); err != nil {
		return savedObject{}, err
	}
	path := filepath.Join(dir, display+"-"+c.ID+suffix)
	if err := replace(path, raw); err != nil {
		return savedObject{}, err
	}
	sum := sha256.Sum256(raw)
	return savedObject{File: path, Bytes: len(raw), SHA256: hex.EncodeToString(sum[:])}, nil
}

// writableFolder makes the folder and finds out whether files can be written there, before anybody is sent anything.
func writableFolder(dir string) error {
	if err := makeFolder(dir); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".bangtin-*.part")
	if err != nil {
		return unwritable(dir, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return unwritable(dir, err)
	}
	return nil
}

// savedObject is the evidence of a file that was fetched.
type savedObject struct {
	File   string `json:"file"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// checkReturned refuses what is no picture or no report: nobody shall open just anything that a display left.
func checkReturned(suffix string, raw []byte) error {
	if suffix == ".jpg" {
		_, err := jpeg.DecodeConfig(bytes.NewReader(raw))
		return err
	}
	report := map[string]json.RawMessage{}
	return trust.DecodeJSON(raw, &report)
}
