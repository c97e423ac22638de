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
//
// It has to end with layout.EndArg. systemd's stub (257) appends to a signed line, Secure Boot or not, what the firmware's
// table of strings says (SMBIOS type 11, io.systemd.stub.kernel-cmdline-extra), and what it finds in add-ons beside it.
func rootHash(commandLine string) (verity.Hash, error) {
	if len(commandLine) > maxCommandLine {
		return verity.Hash{}, fmt.Errorf("cannot take a command line of %d bytes", len(commandLine))
	}
	words := strings.Fields(commandLine)
	if len(words) == 0 || words[len(words)-1] != layout.EndArg {
		return verity.Hash{}, errors.New("the command line does not end with " + layout.EndArg + ": it is not the signed one, or something was added")
	}
	var found []string
	for _, word := range words {
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
