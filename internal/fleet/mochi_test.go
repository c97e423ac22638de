package fleet_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"testing"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/wire"
)

// The demonstration embeds mochi-mqtt, with TLS and client certificates. Being in this process it also tells what
// Mosquitto does not: which messages the display has not acknowledged.
func TestMochi(t *testing.T) {
	r := newRig(t)
	server := mochi.New(&mochi.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(new(admitAll), nil); err != nil {
		t.Fatal(err)
	}
	conf := serverTLS(t, r.broker.CA)
	listener := listeners.NewTCP(listeners.Config{ID: "tls", Address: "127.0.0.1:0", TLSConfig: conf})
	if err := server.AddListener(listener); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	states := make(chan *wire.State, 100)
	err := server.Subscribe(r.topics().State(), 1, func(_ *mochi.Client, _ packets.Subscription, p packets.Packet) {
		if s, err := wire.ParseState(p.Payload); err == nil {
			states <- s
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	r.orders.gate = gate
	r.config.URL = "tls://" + listener.Address()
	stop := r.start()
	if s := <-states; s.Seq != 1 {
		t.Errorf("first state has seq %d", s.Seq)
	}
	order := must(r.department.PowerOrder(powerOn(1)))(t)
	if err := server.Publish(r.topics().DesiredPower(), order, true, 1); err != nil {
		t.Fatal(err)
	}
	r.eventually("order is being committed", func() bool { return r.orders.attempts() == 1 })
	client, ok := server.Clients.Get(device)
	if !ok {
		t.Fatal("the display is not among the clients")
	}
	if n := client.State.Inflight.Len(); n != 1 {
		t.Errorf("%d messages unacknowledged while the order is not committed, want 1", n)
	}
	close(gate)
	r.eventually("order is obeyed", func() bool { return len(r.orders.versions()) == 1 })
	r.eventually("and acknowledged", func() bool { return client.State.Inflight.Len() == 0 })
	stop()
	retained := server.Topics.Messages(r.topics().Conn())
	if len(retained) != 1 {
		t.Fatalf("%d retained births", len(retained))
	}
	if c := must(wire.ParseConn(retained[0].Payload))(t); c.State != wire.Off {
		t.Errorf("retained is %+v, want off", c)
	}
}

func serverTLS(t *testing.T, ca *brokertest.CA) *tls.Config {
	t.Helper()
	p := must(ca.Issue(brokertest.Leaf{CommonName: "broker", Hosts: []string{"127.0.0.1"}}))(t)
	pair := must(tls.X509KeyPair(p.Certificate, p.Key))(t)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(ca.PEM)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
}

// admitAll leaves admission to TLS. mochi's own AllowHook would bring a YAML library along.
type admitAll struct{ mochi.HookBase }

func (admitAll) ID() string { return "admit-all" }
func (admitAll) Provides(b byte) bool {
	return b == mochi.OnConnectAuthenticate || b == mochi.OnACLCheck
}
func (admitAll) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }
func (admitAll) OnACLCheck(*mochi.Client, string, bool) bool              { return true }
