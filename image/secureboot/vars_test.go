package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf16"

	"bangtin/image/layout"
)

// emptyStore is a store as Debian's firmware has it in OVMF_VARS_4M.fd, and something behind it.
func emptyStore(size int) []byte {
	kind := authStore()
	store := append(make([]byte, volumeHead), kind[:]...)
	store = binary.LittleEndian.AppendUint32(store, uint32(size))
	store = append(store, 0x5a, 0xfe, 0, 0, 0, 0, 0, 0)
	store = append(store, bytes.Repeat([]byte{0xff}, size-storeHead)...)
	return append(store, "working block"...)
}

// stored reads a store's variables: name and vendor, and the data.
func stored(t *testing.T, store []byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for at := volumeHead + storeHead; binary.LittleEndian.Uint16(store[at:]) == startID; {
		nameSize, dataSize := int(binary.LittleEndian.Uint32(store[at+36:])), int(binary.LittleEndian.Uint32(store[at+40:]))
		if store[at+2] != added || binary.LittleEndian.Uint32(store[at+4:]) != authenticated {
			t.Errorf("state %#x, attributes %#x", store[at+2], store[at+4])
		}
		var units []uint16
		for i := at + variableHead; i < at+variableHead+nameSize; i += 2 {
			units = append(units, binary.LittleEndian.Uint16(store[i:]))
		}
		begin := at + variableHead + nameSize
		all[string(utf16.Decode(units))+string(store[at+44:at+60])] = store[begin : begin+dataSize]
		at = (begin + dataSize + 3) &^ 3
	}
	return all
}

func TestEnrol(t *testing.T) {
	store, certificate := emptyStore(4096), []byte("a certificate of 29 bytes' DER")
	before := bytes.Clone(store)
	got, err := enrol(store, certificate)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(store, before) || len(got) != len(store) || !bytes.HasSuffix(got, []byte("\xffworking block")) {
		t.Error("more than the store is changed")
	}
	all := stored(t, got)
	global, database := globalVariable(), securityDatabase()
	for _, name := range []string{"PK\x00" + string(global[:]), "KEK\x00" + string(global[:]), "db\x00" + string(database[:])} {
		list := all[name]
		if len(list) != 44+len(certificate) || int(binary.LittleEndian.Uint32(list[16:])) != len(list) ||
			int(binary.LittleEndian.Uint32(list[24:])) != 16+len(certificate) || !bytes.HasSuffix(list, certificate) {
			t.Errorf("%q: %q", name, list)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d variables", len(all))
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "another thing": make([]byte, 4096), "no room": emptyStore(300), "already enrolled": got, "cut": store[:2000],
	} {
		if _, err := enrol(bad, certificate); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestDisk reads a table's last block, and the place of the root folder's inode.
func TestDisk(t *testing.T) {
	d := disk{path: filepath.Join(t.TempDir(), "disk")}
	f, err := os.Create(d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(8 << 30); err != nil {
		t.Fatal(err)
	}
	data, _ := layout.Find(layout.Data, "")
	last := start(layout.Data, "")/512 + data.Bytes/512 - 1
	for _, test := range []struct {
		last    int64
		grown   bool
		failing bool
	}{{last, false, false}, {last + 4096, true, false}, {0, false, true}} {
		entry := binary.LittleEndian.AppendUint64(nil, uint64(test.last))
		if _, err := f.WriteAt(entry, 1024+128*7+40); err != nil {
			t.Fatal(err)
		}
		if grown, err := d.grown(); grown != test.grown || (err != nil) != test.failing {
			t.Errorf("block %d: %v, %v", test.last, grown, err)
		}
	}
	if _, err := d.rootInode(); err == nil {
		t.Error("zeroes are an erofs")
	}
	super := make([]byte, 128)
	copy(super, "\xe2\xe1\xf5\xe0")
	super[12], super[14], super[40] = 12, 36, 2
	root := start(layout.Root, layout.A)
	if _, err := f.WriteAt(super, root+1024); err != nil {
		t.Fatal(err)
	}
	if at, err := d.rootInode(); err != nil || at != root+2*4096+36*32 {
		t.Errorf("inode at %d, %v", at-root, err)
	}
}

// TestKeys: a key that is there is kept, and its certificate can be read.
func TestKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	for range 2 {
		if err := makeKeys(dir, "somebody"); err != nil {
			t.Fatal(err)
		}
	}
	first, err := readCertificate(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := makeKeys(dir, "somebody"); err != nil {
		t.Fatal(err)
	}
	if again, err := readCertificate(filepath.Join(dir, "cert.pem")); err != nil || !bytes.Equal(first, again) {
		t.Errorf("another key: %v", err)
	}
	if _, err := readCertificate(filepath.Join(dir, "key.pem")); err == nil {
		t.Error("a key is a certificate")
	}
}

// TestTrials: each says what is to be seen, and none is there twice.
func TestTrials(t *testing.T) {
	names := map[string]bool{}
	for _, x := range trials() {
		if x.name == "" || names[x.name] || x.also != "" && x.never != "" || x.reason != "" && x.also+x.never != "" {
			t.Errorf("%+v", x)
		}
		names[x.name] = true
	}
}
