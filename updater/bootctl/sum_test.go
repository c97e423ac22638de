package bootctl_test

import (
	"encoding/binary"
	"hash/crc32"

	"bangtin/updater/bootctl"
)

// whole makes a file of the right size and sum of its beginning, so that a fuzzer gets behind both.
func whole(head []byte) []byte {
	file := make([]byte, bootctl.FileSize)
	sum := len(file) - 4
	copy(file[:sum], head)
	binary.LittleEndian.PutUint32(file[sum:], crc32.ChecksumIEEE(file[:sum]))
	return file
}
