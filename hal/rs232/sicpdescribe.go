package rs232

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A sicpWord names the commands that read and set a value, and how it is said.
type sicpWord struct {
	name string
	get  byte
	item []byte // which of the values that get reads, where there are several
	set  byte   // 0 where the value only reads
	wording
}

func sicpWords() []sicpWord {
	return []sicpWord{
		{"power", sicpPower, nil, sicpPowerSet, wordOfTwo("off", "on", sicpOff, sicpOn)},
		{"input", sicpInput, nil, sicpInputSet, wording{sicpSayInput, sicpWriteInput}},
		{"brightness", sicpPicture, nil, sicpPictureSet, wordOfPercent().readOnly()},
		{"backlight", sicpBacklight, nil, sicpLightSet, wordOfTwo("off", "on", 1, 0)},
		{"volume", sicpVolume, nil, sicpVolumeSet, wordOfPercent()},
		{"mute", sicpMute, nil, sicpMuteSet, wordOfTwo("off", "on", 0, 1)},
		{"temperature", sicpHeat, nil, 0, wording{say: sicpSayHeat}},
		{"signal", sicpSignal, nil, 0, wordOfTwo("no", "yes", 0, 1).readOnly()},
		{"serial", sicpSerial, nil, 0, wordOfText()},
		{"model", sicpModel, []byte{0}, 0, wordOfText()},
		{"hours", sicpHours, []byte{2}, 0, wordOfNumber(2, 2, 1)},
	}
}

// describeSICP says what a SICP frame with a group byte says; see [Describe]. An ack, nak or nav does not name its
// command. The ID 0 is all.
func describeSICP(frame []byte) ([]Field, error) {
	f, err := wholeSICP(frame)
	if err != nil {
		return nil, fmt.Errorf("cannot read SICP frame: %w", err)
	}
	id := strconv.Itoa(int(f.ID))
	if f.ID == SICPBroadcast {
		id = "all"
	}
	var group []Field
	if f.Group != 0 {
		group = []Field{{"group", strconv.Itoa(int(f.Group))}}
	}
	if kind, ok := sicpKind(f); ok {
		return append([]Field{{"kind", kind}, {"id", id}}, group...), nil
	}
	for _, w := range sicpWords() {
		switch {
		case f.Command == w.get && bytes.Equal(f.Data, w.item):
			return said("get", w.name, wording{}, nil, id, group...), nil
		case f.Command == w.get && len(f.Data) > 0:
			return said("report", w.name, w.wording, f.Data, id, group...), nil
		case f.Command == w.set && w.set != 0 && len(f.Data) > 0:
			return said("set", w.name, w.wording, f.Data, id, group...), nil
		}
	}
	return sicpUnnamed(f, id, group), nil
}

// sicpKind is the kind of a reply that is no report.
func sicpKind(f SICPFrame) (kind string, ok bool) {
	if !isSICPControl(f, sicpACK, sicpNACK, sicpNAV) {
		return "", false
	}
	return map[byte]string{sicpACK: "ack", sicpNACK: "nak", sicpNAV: "nav"}[f.Data[0]], true
}

// sicpUnnamed says a command without a name by its code. What comes with values is a report when it has a group, which
// our requests never have, or is of a command that only reads; else it sets something.
func sicpUnnamed(f SICPFrame, id string, group []Field) []Field {
	code := hexOf([]byte{f.Command})
	plain := wording{say: func(v []byte) (string, []byte, bool) { return hexOf(v), nil, true }}
	switch {
	case len(f.Data) == 0:
		return said("get", code, plain, nil, id, group...)
	case f.Command == sicpVersion && len(f.Data) == 1:
		return said("get", code, plain, f.Data, id, group...)
	case f.Group != 0 || slices.Contains([]byte{sicpControl, sicpVersion, sicpColdStart}, f.Command):
		return said("report", code, plain, f.Data, id, group...)
	}
	return said("set", code, plain, f.Data, id, group...)
}

// wholeSICP takes bytes that must be exactly one frame.
func wholeSICP(b []byte) (SICPFrame, error) {
	least := SICPGrouped.overhead()
	switch {
	case len(b) < least || len(b) > sicpLongest:
		return SICPFrame{}, fmt.Errorf("%d bytes are not %d to %d", len(b), least, sicpLongest)
	case int(b[0]) != len(b):
		return SICPFrame{}, fmt.Errorf("%d bytes are not the %d of its size byte", len(b), b[0])
	}
	if sum, last := sicpSum(b[:len(b)-1]), b[len(b)-1]; sum != last {
		return SICPFrame{}, fmt.Errorf("its check sum is %02X and should be %02X", last, sum)
	}
	return sicpFrame(SICPGrouped, b), nil
}

// sicpSayInput leaves out what follows the source as the driver itself would send it.
func sicpSayInput(v []byte) (string, []byte, bool) {
	rest := v[1:]
	if bytes.Equal(v, sicpInputValues(v[0])) {
		rest = nil
	}
	return sicpInputName(v[0]), rest, true
}

func sicpWriteInput(word string) ([]byte, bool) {
	for _, s := range sicpSockets() {
		if s.name == word {
			return sicpInputValues(s.code), true
		}
	}
	return nil, false
}

func sicpSayHeat(v []byte) (string, []byte, bool) {
	var all []string
	for _, x := range v {
		all = append(all, strconv.Itoa(int(x)))
	}
	return strings.Join(all, ","), nil, len(v) <= 2
}

// composeSICP returns the request that says words, with the group byte 0; see [Compose]. Brightness can only be asked
// for: it is set together with values that only the panel knows.
func composeSICP(id int, words []string) ([]byte, error) {
	if id < SICPBroadcast || id > 255 {
		return nil, fmt.Errorf("cannot write to set ID %d: SICP has 1 to 255, and %d for all", id, SICPBroadcast)
	}
	if err := twoWords(words); err != nil {
		return nil, err
	}
	var names []string
	for _, w := range sicpWords() {
		if names = append(names, w.name); w.name != words[0] {
			continue
		}
		values, err := w.values(words)
		if err != nil {
			return nil, fmt.Errorf("cannot write %q: %w", words, err)
		}
		f := SICPFrame{ID: byte(id), Command: w.set, Data: values}
		if len(values) == 0 {
			f.Command, f.Data = w.get, w.item
		}
		return f.Encode()
	}
	return nil, unknownCommand(words[0], names)
}
