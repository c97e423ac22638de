package rs232

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"
)

const (
	// maxPending bounds what is kept of bytes nobody has asked for: about four of the longest MDC frames.
	maxPending = 1024
	// readPause is how long the reader waits for input before it looks whether it should end.
	readPause = 100 * time.Millisecond
	// patience is how long a reader is waited for that should end after readPause.
	patience = 10 * readPause
)

var (
	errWriteStuck = errors.New("write did not end in time")
	errReadStuck  = errors.New("read did not end in time")
)

// A Line is one opening of a serial port, or of what stands in for one. go.bug.st's serial.Port is a Line.
type Line interface {
	Read(p []byte) (int, error) // waits a moment for input; 0 and nil where none came
	Write(p []byte) (int, error)
	Drain() error             // waits until everything written has left
	ResetInputBuffer() error  // throws away what has come and was not read
	ResetOutputBuffer() error // throws away what was written and has not left
	Close() error
}

// An Opener opens the line at a path.
type Opener func(path string) (Line, error)

// A port is one opening of a line, with a goroutine that reads it until it is closed or fails. Its methods are for
// the holder of the link's turn.
type port struct {
	serial  Line
	arrived chan struct{} // holds a token when bytes or a failure came
	ended   chan struct{} // closed when the reader has ended
	written chan struct{} // closed when the last write has ended; nil before the first
	fault   error         // of the last write, once it has ended
	overdue time.Time     // when the last write is stuck
	closing atomic.Bool
	left    atomic.Bool // closed while the reader was with the kernel: the reader closes the line when it is back

	mu  sync.Mutex
	in  []byte // at most maxPending
	err error  // why reading ended
}

// OpenSerial opens the serial port at path. 9600 8N1 is what Samsung MDC, LG, NEC and Philips SICP all use.
func OpenSerial(path string) (Line, error) {
	s, err := openPrivate(path, &serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, err
	}
	if err := s.SetReadTimeout(readPause); err != nil {
		s.Close() // the reason is err
		return nil, err
	}
	return s, nil
}

// openPort opens the line at path and starts to read it.
func openPort(open Opener, path string) (*port, error) {
	line, err := open(path)
	if err != nil {
		return nil, err
	}
	p := &port{serial: line, arrived: make(chan struct{}, 1), ended: make(chan struct{})}
	go func() {
		p.read()
		close(p.ended)
		if p.left.Load() {
			p.serial.Close() // nobody is left who could be told
		}
	}()
	return p, nil
}

// read runs until the port is closing or fails, and closes it at once when it fails: as long as a descriptor
// is held, a replugged adapter gets a new number from the kernel.
func (p *port) read() {
	buf := make([]byte, 256)
	for !p.closing.Load() {
		n, err := readGuarded(p.serial, buf)
		if n == 0 && (err == nil || errors.Is(err, syscall.EAGAIN)) {
			continue // go.bug.st's way to say time-out, and somebody else's who was quicker
		}
		p.mu.Lock()
		p.in = append(p.in, buf[:n]...)
		p.in = p.in[max(0, len(p.in)-maxPending):]
		p.err = err
		p.mu.Unlock()
		select {
		case p.arrived <- struct{}{}:
		default:
		}
		if err != nil {
			p.serial.Close() // the reason is err
			return
		}
	}
}

// readGuarded turns the panic of go.bug.st's select on a descriptor of 1024 or more into an error.
func readGuarded(r io.Reader, buf []byte) (n int, err error) {
	defer func() {
		if e := recover(); e != nil {
			n, err = 0, fmt.Errorf("cannot wait for input, too many open files: %v", e)
		}
	}()
	return r.Read(buf)
}

// take runs match over the pending bytes and returns a copy of the reply. The error is why no more will come.
func (p *port) take(match Match) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reply, consumed := match(p.in)
	if reply != nil {
		reply = append([]byte{}, reply...)
	}
	p.in = p.in[consumed:]
	return reply, p.err
}

// discard throws away what came so far, here and in the kernel.
func (p *port) discard() error {
	if err := p.failure(); err != nil {
		return err
	}
	if err := p.serial.ResetInputBuffer(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in = nil
	return nil
}

// write sends b and waits until it has left, or until ctx ends, which does not end the write: see sent. It gives up after
// limit, and the port must then be closed: go.bug.st's Write has no time-out and can block for ever, when an adapter hangs
// or a pty is not read.
func (p *port) write(ctx context.Context, b []byte, limit time.Duration) error {
	done := make(chan struct{})
	p.written, p.overdue = done, time.Now().Add(limit)
	go func() {
		defer close(done)
		p.fault = p.transmit(b)
	}()
	return p.sent(ctx)
}

// sent waits until what was written last has left. It may be called again where ctx ended before.
func (p *port) sent(ctx context.Context) error {
	t := time.NewTimer(time.Until(p.overdue))
	defer t.Stop()
	select {
	case <-p.written:
		return p.fault
	case <-t.C:
		return errWriteStuck
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *port) transmit(b []byte) error {
	n, err := p.serial.Write(b)
	if err != nil {
		return err
	}
	if n < len(b) {
		return io.ErrShortWrite
	}
	for !p.closing.Load() {
		// The runtime's own signals interrupt a drain, and the kernel does not restart it.
		if err := p.serial.Drain(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
	return nil
}

// stuck says what is still with the kernel; empty when nothing is.
func (p *port) stuck() string {
	switch {
	case p.writing():
		return "write"
	case !isClosed(p.ended):
		return "read"
	}
	return ""
}

// writing tells whether a write is still with the kernel.
func (p *port) writing() bool { return p.written != nil && !isClosed(p.written) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *port) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// close ends the reader and frees the descriptor. Reader and writer are given limit to end before, because the
// number of a closed descriptor may at once be another file's. It takes about readPause. A reader that does not end
// with patience keeps the descriptor, and closes it when it is back.
//
// Closing does not wake a stuck write. Throwing away its output does not either on a pty (seen on Linux 6.18);
// on a real port it also saves the kernel's wait of up to 30 s for the output to drain.
func (p *port) close(limit time.Duration) error {
	p.closing.Store(true)
	t := time.NewTimer(limit)
	defer t.Stop()
	var flush error
	if p.writing() {
		flush = p.serial.ResetOutputBuffer()
		select {
		case <-p.written:
		case <-t.C:
		}
	}
	select {
	case <-p.ended:
		return errors.Join(flush, p.serial.Close())
	case <-time.After(patience):
	}
	p.left.Store(true)
	if isClosed(p.ended) { // it ended meanwhile, and may not have seen that it was left
		return errors.Join(flush, p.serial.Close())
	}
	return errors.Join(flush, errReadStuck)
}
