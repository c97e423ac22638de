package main

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/crypto/ssh"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A centre is the broker together with a stand-in for the department's server: it watches what the display
// reports and signs for the records it has taken.
type centre struct {
	demo   *demo
	server *mqtt.Server
	topics wire.Topics
	signer trust.Signer
	news   chan packets.Packet
	over   chan struct{} // closed when nothing more is taken
	done   chan struct{}
	seen   seen
}

// openCentre starts the broker on a free port of the loopback device.
func (d *demo) openCentre() (*centre, error) {
	ca, pair, err := d.certify()
	if err != nil {
		return nil, err
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, err
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(ca.PEM)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d.port = l.Addr().(*net.TCPAddr).Port
	l = tls.NewListener(l, &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: known, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	})
	signer, err := loadSigner(d.path("keys", "centre.key"))
	if err != nil {
		return nil, err
	}
	topics, err := wire.NewTopics(d.device)
	if err != nil {
		return nil, err
	}
	c := &centre{demo: d, topics: topics, signer: signer, news: make(chan packets.Packet, 256), over: make(chan struct{}), done: make(chan struct{})}
	c.seen.items = map[string]bool{}
	c.server = mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.DiscardHandler)})
	return c, c.open(l)
}

func (c *centre) open(l net.Listener) error {
	err := errors.Join(
		c.server.AddHook(new(certified), nil),
		c.server.AddListener(listeners.NewNet("tls", l)),
		c.server.Serve(),
	)
	if err != nil {
		return err
	}
	for i, filter := range []string{c.topics.Conn(), c.topics.State(), c.topics.Events()} {
		err := c.server.Subscribe(filter, i+1, func(_ *mqtt.Client, _ packets.Subscription, p packets.Packet) {
			select {
			case c.news <- p:
			case <-c.over:
			}
		})
		if err != nil {
			return err
		}
	}
	go c.work()
	return nil
}

func (c *centre) close() {
	if err := c.server.Close(); err != nil {
		c.demo.say("broker", err.Error())
	}
	close(c.over)
	<-c.done
}

// work takes what the display says, one message after the other.
func (c *centre) work() {
	defer close(c.done)
	for {
		var p packets.Packet
		select {
		case p = <-c.news:
		case <-c.over:
			return
		}
		var err error
		switch p.TopicName {
		case c.topics.Conn():
			err = c.conn(p.Payload)
		case c.topics.State():
			err = c.state(p.Payload)
		case c.topics.Events():
			err = c.records(p.Payload)
		}
		if err != nil {
			c.demo.say("centre", err.Error())
		}
	}
}

func (c *centre) conn(raw []byte) error {
	m, err := wire.ParseConn(raw)
	if err != nil {
		return err
	}
	c.demo.say("broker", c.demo.device+" is "+m.State)
	return nil
}

func (c *centre) state(raw []byte) error {
	s, err := wire.ParseState(raw)
	if err != nil {
		return err
	}
	for _, line := range c.seen.take(s) {
		c.demo.say(line.what, line.text)
	}
	return nil
}

// records signs for what has come. A real centre commits to its database first.
func (c *centre) records(raw []byte) error {
	b, err := wire.ParseBatch(raw)
	if err != nil {
		return err
	}
	last, lines, err := c.seen.records(b)
	for _, l := range lines {
		c.demo.say(l.what, l.text)
	}
	if err != nil {
		return err
	}
	payload, err := json.Marshal(wire.RecordsAck{Device: c.demo.device, UptoSeq: last.Seq, Head: last.Hash.String()})
	if err != nil {
		return err
	}
	e := &trust.Envelope{Type: trust.TypeCollect, Payload: payload}
	if err := e.Sign(c.signer); err != nil {
		return err
	}
	signed, err := e.Marshal()
	if err != nil {
		return err
	}
	return c.server.Publish(c.topics.EventsAck(), signed, false, 1)
}

func loadSigner(path string) (trust.Signer, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParseRawPrivateKey(pem)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	private, ok := key.(*ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("cannot use %s: not an Ed25519 key", path)
	}
	return trust.NewSigner(*private), nil
}

// certified admits whoever came with a certificate of ours: TLS has asked for it already.
type certified struct{ mqtt.HookBase }

func (certified) ID() string { return "certified" }

func (certified) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck
}

func (certified) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }
func (certified) OnACLCheck(*mqtt.Client, string, bool) bool              { return true }
