package main_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tcpHeader is what IPv4 and TCP with its timestamps add to a segment, in bytes.
const tcpHeader = 20 + 32

// A reading is what passed a meter, in both directions.
type reading struct {
	bytes    int64 // of TLS
	segments int64 // of TCP, empty ones included
}

func (r reading) minus(s reading) reading {
	return reading{bytes: r.bytes - s.bytes, segments: r.segments - s.segments}
}

// onWire is all of it in bytes.
func (r reading) onWire() int64 { return r.bytes + r.segments*tcpHeader }

// A meter stands between one display and the broker and passes on what it counts.
type meter struct {
	t        *testing.T
	listener net.Listener
	broker   string

	mu    sync.Mutex
	total reading      // bytes of all connections, segments of those that ended
	open  *net.TCPConn // the display's end of the present one
	parts sync.WaitGroup
}

func newMeter(t *testing.T, broker string) *meter {
	t.Helper()
	m := &meter{t: t, listener: must(net.Listen("tcp", "127.0.0.1:0"))(t), broker: broker}
	m.parts.Go(m.accept)
	t.Cleanup(func() { m.listener.Close(); m.parts.Wait() })
	return m
}

func (m *meter) port() string {
	_, port, err := net.SplitHostPort(m.listener.Addr().String())
	if err != nil {
		m.t.Fatal(err)
	}
	return port
}

func (m *meter) accept() {
	for {
		conn, err := m.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			m.t.Error(err)
			return
		}
		m.connection(conn.(*net.TCPConn))
	}
}

// connection passes on until either side ends. A display has one at a time.
func (m *meter) connection(display *net.TCPConn) {
	if err := display.SetKeepAlive(false); err != nil { // Mosquitto has none either
		m.t.Error(err)
	}
	broker, err := net.Dial("tcp", m.broker)
	if err != nil {
		m.t.Error(err)
		display.Close()
		return
	}
	m.mu.Lock()
	m.open = display
	m.mu.Unlock()
	var ways sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{display: broker, broker: display} {
		ways.Go(func() {
			_, _ = io.Copy(io.MultiWriter(to, m), from) // its end is either side's
			to.(*net.TCPConn).CloseWrite()
		})
	}
	ways.Wait()
	m.mu.Lock()
	m.total.segments += segments(display)
	m.open = nil
	m.mu.Unlock()
	display.Close()
	broker.Close()
}

// Write counts.
func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.bytes += int64(len(p))
	return len(p), nil
}

// read waits until nothing has passed for a moment, delayed acknowledgements of TCP included.
func (m *meter) read() reading {
	last, since := m.now(), time.Now()
	for time.Since(since) < 300*time.Millisecond {
		time.Sleep(20 * time.Millisecond)
		if r := m.now(); r != last {
			last, since = r, time.Now()
		}
	}
	return last
}

func (m *meter) now() reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.total
	if m.open != nil {
		r.segments += segments(m.open)
	}
	return r
}

// segments asks the kernel how many went over a connection. One that is broken has no more to tell.
func segments(c *net.TCPConn) int64 {
	var n int64
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int64(info.Segs_in) + int64(info.Segs_out)
		}
	})
	return n
}
