package cec

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
	"unsafe"

	"bangtin/hal"

	"golang.org/x/sys/unix"
)

// A device is an opened /dev/cecN in non-blocking mode, so that a request can be given up.
type device struct {
	path         string
	capabilities uint32
	name         string // the OSD name to claim
	log          *slog.Logger

	mu   sync.RWMutex // held for writing while the descriptors are closed
	fd   int          // -1 when closed
	wake int          // an eventfd that ends next
}

// openDevice opens a node. Where it cannot, the port is gone, whatever the reason: nothing can be reached over it.
func openDevice(path string, log *slog.Logger) (*device, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w: %w", path, hal.ErrPortGone, err)
	}
	d := &device{path: path, log: log, fd: fd, wake: -1}
	if d.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		d.release()
		return nil, fmt.Errorf("cannot open %s: %w: %w", path, hal.ErrPortGone, err)
	}
	var caps kernelCaps
	if err := d.ioctl(ioctlCaps, unsafe.Pointer(&caps)); err != nil {
		d.release()
		return nil, fmt.Errorf("cannot use %s as a CEC adapter: %w: %w", path, hal.ErrPortGone, err)
	}
	d.capabilities = caps.Capabilities
	return d, nil
}

// listen makes the device one that sends and that gets what is sent to it. Others may send beside it, so that a
// technician's tools work.
func (d *device) listen() error {
	mode := uint32(modeInitiator | modeFollower)
	if err := d.ioctl(ioctlSetMode, unsafe.Pointer(&mode)); err != nil {
		return fmt.Errorf("cannot listen on %s: %w: %w", d.path, hal.ErrPortGone, err)
	}
	return nil
}

func (d *device) addresses() (addresses, error) {
	physical, err := d.physical()
	if err != nil {
		return addresses{}, err
	}
	a := addresses{physical: physical}
	if d.capabilities&canSetPhysical != 0 {
		a.physical = d.place(a.physical)
	}
	var l kernelLogAddrs
	if err := d.ioctl(ioctlLogical, unsafe.Pointer(&l)); err != nil {
		return addresses{}, d.failed("read the logical addresses of", err)
	}
	a.logical = l.Mask &^ (1 << addressUnregistered)
	a.ours = d.capabilities&canSetLogical == 0 ||
		l.Count == 1 && l.Type[0] == typePlayback && d.name != "" && osdName(d.name) == l.OSDName
	return a, nil
}

func (d *device) physical() (a uint16, err error) {
	if err := d.ioctl(ioctlPhysical, unsafe.Pointer(&a)); err != nil {
		return noPhysical, d.failed("read the physical address of", err)
	}
	return a, nil
}

// place gives an adapter that cannot know its place, as those on USB, the one in the display's EDID. Without an EDID
// it keeps the one it has: a TV in standby may hide it.
func (d *device) place(now uint16) uint16 {
	to, ok := connectedAddress(drmRoot)
	if !ok || to == now {
		return now
	}
	if err := d.ioctl(ioctlSetPhysical, unsafe.Pointer(&to)); err != nil {
		d.log.Warn("cannot set the adapter's physical address", "port", d.path, "address", physical(to), "err", err)
		return now
	}
	return to
}

func (d *device) claim(name string) error {
	if d.capabilities&canSetLogical == 0 {
		return nil
	}
	none := kernelLogAddrs{}
	if err := d.ioctl(ioctlSetLogical, unsafe.Pointer(&none)); err != nil {
		return d.failed("clear the logical addresses of", err)
	}
	l := kernelLogAddrs{
		CECVersion: version20, Count: 1, Vendor: vendorNone, OSDName: osdName(name),
		Primary: [4]byte{primaryPlayback}, Type: [4]byte{typePlayback}, AllDevices: [4]byte{devicePlayback},
		Features: [4][12]byte{{profileSource}},
	}
	if err := d.ioctl(ioctlSetLogical, unsafe.Pointer(&l)); err != nil {
		return d.failed("claim a logical address on", err)
	}
	return nil
}

