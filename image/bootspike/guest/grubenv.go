package guest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
)

// GrubFile is the name of GRUB's environment of a slot, in the root folder of its partition.
const GrubFile = "bangtin.env"

// A GrubEnv is a slot's environment for GRUB, with EFI Boot Guard's state machine: what a script can do with strings.
type GrubEnv struct {
	Revision int
	State    string // ok, installed, testing, failed
}

const (
	grubHead = "# GRUB Environment Block\n"
	grubSize = 1024
)

// EncodeGrub makes a file: GRUB's head, the variables, and # to its end. All that has a meaning is in the first sector.
func EncodeGrub(slot layout.Slot, e GrubEnv) []byte {
	v := strings.ToLower(string(slot))
	text := fmt.Sprintf("%s%s_rev=%d\n%s_state=%s\n", grubHead, v, e.Revision, v, e.State)
	return append([]byte(text), bytes.Repeat([]byte{'#'}, grubSize-len(text))...)
}

// DecodeGrub reads what load_env would make of a file for a slot: variables that are not there keep their zero.
func DecodeGrub(slot layout.Slot, file []byte) (GrubEnv, error) {
	var e GrubEnv
	text, ok := strings.CutPrefix(string(file), grubHead)
	if !ok {
		return e, errors.New("cannot read GRUB's environment: no head")
	}
	v := strings.ToLower(string(slot))
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(line, v+"_rev="); ok {
			e.Revision, _ = strconv.Atoi(strings.TrimSpace(n)) // as the test command: what is no number is 0
		}
		if s, ok := strings.CutPrefix(line, v+"_state="); ok {
			e.State = strings.TrimSpace(s)
		}
	}
	return e, nil
}

// grub is our own environments for GRUB: a preallocated file, written in place.
type grub struct{}

func (grub) change(op string, slot layout.Slot) error {
	other, err := readGrub(slot.Other())
	if err != nil {
		return err
	}
	this, _ := readGrub(slot)
	switch op {
	case "bad":
		this = GrubEnv{State: "failed"}
	case "install":
		this = GrubEnv{Revision: other.Revision + 1, State: "installed"}
	case "confirm":
		this.State = "ok"
	default:
		return errors.New("no such change")
	}
	f, err := os.OpenFile("/env/"+string(slot)+"/"+GrubFile, os.O_WRONLY|unix.O_DSYNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(EncodeGrub(slot, this), 0)
	return errors.Join(err, f.Close())
}

func readGrub(slot layout.Slot) (GrubEnv, error) {
	file, err := os.ReadFile("/env/" + string(slot) + "/" + GrubFile)
	if err != nil {
		return GrubEnv{}, err
	}
	return DecodeGrub(slot, file)
}
