package cec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// drmRoot is where the kernel shows its connectors.
const drmRoot = "/sys/class/drm"

const (
	edidBlock = 128
	maxEDID   = 8 * edidBlock // displays have two to four blocks
	ceaTag    = 0x02
)

var errEDID = errors.New("no HDMI address in this EDID")

// parseEDID returns the physical address that a display gives its source: in the HDMI vendor block of a CEA-861
// extension (HDMI 1.4, section 8.3.2).
func parseEDID(b []byte) (uint16, error) {
	header := []byte{0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0}
	if len(b) < 2*edidBlock || len(b) > maxEDID || len(b)%edidBlock != 0 || !bytes.HasPrefix(b, header) {
		return noPhysical, errEDID
	}
	for at := edidBlock; at < len(b); at += edidBlock {
		block := b[at : at+edidBlock]
		if !sumsToZero(block) || block[0] != ceaTag {
			continue
		}
		if a, ok := addressIn(block); ok {
			return a, nil
		}
	}
	return noPhysical, errEDID
}

func sumsToZero(block []byte) bool {
	sum := byte(0)
	for _, b := range block {
		sum += b
	}
	return sum == 0
}

// addressIn walks the data blocks of a CEA-861 extension, which end where its timings begin.
func addressIn(block []byte) (uint16, bool) {
	end := int(block[2])
	if end < 4 || end > edidBlock-1 {
		return 0, false
	}
	for at := 4; at < end; {
		tag, size := block[at]>>5, int(block[at]&0x1F)
		if at+1+size > end {
			return 0, false
		}
		data := block[at+1 : at+1+size]
		if tag == 3 && size >= 5 && bytes.HasPrefix(data, []byte{0x03, 0x0C, 0x00}) {
			a := uint16(data[3])<<8 | uint16(data[4])
			return a, a != 0 && a != noPhysical
		}
		at += 1 + size
	}
	return 0, false
}

// connectedAddress is the physical address of the one HDMI display below root, such as /sys/class/drm. With two of
// them nobody knows which one the adapter's cable leads to.
func connectedAddress(root string) (uint16, bool) {
	paths, err := filepath.Glob(filepath.Join(root, "card*-HDMI-*", "edid"))
	if err != nil {
		return noPhysical, false
	}
	address, found := uint16(noPhysical), 0
	for _, path := range paths {
		b, err := readEDID(path)
		if err != nil {
			continue
		}
		if a, err := parseEDID(b); err == nil {
			address, found = a, found+1
		}
	}
	return address, found == 1
}

func readEDID(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxEDID+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return b, nil
}