// osdName is a name as the kernel keeps it, cut to what CEC can carry.
func osdName(name string) (b [15]byte) {
	n := 0
	for _, r := range name {
		if n == len(b)-1 {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b[n] = byte(r)
		n++
	}
	return b
}

func (d *device) transmit(q request) (uint32, error) {
	b, err := q.encode()
	if err != nil {
		return 0, err
	}
	m := kernelMsg{Length: uint32(len(b)), Timeout: uint32(q.wait / time.Millisecond), Reply: q.reply}
	copy(m.Bytes[:], b)
	if err := d.ioctl(ioctlTransmit, unsafe.Pointer(&m)); err != nil {
		return 0, d.failed("send on", err)
	}
	return m.Sequence, nil
}

// next frees the descriptors when it fails, for then nothing will come any more.
func (d *device) next() (received, error) {
	r, err := d.await()
	if err != nil {
		d.release()
	}
	return r, err
}

func (d *device) await() (received, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLIN | unix.POLLPRI}, {Fd: int32(d.wake), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return received{}, d.failed("wait for", err)
		}
		switch on := fds[0].Revents; {
		case fds[1].Revents != 0:
			return received{}, errClosed
		case on&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0:
			return received{}, d.failed("wait for", unix.ENODEV)
		case on&unix.POLLPRI != 0:
			if r, ok, err := d.event(); ok || err != nil {
				return r, err
			}
		case on&unix.POLLIN != 0:
			if r, ok, err := d.receive(); ok || err != nil {
				return r, err
			}
		}
	}
}

// event takes one event. All of them are reason enough to look at the addresses again: a lost message or a dropped
// event may have been the change.
func (d *device) event() (received, bool, error) {
	var e kernelEvent
	switch err := d.ioctl(ioctlEvent, unsafe.Pointer(&e)); {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return received{}, false, nil
	case err != nil:
		return received{}, false, d.failed("take an event of", err)
	}
	if e.Type != eventStateChange {
		d.log.Debug("CEC event", "port", d.path, "type", e.Type, "flags", e.Flags)
	}
	return received{changed: true}, true, nil
}

func (d *device) receive() (received, bool, error) {
	var k kernelMsg
	switch err := d.ioctl(ioctlReceive, unsafe.Pointer(&k)); {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, unix.ETIMEDOUT):
		return received{}, false, nil
	case err != nil:
		return received{}, false, d.failed("receive on", err)
	}
	m, err := parseMessage(k.Bytes[:min(int(k.Length), len(k.Bytes))])
	if err != nil {
		d.log.Debug("CEC message without a header", "port", d.path, "err", err) // the kernel gives none
	}
	return received{message: m, sequence: k.Sequence, sent: k.Sent, got: k.Received}, err == nil, nil
}

func (d *device) close() {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.wake < 0 {
		return
	}
	one := [8]byte{1}
	if _, err := unix.Write(d.wake, one[:]); err != nil {
		d.log.Error("cannot wake the reader", "port", d.path, "err", err) // not possible before 2⁶⁴ calls
	}
}

// release closes the descriptors. It must not run beside next.
func (d *device) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, fd := range []int{d.fd, d.wake} {
		if fd >= 0 {
			if err := unix.Close(fd); err != nil { // it is free afterwards in any case
				d.log.Debug("CEC adapter closed with an error", "port", d.path, "err", err)
			}
		}
	}
	d.fd, d.wake = -1, -1
}

func (d *device) ioctl(request uintptr, arg unsafe.Pointer) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.fd < 0 {
		return os.ErrClosed
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// failed says of which class an error is. An adapter that is there and does not send is a panel that is not reached.
func (d *device) failed(what string, err error) error {
	class := hal.ErrSilent
	if errors.Is(err, unix.ENODEV) || errors.Is(err, os.ErrClosed) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EBADF) {
		class = hal.ErrPortGone
	}
	return fmt.Errorf("cannot %s %s: %w: %w", what, d.path, class, err)
}
