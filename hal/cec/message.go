package cec

import (
	"errors"
	"fmt"

	"bangtin/hal"
)

// Opcodes of CEC 1.4 and 2.0; see reference/hardware-facts.md, "HDMI-CEC", and linux/cec.h.
const (
	opFeatureAbort     = 0x00
	opImageViewOn      = 0x04
	opTextViewOn       = 0x0D
	opStandby          = 0x36
	opKeyPressed       = 0x44
	opKeyReleased      = 0x45
	opRoutingChange    = 0x80
	opActiveSource     = 0x82
	opReportPhysical   = 0x84
	opRequestActive    = 0x85
	opSetStreamPath    = 0x86
	opDeviceVendorID   = 0x87
	opVendorCommand    = 0x89
	opGiveVendorID     = 0x8C
	opMenuStatus       = 0x8E
	opGivePowerStatus  = 0x8F
	opReportPower      = 0x90
	opCECVersion       = 0x9E
	opGetCECVersion    = 0x9F
	opReportFeatures   = 0xA6
	opSetOSDName       = 0x47
	opSystemAudioMode  = 0x7E
	opReportAudio      = 0x7A
	opVendorCommandID  = 0xA0
	opVendorButtonDown = 0x8A
	opVendorButtonUp   = 0x8B
)

// Logical addresses.
const (
	addressTV           = 0
	addressUnregistered = 15 // as a sender; as a receiver it means all
	addressAll          = 15
)

// reasonUnknown is why a message is answered with feature abort: the opcode is not known here.
const reasonUnknown = 0

// Keys of a remote that are meant for our power.
const (
	keyPowerToggle = 0x6B
	keyPowerOn     = 0x6D
)

// maxMessage is the longest message: a header, an opcode and 14 operands (CEC 1.4, section 6.1.2).
const maxMessage = 16

// noPhysical is the physical address f.f.f.f: nothing is known of the place in the HDMI tree.
const noPhysical = 0xFFFF

// A message is one CEC message. Body is the opcode and its operands, at most 15 bytes; an empty one is a poll.
type message struct {
	From, To byte // logical addresses, 0 to 15
	Body     []byte
}

var errMessage = errors.New("not a CEC message")

// parseMessage takes the bytes of a whole message, as the kernel has them, and keeps no reference to them.
func parseMessage(b []byte) (message, error) {
	if len(b) == 0 || len(b) > maxMessage {
		return message{}, fmt.Errorf("cannot parse %d bytes: %w", len(b), errMessage)
	}
	return message{From: b[0] >> 4, To: b[0] & 0x0F, Body: append([]byte(nil), b[1:]...)}, nil
}

// encode is the reverse of parseMessage.
func (m message) encode() ([]byte, error) {
	if m.From > 15 || m.To > 15 || len(m.Body) >= maxMessage {
		return nil, fmt.Errorf("cannot send from %d to %d with %d bytes: %w", m.From, m.To, len(m.Body), errMessage)
	}
	return append([]byte{m.From<<4 | m.To}, m.Body...), nil
}

// is tells whether the message has this opcode and at least so many operands. Longer ones are taken as they
// are: what later versions of CEC add stands at the end (CEC 1.4, section CEC 12.2).
func (m message) is(opcode byte, operands int) bool {
	return len(m.Body) > operands && m.Body[0] == opcode
}

// power is what a report of the power status says. A value that CEC does not know says nothing.
func (m message) power() (hal.Power, bool) {
	if !m.is(opReportPower, 1) {
		return hal.PowerUnknown, false
	}
	switch m.Body[1] {
	case 0:
		return hal.PowerOn, true
	case 1:
		return hal.PowerOff, true
	case 2:
		return hal.PowerWarming, true
	case 3:
		return hal.PowerCooling, true
	}
	return hal.PowerUnknown, false
}

// vendor is the maker's OUI that a device announces.
func (m message) vendor() (uint32, bool) {
	if !m.is(opDeviceVendorID, 3) {
		return 0, false
	}
	return uint32(m.Body[1])<<16 | uint32(m.Body[2])<<8 | uint32(m.Body[3]), true
}

// route is the physical address that the TV now shows or is asked to show.
func (m message) route() (uint16, bool) {
	switch {
	case m.is(opSetStreamPath, 2), m.is(opActiveSource, 2):
		return uint16(m.Body[1])<<8 | uint16(m.Body[2]), true
	case m.is(opRoutingChange, 4): // from, to
		return uint16(m.Body[3])<<8 | uint16(m.Body[4]), true
	}
	return 0, false
}

// asksNothing tells the messages that report or answer: to them no feature abort is due.
func (m message) asksNothing() bool {
	if len(m.Body) == 0 {
		return true
	}
	switch m.Body[0] {
	case opFeatureAbort, opReportPower, opDeviceVendorID, opCECVersion, opReportFeatures, opSetOSDName, opMenuStatus,
		opReportPhysical, opSystemAudioMode, opReportAudio, opActiveSource:
		return true
	}
	return false
}

func (m message) String() string {
	return fmt.Sprintf("%x→%x % X", m.From, m.To, m.Body)
}

// physical prints an address as it is written everywhere: 1.0.0.0.
func physical(a uint16) string {
	return fmt.Sprintf("%x.%x.%x.%x", a>>12, a>>8&15, a>>4&15, a&15)
}
