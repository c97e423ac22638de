package depot

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Limits on connections that have not shown a good certificate. Where there is one too many the oldest is closed: who
// comes in good faith has shown a certificate after a second or two.
const (
	maxStrangers        = 256 // in all
	maxStrangersAddress = 32  // of one address; of IPv6 a /64 is one

	strangerIdle = 5 * time.Second  // without a byte, until a request has come
	strangerLife = 45 * time.Second // altogether, a request with its answer included
)

// A Gate is a listener that bounds the connections of strangers, so that they take no place of a display or operator.
// Safe for concurrent use.
type Gate struct {
	net.Listener
	people *People

	mu        sync.Mutex
	strangers list.List             // of *visitor, the oldest first
	addresses map[string]*list.List // the same by address
}

// NewGate takes connections from l, which has to limit them in all.
func NewGate(l net.Listener, people *People) *Gate {
	return &Gate{Listener: l, people: people, addresses: map[string]*list.List{}}
}

// Accept returns the next connection.
func (g *Gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	v := &visitor{Conn: c, gate: g, address: addressOf(c.RemoteAddr().String())}
	for _, old := range g.enter(v) {
		_ = old.Close() // how a stranger's connection ends is of no interest
	}
	return v, nil
}

// enter returns who has to go.
func (g *Gate) enter(v *visitor) (over []*visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	same := g.addresses[v.address]
	if same == nil {
		same = list.New()
		g.addresses[v.address] = same
	}
	v.among, v.near = g.strangers.PushBack(v), same.PushBack(v)
	v.idle = time.AfterFunc(strangerIdle, v.end)
	v.life = time.AfterFunc(strangerLife, v.end)
	if same.Len() > maxStrangersAddress {
		over = append(over, g.remove(same.Front().Value.(*visitor)))
	}
	if g.strangers.Len() > maxStrangers {
		over = append(over, g.remove(g.strangers.Front().Value.(*visitor)))
	}
	return over
}

// remove ends what is bounded of a stranger, once.
func (g *Gate) remove(v *visitor) *visitor {
	if v.among == nil {
		return v
	}
	g.strangers.Remove(v.among)
	same := g.addresses[v.address]
	same.Remove(v.near)
	if same.Len() == 0 {
		delete(g.addresses, v.address)
	}
	v.among = nil
	v.idle.Stop()
	v.life.Stop()
	return v
}

// State is for [http.Server]: who has shown a good certificate with a request is no stranger any more.
func (g *Gate) State(c net.Conn, state http.ConnState) {
	secure, ok := c.(*tls.Conn)
	if !ok || state != http.StateActive {
		return
	}
	v, ok := secure.NetConn().(*visitor)
	if !ok {
		return
	}
	_, err := g.people.certified(secure.ConnectionState().PeerCertificates)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		g.remove(v)
	case v.among != nil:
		v.asks = true
		v.idle.Stop()
	}
}

// A visitor is one connection.
type visitor struct {
	net.Conn
	gate    *Gate
	address string

	// Of the gate, by its lock. among is nil once it is no stranger any more, or closed.
	among, near *list.Element
	idle, life  *time.Timer
	asks        bool // a request has come: its handler has its own limits
}

func (v *visitor) end() { _ = v.Close() } // how a stranger's connection ends is of no interest

// Close closes the connection and frees its place.
func (v *visitor) Close() error {
	v.gate.mu.Lock()
	v.gate.remove(v)
	v.gate.mu.Unlock()
	return v.Conn.Close()
}

func (v *visitor) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	if n > 0 {
		v.stir()
	}
	return n, err
}

func (v *visitor) stir() {
	v.gate.mu.Lock()
	defer v.gate.mu.Unlock()
	if v.among != nil && !v.asks {
		v.idle.Reset(strangerIdle)
	}
}

// addressOf is who is at the other end, as far as an address tells: whoever has one of IPv6 has 2^64 of them.
func addressOf(remote string) string {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip := a.Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
}
