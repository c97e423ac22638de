package fleet_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A link is a TCP line to the broker that can be cut and held.
type link struct {
	listener net.Listener
	target   string
	held     atomic.Bool // bytes are swallowed, the connection stays: a dead mobile network

	mu    sync.Mutex
	conns []net.Conn
}

func newLink(t *testing.T, target string) *link {
	t.Helper()
	l := &link{listener: must(net.Listen("tcp", "127.0.0.1:0"))(t), target: target}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			near, err := l.listener.Accept()
			if err != nil {
				return
			}
			served.Go(func() { l.serve(near) })
		}
	})
	t.Cleanup(func() {
		l.listener.Close()
		l.cut()
		served.Wait()
	})
	return l
}

func (l *link) url() string { return "tls://" + l.listener.Addr().String() }

func (l *link) serve(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer far.Close()
	l.mu.Lock()
	l.conns = append(l.conns, near, far)
	l.mu.Unlock()
	var copied sync.WaitGroup
	copied.Go(func() { l.copy(near, far) })
	l.copy(far, near)
	copied.Wait()
}

func (l *link) copy(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if !l.held.Load() {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut breaks every connection that there is.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}
