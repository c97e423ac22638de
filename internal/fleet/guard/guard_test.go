package guard_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"bangtin/internal/fleet/guard"
)

const (
	guardLimit   = 40
	guardFilters = 3
)

// source is a connection that only has something to say.
type source struct {
	net.Conn
	io.Reader
}

func (s source) Read(p []byte) (int, error)     { return s.Reader.Read(p) }
func (source) Write(p []byte) (int, error)      { return len(p), nil }
func (source) Close() error                     { return nil }
func (source) SetWriteDeadline(time.Time) error { return nil }

func message(payload int) []byte {
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.Qos, p.MessageID, p.TopicName, p.Payload = 1, 7, "abc", bytes.Repeat([]byte("x"), payload)
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

func TestGuardLetsThroughWhatABrokerMaySay(t *testing.T) {
	ping := []byte{13 << 4, 0}
	tests := []struct {
		name string
		in   []byte
		out  []byte // what paho sees before the end
		err  string // part of the error; empty means EOF
	}{
		{"connack, puback, pingresp", join([]byte{0x20, 2, 0, 0}, []byte{0x40, 2, 0, 1}, ping), join([]byte{0x20, 2, 0, 0}, []byte{0x40, 2, 0, 1}, ping), ""},
		{"suback of three", []byte{0x90, 5, 0, 1, 1, 1, 1}, []byte{0x90, 5, 0, 1, 1, 1, 1}, ""},
		{"message that fits", join(message(33), ping), join(message(33), ping), ""},
		{"message that is cut", join(message(34), ping), join(message(33), ping), ""},
		{"long message", join(message(100_000), ping), join(message(33), ping), ""},
		{"length in more bytes than needed", join([]byte{0xd0, 0x80, 0}), ping, ""},

		{"suback of four, which paho cannot bear", []byte{0x90, 6, 0, 1, 1, 1, 1, 1}, nil, "type 9"},
		{"connack of 200 MB", []byte{0x20, 0xff, 0xff, 0xff, 0x7f}, nil, "type 2"},
		{"length without end", []byte{0x30, 0xff, 0xff, 0xff, 0xff, 1}, nil, "no end"},
		{"QoS 2", []byte{0x34, 2, 0, 0}, nil, "QoS 2"},
		{"QoS 3", []byte{0x36, 2, 0, 0}, nil, "QoS 3"},
		{"pubrel", []byte{0x62, 2, 0, 1}, nil, "type 6"},
		{"a client's connect", []byte{0x10, 2, 0, 0}, nil, "type 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := guard.New(source{Reader: bytes.NewReader(test.in)}, guardLimit, guardFilters)
			out, err := io.ReadAll(g)
			if !bytes.Equal(out, test.out) {
				t.Errorf("paho sees % x, want % x", out, test.out)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

// FuzzGuard: whatever a broker says, what comes out are packets of the allowed lengths that paho can read.
func FuzzGuard(f *testing.F) {
	f.Fuzz(func(t *testing.T, said []byte) {
		g := guard.New(source{Reader: bytes.NewReader(said)}, guardLimit, guardFilters)
		for {
			first := make([]byte, 2)
			if _, err := io.ReadFull(g, first); err != nil {
				return
			}
			// With limits below 128 every length is one byte.
			kind, length := first[0]>>4, int(first[1])
			switch {
			case kind == packets.Publish && length > guardLimit, kind == packets.Suback && length != 2+guardFilters,
				kind == packets.Connack && length != 2, kind == packets.Puback && length != 2,
				kind == packets.Pingresp && length != 0:
				t.Fatalf("packet of type %d with %d bytes came through", kind, length)
			}
			body := make([]byte, length)
			if _, err := io.ReadFull(g, body); err != nil {
				return
			}
			// paho may refuse it, but not panic.
			_, _ = packets.ReadPacket(bytes.NewReader(append(first, body...)))
		}
	})
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
