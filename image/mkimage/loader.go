package main

import (
	"bytes"
	"fmt"
)

// quiet takes from EFI Boot Guard's program what it says when all is well, which would be on the public screen: the first
// character of each such text becomes its end. No instruction is changed, and what fails is still said. Its own switch
// for that (configure --enable-silent-boot) needs a build of one's own, and says that the watchdog is off all the same.
//
// It fails where a text is not there exactly once: then Debian's program is another one, and its source has to be read.
func quiet(program []byte) ([]byte, error) {
	program = bytes.Clone(program)
	for _, text := range said() {
		if err := cutText(program, text, 1); err != nil {
			return nil, err
		}
	}
	for _, text := range detected() {
		if err := cutText(program, text, 0); err != nil {
			return nil, err
		}
	}
	return program, nil
}

// cutText empties a text that is there at least as often as said, and once at most.
func cutText(program []byte, text string, least int) error {
	// The zero before it: it is not the end of another one, which may share it.
	pattern := append(append([]byte{0, 0}, utf16le(text)...), 0, 0)
	n := bytes.Count(program, pattern)
	if n < least || n > 1 {
		return fmt.Errorf("cannot silence the boot loader: it has %q %d times", text, n)
	}
	if n == 1 {
		at := bytes.Index(program, pattern)
		program[at+2], program[at+3] = 0, 0
	}
	return nil
}

// said are the texts of every start: INFO in main.c, utils.c and env/ of 0.19, and the warning of a timeout of 0.
func said() []string {
	return []string{
		"EFI Boot Guard %s\n",
		"Boot medium: %s\n",
		"Found %d handles for file IO\n\n",
		"Volume %d: ",
		"(On boot medium) ",
		"%s, LABEL=%s, CLABEL=%s\n",
		"Loading configuration...\n",
		"Config file found on volume %d.\n",
		"Booting with environments from boot medium only.\n",
		"%d config partitions detected.\n",
		"Config Revision: %d:\n",
		" ustate: %d\n",
		" kernel: %s\n",
		" args: %s\n",
		" timeout: %d seconds\n",
		"Full path for kernel is: %s\n",
		"LoaderDevicePartUUID=%s\n",
		"Starting %s with watchdog set to %d seconds ...\n",
		"WARNING: ", // before the next one, and before others that say by themselves what is wrong
		"Watchdog is disabled.\n",
	}
}

// detected are those of the watchdogs, each there where its driver is: INFO in drivers/watchdog of 0.19.
func detected() []string {
	return []string{
		"Detected AMD FCH Watchdog Timer (rev %X)\n",
		"Detected Intel Atom/Quark watchdog\n",
		"Detected EIO200 WDT (status: 0x%02x)\n",
		"Detected HPE ProLiant watchdog\n",
		"Detected i6300ESB watchdog\n",
		"Detected SIMATIC IPC4x7E watchdog\n",
		"Detected SIMATIC BX-21A watchdog\n",
		"Detected IPMI watchdog at I/O 0x%x\n",
		"Detected Intel TCO %s watchdog\n",
		"Detected SIMATIC BX5xA watchdog\n",
		"Detected WDAT watchdog\n",
		"Boot caused by watchdog\n",
	}
}
