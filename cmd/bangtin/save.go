package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image/jpeg"
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
// centre had it from the display's certificate, whatever the answer said.
func (p *Program) save(ctx context.Context, c *access, chase *pursuit, dir string) error {
	suffix := suffixOf(chase.command.Kind)
	depot, err := p.openDepot(c)
	if err != nil {
		return err
	}
	if err := makeFolder(dir); err != nil {
		return err
	}
	for _, f := range chase.ends() {
		if f.stage != stageDone {
			continue
		}
		raw, missing, err := depot.get(ctx, "upload/"+f.display+"/"+chase.command.ID+suffix)
		if err == nil && missing {
			err = errors.New("the centre does not have it")
		}
		if err == nil {
			err = checkReturned(suffix, raw)
		}
		if err != nil {
			p.tell(say("%s: not fetched: %s", f.display, visible(err.Error())))
			continue
		}
		path := filepath.Join(dir, f.display+"-"+chase.command.ID+suffix)
		if err := replace(path, raw); err != nil {
			return err
		}
		sum := sha256.Sum256(raw)
		evidence, err := wire.Encode(savedObject{File: path, Bytes: len(raw), SHA256: hex.EncodeToString(sum[:])})
		if err != nil {
			return err
		}
		p.tellStep(chase.verify(f.display, step{At: p.Now().UTC().Truncate(time.Second), Evidence: evidence, saved: path}))
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
