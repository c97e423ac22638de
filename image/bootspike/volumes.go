package main

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"

	"bangtin/image/layout"
)

// volumes are the two environments' partitions, in memory.
type volumes struct{ a, b []byte }

func readVolumes(disk string) (*volumes, error) {
	f, err := os.Open(disk)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var v volumes
	for slot, to := range map[layout.Slot]*[]byte{layout.A: &v.a, layout.B: &v.b} {
		part, _ := layout.Find(layout.Env, slot)
		*to = make([]byte, part.Bytes)
		if _, err := f.ReadAt(*to, offset(layout.Env, slot)); err != nil {
			return nil, err
		}
	}
	return &v, nil
}

// place is where a write falls in the partitions, or nil for one elsewhere on the disk.
func (v *volumes) place(w write) []byte {
	for slot, bytes := range map[layout.Slot][]byte{layout.A: v.a, layout.B: v.b} {
		if from := w.at - offset(layout.Env, slot); from >= 0 && from+int64(len(w.data)) <= int64(len(bytes)) {
			return bytes[from:][:len(w.data)]
		}
	}
	return nil
}

// chosen is what a loader would do.
func (v *volumes) chosen(l loader) (outcome, error) {
	name, _, err := l.environment(layout.A, 1, "ok")
	if err != nil {
		return outcome{}, err
	}
	a, _ := fatFile(v.a, name) // without a file there is none
	b, _ := fatFile(v.b, name)
	return l.chooses(a, b), nil
}

var errNoFile = errors.New("no such file")

// fatFile reads a file of the root folder of a FAT of 16 bits, by its short name.
func fatFile(fat []byte, name string) ([]byte, error) {
	le := binary.LittleEndian
	if fat[510] != 0x55 || fat[511] != 0xaa || le.Uint16(fat[11:]) != sector {
		return nil, errors.New("no FAT with sectors of 512 bytes")
	}
	cluster := int(fat[13]) * sector
	table := fat[int(le.Uint16(fat[14:]))*sector:]
	root := int(le.Uint16(fat[14:]))*sector + int(fat[16])*int(le.Uint16(fat[22:]))*sector
	entries := int(le.Uint16(fat[17:]))
	data := root + entries*32
	base, ext, _ := strings.Cut(strings.ToUpper(name), ".")
	short := (base + "        ")[:8] + (ext + "   ")[:3]
	for e := fat[root:data]; len(e) >= 32; e = e[32:] {
		if string(e[:11]) != short || e[11]&0x08 != 0 {
			continue
		}
		var file []byte
		size := int(le.Uint32(e[28:]))
		for c := int(le.Uint16(e[26:])); len(file) < size; c = int(le.Uint16(table[2*c:])) {
			at := data + (c-2)*cluster
			if c < 2 || at+cluster > len(fat) {
				return nil, errors.New("a chain that does not end")
			}
			file = append(file, fat[at:at+cluster]...)
		}
		return file[:size], nil
	}
	return nil, errNoFile
}
