package slate

import (
	"errors"
	"fmt"
	"image"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of the kernel's framebuffers, include/uapi/linux/fb.h.
const (
	getVariable = 0x4600
	putVariable = 0x4601
	getFixed    = 0x4602
	setMode     = 0x4B3A // KDSETMODE of a virtual terminal, include/uapi/linux/kd.h
	graphics    = 1      // KD_GRAPHICS
	activateNow = 0x80   // FB_ACTIVATE_NOW, with FB_ACTIVATE_FORCE: although nothing changes
)

// bitfield is struct fb_bitfield.
type bitfield struct{ Offset, Length, MSBRight uint32 }

// variable is struct fb_var_screeninfo.
type variable struct {
	Width, Height               uint32 // pixels that can be seen
	VirtualWidth, VirtualHeight uint32
	X, Y                        uint32 // which pixel is seen first
	Bits, Grey                  uint32
	Red, Green, Blue, Alpha     bitfield
	NonStandard, Activate       uint32
	_                           [18]uint32
}

// fixed is struct fb_fix_screeninfo.
type fixed struct {
	ID         [16]byte
	MemoryAt   uintptr
	MemorySize uint32
	Type, _    uint32
	Visual     uint32
	_          [3]uint16
	Stride     uint32
	_          uintptr
	_, _       uint32
	_          [3]uint16
}

// Silence keeps the kernel's text console from drawing on a display: text, its cursor, and black when a driver takes over.
// That lasts until somebody wants it otherwise. terminal is the one in the foreground, /dev/tty0.
func Silence(terminal string) error {
	f, err := os.OpenFile(terminal, os.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("cannot silence the text console: %w", err)
	}
	defer f.Close()
	if err := unix.IoctlSetInt(int(f.Fd()), setMode, graphics); err != nil {
		return fmt.Errorf("cannot silence the text console: %w", err)
	}
	return nil
}

// Show draws a picture on a framebuffer, such as /dev/fb0, and lights its output.
func Show(path string, picture image.Image) error {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("cannot show the slate: %w", err)
	}
	defer f.Close()
	s, v, at, err := geometry(f)
	if err != nil {
		return fmt.Errorf("cannot show the slate on %s: %w", path, err)
	}
	// An output that nobody has used is dark until its mode is set, upon which a text console that is not silenced draws
	// itself: so this is first. Drivers that only have the firmware's mode refuse.
	v.Activate = activateNow
	if err := ask(f, putVariable, unsafe.Pointer(&v)); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("cannot light %s: %w", path, err)
	}
	all := s.Bytes(picture)
	if v.X > 0 { // the last line begins later, and would end behind the memory
		all = all[:len(all)-int(v.X)*s.Bits/8]
	}
	if _, err := f.WriteAt(all, at); err != nil {
		return fmt.Errorf("cannot show the slate on %s: %w", path, err)
	}
	return nil
}

// geometry is how a framebuffer is laid out, and where in its memory the first pixel is that can be seen.
func geometry(f *os.File) (Screen, variable, int64, error) {
	var v variable
	var x fixed
	if err := errors.Join(ask(f, getVariable, unsafe.Pointer(&v)), ask(f, getFixed, unsafe.Pointer(&x))); err != nil {
		return Screen{}, v, 0, err
	}
	s := Screen{
		Width: int(v.Width), Height: int(v.Height), Stride: int(x.Stride), Bits: int(v.Bits),
		Red: v.Red.channel(), Green: v.Green.channel(), Blue: v.Blue.channel(),
	}
	if err := s.Check(); err != nil {
		return Screen{}, v, 0, err
	}
	return s, v, int64(v.Y)*int64(s.Stride) + int64(v.X)*int64(s.Bits/8), nil
}

func (b bitfield) channel() Channel { return Channel{b.Offset, b.Length} }

func ask(f *os.File, what uintptr, argument unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var number syscall.Errno
	err = raw.Control(func(fd uintptr) {
		for {
			_, _, number = unix.Syscall(unix.SYS_IOCTL, fd, what, uintptr(argument))
			if number != unix.EINTR {
				return
			}
		}
	})
	if err == nil && number != 0 {
		err = number
	}
	return err
}
