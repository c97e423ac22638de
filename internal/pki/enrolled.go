package pki

import (
	"os"
	"path/filepath"
)

// Enrolled reports whether a certificate was ever issued to the display, also one that has run out or was revoked. The
// name must be one that a display may have.
func (o *Office) Enrolled(device string) bool {
	info, err := os.Stat(o.path(filepath.Join("issued", ofDisplays, device)))
	return err == nil && info.IsDir()
}
