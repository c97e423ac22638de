package mpv

import (
	"fmt"
	"os"
)

// What is in the runtime folder may be read by the folder's group: a mpv that runs as another user is in it, and the
// folder hands its group down (setgid). Where mpv is our child the folder itself is closed to all others.
const (
	folderMode = 0o750
	fileMode   = 0o640
)

// makeRuntime makes the folder of our own, 0700. One that is as it should be is left alone: the disk may be read-only.
// The one that is shared with another user was made by who made that user (tmpfiles.d), and stays as it is.
func (o Options) makeRuntime() error {
	if o.Player != "" {
		info, err := os.Stat(o.Runtime)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", o.Runtime)
		}
		if err != nil {
			return fmt.Errorf("cannot use the player's folder: %w", err)
		}
		return nil
	}
	if err := os.MkdirAll(o.Runtime, 0o700); err != nil {
		return fmt.Errorf("cannot make the player's folder: %w", err)
	}
	info, err := os.Stat(o.Runtime)
	if err != nil {
		return fmt.Errorf("cannot look at the player's folder: %w", err)
	}
	if info.Mode().Perm() == 0o700 {
		return nil
	}
	if err := os.Chmod(o.Runtime, 0o700); err != nil {
		return fmt.Errorf("cannot close the player's folder: %w", err)
	}
	return nil
}

// shotMode is that of a folder which mpv is to write a screenshot into: the one folder that another user may write to,
// for as long as that takes.
func (o Options) shotMode() os.FileMode {
	if o.Player != "" {
		return 0o770
	}
	return 0o700
}
