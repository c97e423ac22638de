package gpio

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// kernelLines opens lines of the kernel's character devices.
type kernelLines struct{ dev, sys string }

func kernel() lines { return kernelLines{dev: "/dev", sys: "/sys"} }

// batch is how many edges are taken from the kernel in one call, and most how many in one wait: a line that buzzes
// faster than it is read would never let go.
const (
	batch = 64
	most  = 2048
)

func (k kernelLines) input(l Line, buffer int) (input, error) {
	req := request(l, flagInput)
	if buffer > 0 {
		req.config.flags |= flagRising | flagFalling
		req.capacity = uint32(buffer)
	}
	line, err := k.open(l, req)
	if buffer > 0 && edgeless(err) {
		return nil, fmt.Errorf("%w: %w", errNoEdges, err)
	} else if err != nil {
		return nil, err
	}
	return inputLine{line}, nil
}

// edgeless tells whether a request failed for want of interrupts: gpiolib says ENXIO where there are none, and passes
// on what a driver says whose interrupts cannot see both edges. What else is wrong shows when the line is asked for
// without edges.
func edgeless(err error) bool {
	return errors.Is(err, unix.ENXIO) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP)
}

func (k kernelLines) output(l Line, active bool) (output, error) {
	req := request(l, flagOutput)
	req.config.numAttrs = 1
	req.config.attrs[0] = configAttribute{attr: lineAttribute{id: attrValues, value: bit(active)}, mask: 1}
	line, err := k.open(l, req)
	if err != nil {
		return nil, err
	}
	return outputLine{line}, nil
}

func request(l Line, flags uint64) *lineRequest {
	if l.ActiveLow {
		flags |= flagActiveLow
	}
	switch l.Pull {
	case gpio.PullUp:
		flags |= flagPullUp
	case gpio.PullDown:
		flags |= flagPullDown
	}
	req := &lineRequest{numLines: 1, config: lineConfig{flags: flags}}
	copy(req.consumer[:nameSize-1], "bangtin")
	return req
}

// open requests one line. The chip's own file is closed again: the line keeps what it needs.
func (k kernelLines) open(l Line, req *lineRequest) (*os.File, error) {
	c, err := k.openChip(l)
	if err != nil {
		return nil, fmt.Errorf("cannot open %v: %w", l, err)
	}
	defer c.file.Close()
	if req.offsets[0], err = c.offset(l); err != nil {
		return nil, fmt.Errorf("cannot open %v: %w", l, err)
	}
	if err := call(c.file, getLine, unsafe.Pointer(req)); err != nil {
		return nil, fmt.Errorf("cannot open %v: %w", l, err)
	}
	if err := unix.SetNonblock(int(req.fd), true); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open %v: %w", l, err), unix.Close(int(req.fd)))
	}
	return os.NewFile(uintptr(req.fd), l.String()), nil
}

func bit(on bool) uint64 {
	if on {
		return 1
	}
	return 0
}

type outputLine struct{ file *os.File }

func (o outputLine) write(active bool) error {
	v := lineValues{bits: bit(active), mask: 1}
	if err := call(o.file, setValues, unsafe.Pointer(&v)); err != nil {
		return fmt.Errorf("cannot write %s: %w", o.file.Name(), err)
	}
	return nil
}

func (o outputLine) Close() error { return o.file.Close() }

type inputLine struct{ file *os.File }

func (i inputLine) level() (bool, error) {
	v := lineValues{mask: 1}
	if err := call(i.file, getValues, unsafe.Pointer(&v)); err != nil {
		return false, fmt.Errorf("cannot read %s: %w", i.file.Name(), err)
	}
	return v.bits&1 == 1, nil
}

func (i inputLine) Close() error { return i.file.Close() }

// now is the clock by which the kernel stamps edges.
func (i inputLine) now() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // there is no Linux without this clock
	}
	return time.Duration(t.Nano())
}

func (i inputLine) wait(ctx context.Context, limit time.Duration) (edges []edge, seen time.Duration, err error) {
	if err := i.file.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return nil, 0, err
	}
	stop := context.AfterFunc(ctx, func() {
		_ = i.file.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed file, which nobody waits for
	})
	defer stop()
	raw, err := i.file.SyscallConn()
	if err != nil {
		return nil, 0, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		edges, failed = take(fd, nil)
		return len(edges) > 0 || failed != nil
	})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, 0, err
	}
	// All that came before now is taken before it is judged: to call a line quiet, its silence must have been heard.
	for more := true; more && failed == nil; {
		before := len(edges)
		seen = i.now()
		err := raw.Control(func(fd uintptr) { edges, failed = take(fd, edges) })
		if err != nil {
			return nil, 0, err
		}
		more = len(edges) > before
		if more && len(edges) >= most {
			more, seen = false, edges[len(edges)-1].at
		}
	}
	if failed != nil {
		return nil, 0, fmt.Errorf("cannot read %s: %w", i.file.Name(), gone(failed))
	}
	return edges, seen, nil
}

// take appends the edges that wait, at most one batch. None is no error.
func take(fd uintptr, edges []edge) ([]edge, error) {
	var events [batch]lineEvent
	b := unsafe.Slice((*byte)(unsafe.Pointer(&events)), unsafe.Sizeof(events))
	for {
		n, err := unix.Read(int(fd), b)
		switch err {
		case nil:
			for _, e := range events[:n/eventBytes] {
				edges = append(edges, edge{active: e.id == eventRising, at: time.Duration(e.nanoseconds), seq: e.lineSeqno})
			}
			return edges, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return edges, nil
		default:
			return edges, err
		}
	}
}
