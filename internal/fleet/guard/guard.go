// Package guard stands between a broker and the MQTT client, which believes what it reads.
package guard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Packet types a broker may send (MQTT 3.1.1, table 2.1).
const (
	packetConnack  = 2
	packetPublish  = 3
	packetPuback   = 4
	packetSuback   = 9
	packetPingresp = 13

	packetDisconnect = 14 // the last that we send
)

const (
	// writeTimeout of one packet. paho sets none for acknowledgements and pings: a dead link with a full send buffer
	// would hold both for as long as TCP tries, about 15 minutes.
	writeTimeout = 20 * time.Second

	// DrainTimeout is for the broker to close the connection after DISCONNECT.
	DrainTimeout = 2 * time.Second
)

// A Conn is a connection to a broker that can be believed. paho allocates the length a packet claims, up to 256 MB, and
// a SUBACK with one code too many makes it panic. So only those packets come through that a broker may send to this
// client, and a message is cut to limit bytes: the handler sees that it was too long, and the connection lives on.
type Conn struct {
	net.Conn
	in      *bufio.Reader
	limit   int // bytes of one PUBLISH after its fixed header
	filters int // in the only SUBSCRIBE

	head []byte // fixed header still to be passed on
	pass int    // bytes of the body still to be passed on
	skip int    // bytes after them to be dropped

	leaving atomic.Bool // DISCONNECT was written
	once    sync.Once
}

// New guards conn: one PUBLISH has at most limit bytes after its fixed header, and the only SUBSCRIBE so many filters.
func New(conn net.Conn, limit, filters int) *Conn {
	return &Conn{Conn: conn, in: bufio.NewReader(conn), limit: limit, filters: filters}
}

// Close may be called more than once. After DISCONNECT it waits for the broker to close first: closing with unread
// bytes resets the connection, the broker may then not read the DISCONNECT and publishes the will of a display that
// left in good order.
func (g *Conn) Close() error {
	g.once.Do(func() {
		if g.leaving.Load() && g.Conn.SetReadDeadline(time.Now().Add(DrainTimeout)) == nil {
			_, _ = io.Copy(io.Discard, g.Conn) // ends with whatever ends it
		}
	})
	return g.Conn.Close()
}

// Write writes one packet, within writeTimeout.
func (g *Conn) Write(p []byte) (int, error) {
	if err := g.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	if len(p) > 0 && p[0]>>4 == packetDisconnect { // paho writes a packet at once
		g.leaving.Store(true)
	}
	return g.Conn.Write(p)
}

// Read is called by one goroutine.
func (g *Conn) Read(p []byte) (int, error) {
	for len(g.head) == 0 && g.pass == 0 {
		if err := g.nextPacket(); err != nil {
			return 0, err
		}
	}
	if len(g.head) > 0 {
		n := copy(p, g.head)
		g.head = g.head[n:]
		return n, nil
	}
	n, err := g.in.Read(p[:min(len(p), g.pass)])
	g.pass -= n
	return n, err
}

// nextPacket drops what is left of the last packet and reads the fixed header of the next one.
func (g *Conn) nextPacket() error {
	if _, err := io.CopyN(io.Discard, g.in, int64(g.skip)); err != nil {
		return err
	}
	g.skip = 0
	first, err := g.in.ReadByte()
	if err != nil {
		return err
	}
	length, err := readLength(g.in)
	if err != nil {
		return err
	}
	if err := g.check(first, length); err != nil {
		return err
	}
	if first>>4 == packetPublish {
		g.pass = min(length, g.limit)
		g.skip = length - g.pass
	} else {
		g.pass = length
	}
	g.head = appendLength([]byte{first}, g.pass)
	return nil
}

func (g *Conn) check(first byte, length int) error {
	want := -1
	switch first >> 4 {
	case packetPublish:
		if qos := first >> 1 & 3; qos > 1 {
			return fmt.Errorf("cannot take a message of QoS %d: nothing was subscribed so", qos)
		}
		return nil
	case packetConnack, packetPuback:
		want = 2
	case packetSuback:
		want = 2 + g.filters
	case packetPingresp:
		want = 0
	}
	if length != want {
		return fmt.Errorf("cannot take a packet of type %d and %d bytes from a broker", first>>4, length)
	}
	return nil
}

// readLength reads the remaining length of a packet (MQTT 3.1.1, section 2.2.3), at most 2^28-1.
func readLength(r io.ByteReader) (int, error) {
	length := 0
	for shift := 0; shift <= 21; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		length |= int(b&0x7f) << shift
		if b < 0x80 {
			return length, nil
		}
	}
	return 0, errors.New("cannot take a packet whose length has no end")
}

func appendLength(b []byte, length int) []byte {
	for ; length >= 0x80; length >>= 7 {
		b = append(b, byte(length)|0x80)
	}
	return append(b, byte(length))
}
