package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// The firmware's variables as EDK2 keeps them in flash: a volume's head, a store's head, and one variable behind another
// (MdeModulePkg/Include/Guid/VariableFormat.h).
const (
	volumeHead   = 0x48 // bytes: EFI_FIRMWARE_VOLUME_HEADER with a map of two lines
	storeHead    = 28   // bytes: VARIABLE_STORE_HEADER
	variableHead = 60   // bytes: AUTHENTICATED_VARIABLE_HEADER
	startID      = 0x55aa
	added        = 0x3f // VAR_ADDED
	// authenticated is NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS | TIME_BASED_AUTHENTICATED_WRITE_ACCESS.
	authenticated = 0x27
)

// A guid as it lies in memory.
type guid [16]byte

// Vendors and types of UEFI 2.10: §3.3, §32.6.1 and §32.4.1; authStore is EDK2's gEfiAuthenticatedVariableGuid.
func globalVariable() guid {
	return guid{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}
}

func securityDatabase() guid {
	return guid{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f}
}

func x509Type() guid {
	return guid{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}
}

func authStore() guid {
	return guid{0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92}
}

// enrol returns an empty store of variables with one certificate, DER, as platform key, key exchange key and in db: what
// somebody has done in the firmware's menu who trusts nobody else. With a platform key EDK2 switches Secure Boot on.
func enrol(store, certificate []byte) ([]byte, error) {
	if len(store) < volumeHead+storeHead || !bytes.Equal(store[volumeHead:volumeHead+16], func() []byte { g := authStore(); return g[:] }()) {
		return nil, errors.New("cannot enrol: this is no store of variables of EDK2")
	}
	size := int(binary.LittleEndian.Uint32(store[volumeHead+16:]))
	at, end := volumeHead+storeHead, volumeHead+size
	if size < storeHead || end > len(store) || binary.LittleEndian.Uint16(store[at:]) != 0xffff {
		return nil, errors.New("cannot enrol: the store of variables is not an empty one")
	}
	store = bytes.Clone(store)
	list := signatureList(certificate)
	for _, v := range []struct {
		name   string
		vendor guid
	}{{"PK", globalVariable()}, {"KEK", globalVariable()}, {"db", securityDatabase()}} {
		record := variable(v.name, v.vendor, list)
		if at+len(record) > end {
			return nil, fmt.Errorf("cannot enrol: %s does not fit", v.name)
		}
		copy(store[at:], record)
		at = (at + len(record) + 3) &^ 3
	}
	return store, nil
}

// signatureList is an EFI_SIGNATURE_LIST with one certificate, whose owner is nobody.
func signatureList(certificate []byte) []byte {
	kind := x509Type()
	list := append([]byte{}, kind[:]...)
	list = binary.LittleEndian.AppendUint32(list, uint32(16+12+16+len(certificate)))
	list = binary.LittleEndian.AppendUint32(list, 0)
	list = binary.LittleEndian.AppendUint32(list, uint32(16+len(certificate)))
	list = append(list, make([]byte, 16)...)
	return append(list, certificate...)
}

// variable is a record of the store, set in 2026.
func variable(name string, vendor guid, data []byte) []byte {
	var text []byte
	for _, unit := range utf16.Encode([]rune(name + "\x00")) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	record := make([]byte, 0, variableHead+len(text)+len(data))
	record = binary.LittleEndian.AppendUint16(record, startID)
	record = append(record, added, 0)
	record = binary.LittleEndian.AppendUint32(record, authenticated)
	record = binary.LittleEndian.AppendUint64(record, 0)
	record = append(record, 0xea, 0x07, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // EFI_TIME
	record = binary.LittleEndian.AppendUint32(record, 0)
	record = binary.LittleEndian.AppendUint32(record, uint32(len(text)))
	record = binary.LittleEndian.AppendUint32(record, uint32(len(data)))
	record = append(record, vendor[:]...)
	return append(append(record, text...), data...)
}
