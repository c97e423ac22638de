package gpio

import (
	"bytes"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's GPIO character device, version 2, of Linux 5.10 (include/uapi/linux/gpio.h). The layout is the same on
// every platform that Go knows: that is what the padding is for.

const (
	nameSize   = 32
	maxLines   = 64
	maxAttrs   = 10
	eventBytes = 48

	flagActiveLow = 1 << 1
	flagInput     = 1 << 2
	flagOutput    = 1 << 3
	flagRising    = 1 << 4
	flagFalling   = 1 << 5
	flagPullUp    = 1 << 8
	flagPullDown  = 1 << 9

	attrValues = 2 // the values of outputs, from the first moment

	eventRising = 1
)

type chipInfo struct {
	name, label [nameSize]byte
	lines       uint32
}

type lineAttribute struct {
	id, _ uint32
	value uint64
}

type lineInfo struct {
	name, consumer   [nameSize]byte
	offset, numAttrs uint32
	flags            uint64
	attrs            [maxAttrs]lineAttribute
	_                [4]uint32
}

type configAttribute struct {
	attr lineAttribute
	mask uint64
}

type lineConfig struct {
	flags    uint64
	numAttrs uint32
	_        [5]uint32
	attrs    [maxAttrs]configAttribute
}

type lineRequest struct {
	offsets            [maxLines]uint32
	consumer           [nameSize]byte
	config             lineConfig
	numLines, capacity uint32
	_                  [5]uint32
	fd                 int32
}

type lineValues struct{ bits, mask uint64 }

type lineEvent struct {
	nanoseconds uint64 // CLOCK_MONOTONIC, taken by the interrupt itself
	id, _, _    uint32 // then the line's number, and the edges of all lines counted
	lineSeqno   uint32
	_           [6]uint32
}

// Directions and numbers of the calls; the size of the argument goes between them.
const (
	out   = 2 << 30 // _IOR
	inOut = 3 << 30 // _IOWR

	getChipInfo = out | unsafe.Sizeof(chipInfo{})<<16 | 0xB4<<8 | 0x01
	getLineInfo = inOut | unsafe.Sizeof(lineInfo{})<<16 | 0xB4<<8 | 0x05
	getLine     = inOut | unsafe.Sizeof(lineRequest{})<<16 | 0xB4<<8 | 0x07
	getValues   = inOut | unsafe.Sizeof(lineValues{})<<16 | 0xB4<<8 | 0x0E
	setValues   = inOut | unsafe.Sizeof(lineValues{})<<16 | 0xB4<<8 | 0x0F
)

// ioctl calls the kernel. A signal of the runtime's own may interrupt a driver that sleeps.
func ioctl(fd uintptr, call uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, call, uintptr(arg))
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
