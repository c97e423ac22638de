package rs232

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"go.bug.st/serial"
)

// maxPending bounds what is kept of bytes nobody has asked for: about four of the longest MDC frames.
const maxPending = 1024

var errWriteStuck = errors.New("write did not end in time")

// A port is one opening of a serial port, with a goroutine that reads it until it is closed or fails.
type port struct {
	serial  serial.Port
	arrived chan struct{} // holds a token when bytes or a failure came
	writer  chan struct{} // holds a token while a write runs

	mu  sync.Mutex
	in  []byte // at most maxPending
	err error  // why reading ended
}

// openPort opens the port at path and starts to read it. 9600 8N1 is what Samsung MDC, LG, NEC and Philips
// SICP all use.
func openPort(path string) (*port, error) {
	s, err := openPrivate(path, &serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, err
	}
	p := &port{serial: s, arrived: make(chan struct{}, 1), writer: make(chan struct{}, 1)}
	go p.read()
	return p, nil
}

// read runs until the port is closed or fails, and closes it at once when it fails: as long as a descriptor
// is held, a replugged adapter gets a new number from the kernel.
func (p *port) read() {
	buf := make([]byte, 256)
	for {
		n, err := readGuarded(p.serial, buf)
		// No bytes and no error is go.bug.st's read time-out.
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

// write writes b and gives up after limit; the port must then be closed. go.bug.st's Write has no time-out
// and can block for ever, when an adapter hangs or a pty is not read.
func (p *port) write(b []byte, limit time.Duration) error {
	p.writer <- struct{}{} // free: there is one write at a time, and none after one that got stuck
	done := make(chan error, 1)
	go func() {
		n, err := p.serial.Write(b)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		<-p.writer
		done <- err
	}()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return errWriteStuck
	}
}

// writing tells whether a write is still with the kernel.
func (p *port) writing() bool { return len(p.writer) > 0 }

func (p *port) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// close ends the reader. Output that has not left is thrown away first: closing alone does not wake a stuck
// write (seen on Linux 6.18 with a pty), and waits up to 30 s for the output of a real port to drain.
func (p *port) close() error {
	return errors.Join(p.serial.ResetOutputBuffer(), p.serial.Close())
}
