package drm

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of the kernel's mode setting, include/uapi/drm/drm.h: type 'd', read and write, with the sizes of the
// structures below.
const (
	setMaster    = 0x641E     // _IO
	getResources = 0xC04064A0 // struct drm_mode_card_res, 64 bytes
	getCRTC      = 0xC06864A1 // struct drm_mode_crtc, 104 bytes
	setCRTC      = 0xC06864A2
)

// maxCRTCs bounds what is asked for: the kernel itself allows 32 for each card.
const maxCRTCs = 32

// resources is struct drm_mode_card_res.
type resources struct {
	fbs, crtcs, connectors, encoders                 uint64 // addresses to fill
	fbCount, crtcCount, connectorCount, encoderCount uint32
	_, _, _, _/* smallest and largest width and height */ uint32
}

// crtc is struct drm_mode_crtc. A CRTC scans a picture out to an output.
type crtc struct {
	connectors     uint64
	connectorCount uint32
	id             uint32
	fb             uint32
	_, _, _        uint32 // x, y, gamma size
	valid          uint32 // whether it scans out
	_              [68]byte
}

// A card is an opened device of the kernel's mode setting.
type card struct{ file *os.File }

// openCard opens a card and becomes its master: the only one who may change what it puts out.
func openCard(path string) (*card, error) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &card{file}
	if err := c.ioctl(setMaster, nil); err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot become master of %s, which somebody else holds: %w", path, err)
	}
	return c, nil
}

// crtcs lists what scans out.
func (c *card) crtcs() ([]uint32, error) {
	var ids [maxCRTCs]uint32
	r := resources{}
	switch err := c.ioctl(getResources, unsafe.Pointer(&r)); {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
		return nil, nil // it only computes, such as the card0 of a Raspberry Pi 4
	case err != nil:
		return nil, err
	}
	n := min(r.crtcCount, maxCRTCs)
	if n == 0 {
		return nil, nil
	}
	r = resources{crtcs: uint64(uintptr(unsafe.Pointer(&ids[0]))), crtcCount: n}
	err := c.ioctl(getResources, unsafe.Pointer(&r))
	runtime.KeepAlive(&ids)
	return ids[:min(n, r.crtcCount)], err
}

// darken ends all output of the card and sees that it ended. It returns how many outputs ran.
func (c *card) darken() (ran int, err error) {
	ids, err := c.crtcs()
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		now := crtc{id: id}
		if err := c.ioctl(getCRTC, unsafe.Pointer(&now)); err != nil {
			return ran, err
		}
		if now.valid == 0 {
			continue
		}
		ran++
		if err := c.ioctl(setCRTC, unsafe.Pointer(&crtc{id: id})); err != nil {
			return ran, err
		}
		now = crtc{id: id}
		if err := c.ioctl(getCRTC, unsafe.Pointer(&now)); err != nil {
			return ran, err
		}
		if now.valid != 0 {
			return ran, fmt.Errorf("output %d goes on", id)
		}
	}
	return ran, nil
}

func (c *card) ioctl(request uintptr, argument unsafe.Pointer) error {
	raw, err := c.file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Control(func(fd uintptr) {
		failure = retried(func() unix.Errno {
			_, _, number := unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(argument))
			return number
		})
	})
	return errors.Join(err, failure)
}

const (
	// tries is how often a request is made that a signal interrupted, or that the driver wants again, and retryPause what is
	// waited before the next: a driver that always wants more gets two seconds.
	tries      = 100
	retryPause = 20 * time.Millisecond
)

// retried makes a request of the kernel until it says something else than to try again, or has said that too often.
func retried(request func() unix.Errno) error {
	for range tries {
		switch number := request(); number {
		case 0:
			return nil
		case unix.EINTR:
		case unix.EAGAIN:
			time.Sleep(retryPause)
		default:
			return number
		}
	}
	return fmt.Errorf("it was to be tried again %d times: %w", tries, unix.EAGAIN)
}

func (c *card) close() error { return c.file.Close() }
