package chaos_test

import (
	"net"
	"sync"
	"time"
)

// A proxy is the link between one end and the broker. It forwards until it is told to misbehave.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns map[*net.TCPConn]bool
	stall time.Time // nothing is forwarded until then
	away  time.Time // whoever connects is cut off until then
}

func newProxy(target string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, conns: map[*net.TCPConn]bool{}}
	go p.accept()
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) close() {
	p.listener.Close()
	p.cut(0)
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.join(near.(*net.TCPConn))
	}
}

func (p *proxy) join(near *net.TCPConn) {
	defer near.Close()
	if p.state().away.After(time.Now()) {
		return
	}
	there, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		return
	}
	far := there.(*net.TCPConn)
	defer far.Close()
	p.hold(near, true)
	p.hold(far, true)
	defer p.hold(near, false)
	defer p.hold(far, false)
	var both sync.WaitGroup
	both.Go(func() { p.forward(far, near) })
	both.Go(func() { p.forward(near, far) })
	both.Wait()
}

// forward ends both directions when one ends.
func (p *proxy) forward(to, from *net.TCPConn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		for until := p.state().stall; time.Until(until) > 0; until = p.state().stall {
			time.Sleep(time.Until(until))
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

type linkState struct{ stall, away time.Time }

func (p *proxy) state() linkState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return linkState{p.stall, p.away}
}

func (p *proxy) hold(c *net.TCPConn, yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if yes {
		p.conns[c] = true
	} else {
		delete(p.conns, c)
	}
}

// cut resets every connection: what is in the buffers is lost. Nobody gets through for a while.
func (p *proxy) cut(away time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = time.Now().Add(away)
	p.stall = time.Time{}
	for c := range p.conns {
		_ = c.SetLinger(0)
		c.Close()
	}
}

// hang forwards nothing for a while and then everything.
func (p *proxy) hang(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stall = time.Now().Add(d)
}
