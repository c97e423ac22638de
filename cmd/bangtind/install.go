package main

import (
	"fmt"
	"path/filepath"

	"bangtin/internal/fileset"
	"bangtin/internal/pki"
)

const (
	enrolLock = "enrol.lock"
	// enrolledFile holds a whole set that was received, from the moment it is good until it is in place.
	enrolledFile = "enrolled.json"
)

// enrolled is where what was received goes: a trust document and two certificates, as one.
func enrolled(data string, fault func(string)) fileset.Place {
	return fileset.Place{Note: filepath.Join(data, enrolledFile), Mode: 0o644, Label: "enrol", Fault: fault}
}

// install puts what was received in place.
func install(data string, set []fileset.File, fault func(string)) error {
	if err := enrolled(data, fault).Put(set); err != nil {
		return fmt.Errorf("cannot install the enrolment: %w", err)
	}
	return nil
}

// finishEnrolment puts in place what a power cut has left. Paths that are not those of this site are refused: the
// site file was changed since, and the display must be enrolled anew.
func finishEnrolment(data string, files pki.Files, fault func(string)) error {
	err := enrolled(data, fault).Finish(func(path string) bool {
		return path == files.CA || path == files.Certificate || path == filepath.Join(data, trustFile)
	})
	if err != nil {
		return fmt.Errorf("cannot finish an enrolment, which must be done anew: %w", err)
	}
	return nil
}
