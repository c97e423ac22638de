package main

import (
	"fmt"
	"path/filepath"
)

// takeFirmware copies what the displays' drivers load into the hardware to where the kernel looks for it in the initrd. A
// driver asks once, when it is loaded: what is not there then is not there at all.
func (b *build) takeFirmware() error {
	for _, pattern := range b.recipe.firmware {
		found, err := filepath.Glob(filepath.Join(b.tree(), pattern))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("no firmware is there at %s", pattern)
		}
		for _, path := range found {
			rest, err := filepath.Rel(filepath.Join(b.tree(), "usr"), path)
			if err != nil {
				return err
			}
			if err := copyFile(filepath.Join(b.made("initrd.d"), rest), path, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
