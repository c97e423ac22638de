package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bangtin/internal/pki"
)

const (
	enrolLock = "enrol.lock"
	// enrolledFile holds a whole set that was received, from the moment it is good until it is in place.
	enrolledFile = "enrolled.json"
	// maxEnrolled bytes: a trust document and two certificates, in base64.
	maxEnrolled = 4 << 20
)

// A part is one file of an enrolment.
type part struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// install puts a set of files in place as one: it is written down whole first, and from then on a power cut is
// followed by the rest of it. Before that moment the old files stand.
func install(data string, set []part, fault func(string)) error {
	raw, err := json.Marshal(set)
	if err != nil {
		return fmt.Errorf("cannot note the enrolment: %w", err)
	}
	reach(fault, "enrol-note")
	if err := pki.Write(filepath.Join(data, enrolledFile), raw, 0o600); err != nil {
		return fmt.Errorf("cannot note the enrolment: %w", err)
	}
	return finishInstall(data, set, fault)
}

// finishEnrolment puts in place what a power cut has left. Paths that are not those of this site are refused: the
// site file was changed since, and the display must be enrolled anew.
func finishEnrolment(data string, files pki.Files, fault func(string)) error {
	raw, err := readBounded(filepath.Join(data, enrolledFile), maxEnrolled)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read what was enrolled: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var set []part
	if err := dec.Decode(&set); err != nil {
		return fmt.Errorf("cannot read what was enrolled: %w", err)
	}
	for _, p := range set {
		switch p.Path {
		case files.CA, files.Certificate, filepath.Join(data, trustFile):
		default:
			return fmt.Errorf("cannot finish an enrolment: %s is no file of this site; remove %s and enrol anew", p.Path, enrolledFile)
		}
	}
	return finishInstall(data, set, fault)
}

func finishInstall(data string, set []part, fault func(string)) error {
	for _, p := range set {
		reach(fault, "enrol-file")
		if err := os.MkdirAll(filepath.Dir(p.Path), 0o750); err != nil {
			return fmt.Errorf("cannot make the folder of a certificate: %w", err)
		}
		if err := pki.Write(p.Path, p.Data, 0o644); err != nil {
			return fmt.Errorf("cannot write %s: %w", p.Path, err)
		}
	}
	reach(fault, "enrol-done")
	if err := errors.Join(os.Remove(filepath.Join(data, enrolledFile)), pki.SyncFolder(data)); err != nil {
		return fmt.Errorf("cannot end the enrolment: %w", err)
	}
	return nil
}

func reach(fault func(string), label string) {
	if fault != nil {
		fault(label)
	}
}
