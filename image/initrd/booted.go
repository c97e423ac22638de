package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
)

// bootedFrom is the variable in which the kernel image's EFI stub leaves the GUID of the partition that it was loaded
// from (systemd's Boot Loader Interface): four bytes of attributes, and text in UTF-16. LoaderDevicePartUUID, which is
// like it, is the boot loader's: with EFI Boot Guard it names the ESP.
const bootedFrom = "StubDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

// maxVariable is more than a GUID takes, in bytes: attributes, 36 characters, and the zero that ends them.
const maxVariable = 4 + 2*(36+1)

// bootedSlot asks the firmware which slot's kernel runs. It is a hint: the firmware may have no variables, or none of
// this name. The root hash decides what is mounted.
func bootedSlot() layout.Slot {
	const folder = "/sys/firmware/efi/efivars" // there where the firmware is UEFI
	if err := unix.Mount("efivarfs", folder, "efivarfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return ""
	}
	defer func() { // the root's init mounts it as it likes
		if err := unix.Unmount(folder, 0); err != nil {
			log("cannot unmount the firmware's variables: " + err.Error())
		}
	}()
	f, err := os.Open(filepath.Join(folder, bootedFrom))
	if err != nil {
		return ""
	}
	defer f.Close()
	value := make([]byte, maxVariable+1)
	n, err := f.Read(value) // in one piece, as efivarfs has it
	if err != nil {
		return ""
	}
	return slotOfVariable(value[:n])
}

// slotOfVariable reads the variable: the slot whose boot partition it names, or none.
func slotOfVariable(value []byte) layout.Slot {
	if len(value) < 4 || len(value) > maxVariable || len(value)%2 != 0 {
		return ""
	}
	var units []uint16
	for at := 4; at < len(value); at += 2 {
		units = append(units, binary.LittleEndian.Uint16(value[at:]))
	}
	guid := strings.ToLower(strings.TrimSuffix(string(utf16.Decode(units)), "\x00"))
	for _, p := range layout.Partitions() {
		if p.Role == layout.Boot && p.GUID == guid {
			return p.Slot
		}
	}
	return ""
}
