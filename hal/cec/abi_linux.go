package cec

// The kernel's structures, as in linux/cec.h. They are the same on every 64-bit architecture, and hold no padding
// but at their ends; abi_linux_test.go compares sizes and offsets with what was measured.

type kernelCaps struct {
	Driver       [32]byte
	Name         [32]byte
	Available    uint32 // logical addresses
	Capabilities uint32
	Version      uint32
}

type kernelLogAddrs struct {
	Addresses  [4]byte
	Mask       uint16
	CECVersion byte
	Count      byte
	Vendor     uint32
	Flags      uint32
	OSDName    [15]byte
	Primary    [4]byte
	Type       [4]byte
	AllDevices [4]byte
	Features   [4][12]byte
	_          byte
}

type kernelMsg struct {
	SentAt, ReceivedAt                       uint64 // ns
	Length                                   uint32
	Timeout                                  uint32 // ms
	Sequence                                 uint32
	Flags                                    uint32
	Bytes                                    [16]byte
	Reply                                    byte
	Received, Sent                           byte // rx_status, tx_status
	ArbitrationLost, NACKs, LowDrive, Errors byte
	_                                        byte
}

type kernelEvent struct {
	At    uint64
	Type  uint32
	Flags uint32
	Value [16]uint32
}

// Requests of ioctl(2); see reference/hardware-facts.md, "HDMI-CEC".
const (
	ioctlCaps        = 0xC04C6100
	ioctlPhysical    = 0x80026101
	ioctlSetPhysical = 0x40026102
	ioctlLogical     = 0x805C6103
	ioctlSetLogical  = 0xC05C6104
	ioctlTransmit    = 0xC0386105
	ioctlReceive     = 0xC0386106
	ioctlEvent       = 0xC0506107
	ioctlMode        = 0x80046108
	ioctlSetMode     = 0x40046109
)

const (
	canSetPhysical = 1 << 0 // the address is ours to set, from the display's EDID
	canSetLogical  = 1 << 1
	canTransmit    = 1 << 2

	modeInitiator = 0x01
	modeFollower  = 0x10

	version20       = 6 // of CEC: a TV's broadcast reports of its power are passed on from this one on
	vendorNone      = 1<<32 - 1
	primaryPlayback = 4
	typePlayback    = 3
	devicePlayback  = 0x10
	profileSource   = 0x40 // the RC profile's bit of a source (CEC 2.0, report features)

	eventStateChange = 1
)
