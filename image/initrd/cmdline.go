package main

import (
	"errors"
	"fmt"
	"strings"

	"bangtin/image/initrd/verity"
	"bangtin/image/layout"
)

// maxCommandLine is the kernel's COMMAND_LINE_SIZE on x86 and arm64, in bytes.
const maxCommandLine = 2048

// rootHash takes the root hash from the kernel's command line. It has to be there once: of two, somebody may have added
// the second. Words in quotes, which the kernel would take as one, are no reason to look differently: a hash has no
// space.
func rootHash(commandLine string) (verity.Hash, error) {
	if len(commandLine) > maxCommandLine {
		return verity.Hash{}, fmt.Errorf("cannot take a command line of %d bytes", len(commandLine))
	}
	var found []string
	for _, word := range strings.Fields(commandLine) {
		if value, ok := strings.CutPrefix(word, layout.RootArg); ok {
			found = append(found, value)
		}
	}
	switch len(found) {
	case 0:
		return verity.Hash{}, errors.New("the command line has no " + layout.RootArg)
	case 1:
		return verity.ParseHash(found[0])
	}
	return verity.Hash{}, fmt.Errorf("the command line has %s %d times", layout.RootArg, len(found))
}
