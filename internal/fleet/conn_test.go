package fleet_test

import (
	"crypto/tls"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/go-cmp/cmp"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/wire"
)

func TestBirthWillAndOff(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	stop := r.start()
	r.awaitOnline()
	line.cut()
	r.eventually("born again after the will", func() bool { return len(r.heard().Conns) >= 3 })
	stop()
	r.eventually("said off", func() bool { return len(r.heard().Conns) >= 4 })

	conns := r.heard().Conns
	var states []string
	for _, c := range conns {
		states = append(states, c.State)
		if c.Boot != "boot-1" || c.Version != "0.1.0" || len(c.Session) != 16 {
			t.Errorf("incomplete: %+v", c)
		}
	}
	if diff := cmp.Diff([]string{wire.Online, wire.Gone, wire.Online, wire.Off}, states); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if conns[0].Session != conns[1].Session || conns[2].Session != conns[3].Session {
		t.Error("will or off does not carry the session of its birth")
	}
	if conns[0].Session == conns[2].Session {
		t.Error("two connections have the same session")
	}
}

// Whoever asks later reads from the retained will that the display is gone.
func TestWillIsRetained(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	r.start()
	r.awaitOnline()
	line.held.Store(true) // so that it does not come back
	line.cut()
	r.eventually("will is published", func() bool { return len(r.heard().Conns) == 2 })
	late := make(chan mqtt.Message, 10)
	files := must(r.broker.Issue(brokertest.ObserverName))(t)
	observer := dial(t, r.broker.URL(), must(brokertest.ClientTLS(files))(t))
	settled(t, observer.Subscribe(r.topics().Conn(), 1, func(_ mqtt.Client, m mqtt.Message) { late <- m }))
	select {
	case m := <-late:
		if c := must(wire.ParseConn(m.Payload()))(t); !m.Retained() || c.State != wire.Gone {
			t.Errorf("retained %v: %+v", m.Retained(), c)
		}
	case <-time.After(patience):
		t.Error("nothing is retained")
	}
}

// With messages pouring in, the broker must still see that the display left and forget the will.
func TestOffUnderFire(t *testing.T) {
	r := newRig(t)
	for round := range 5 {
		stop := r.start()
		r.eventually("online", func() bool { return len(r.heard().Conns) == 2*round+1 })
		done, fire := make(chan struct{}), sync.WaitGroup{}
		fire.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					r.centre.Throw(r.topics().DesiredPlaylist(), make([]byte, 900_000))
				}
			}
		})
		stop()
		close(done)
		fire.Wait()
		r.eventually("said off", func() bool { return len(r.heard().Conns) >= 2*round+2 })
	}
	// A will that came too late would stand among the next births.
	for i, c := range r.heard().Conns {
		if want := []string{wire.Online, wire.Off}[i%2]; c.State != want {
			t.Fatalf("%d: %s, want %s", i, c.State, want)
		}
	}
}

func TestBrokerAbsentAtStart(t *testing.T) {
	r := newRig(t)
	if err := r.broker.Kill(); err != nil {
		t.Fatal(err)
	}
	r.remember(3)
	r.start()
	r.eventually("failed attempt is logged", func() bool { return strings.Contains(r.log.String(), "not connected") })
	if err := r.broker.Start(); err != nil {
		t.Fatal(err)
	}
	r.eventually("records arrive", func() bool { return len(r.heard().Records) == 3 })
}

func TestDeadLinkIsGivenUp(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	r.config.Pace.Publish = 500 * time.Millisecond
	r.start()
	r.awaitOnline()
	line.held.Store(true)
	r.remember(1) // whose publication is never answered
	r.eventually("connection is given up", func() bool { return strings.Contains(r.log.String(), "no answer from the broker") })
	line.held.Store(false)
	line.cut() // what hangs in the dialling
	r.eventually("records arrive", func() bool { return len(r.heard().Records) == 1 })
}

func TestStopWhileTheBrokerIsSilent(t *testing.T) {
	r := newRig(t)
	line := newLink(t, r.broker.Addr)
	r.config.URL = line.url()
	line.held.Store(true)
	stop := r.start()
	r.eventually("dialling", func() bool { line.mu.Lock(); defer line.mu.Unlock(); return len(line.conns) > 0 })
	stop() // fails the test when Run does not end
}

func TestBrokerCertificates(t *testing.T) {
	foreign := must(brokertest.NewCA("foreign CA"))(t)
	hosts := []string{"127.0.0.1"}
	tests := []struct {
		name   string
		ca     *brokertest.CA // nil: the right one
		leaf   brokertest.Leaf
		reason string
	}{
		{"expired", nil, brokertest.Leaf{CommonName: "broker", Hosts: hosts, NotBefore: time.Now().Add(-2 * time.Hour),
			NotAfter: time.Now().Add(-time.Hour)}, "has expired"},
		{"of a foreign CA", foreign, brokertest.Leaf{CommonName: "broker", Hosts: hosts}, "unknown authority"},
		{"of another host", nil, brokertest.Leaf{CommonName: "broker", Hosts: []string{"127.0.0.2"}}, "127.0.0.2, not 127.0.0.1"},
		{"of a display", nil, brokertest.Leaf{CommonName: "broker"}, "any IP SANs"},
	}
	r := newRig(t)
	good := must(r.broker.CA.Issue(brokertest.Leaf{CommonName: "broker", Hosts: hosts}))(t)
	restart := func(t *testing.T, p brokertest.Pair) {
		t.Helper()
		if err := r.broker.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := r.broker.UseCertificate(p); err != nil {
			t.Fatal(err)
		}
		if err := r.broker.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ca := test.ca
			if ca == nil {
				ca = r.broker.CA
			}
			restart(t, must(ca.Issue(test.leaf))(t))
			before := len(r.heard().Conns)
			log := &logBook{}
			r.t, r.log = t, log
			r.config.Log = textLog(log)
			r.start()
			r.eventually("refused with the reason", func() bool { return strings.Contains(log.String(), test.reason) })
			restart(t, good)
			r.eventually("connected to the right broker", func() bool { return len(r.heard().Conns) > before })
		})
	}
}

// TestCertificatesOfAWrongClock: mutual TLS with a real broker, whatever the display takes the time for.
func TestCertificatesOfAWrongClock(t *testing.T) {
	now, hosts := time.Now(), []string{"127.0.0.1"}
	at := func(t time.Time) func() time.Time { return func() time.Time { return t } }
	expired := brokertest.Leaf{CommonName: "broker", Hosts: hosts, NotBefore: now.Add(-40 * time.Hour), NotAfter: now.Add(-20 * time.Hour)}
	for _, test := range []struct {
		name       string
		now, floor time.Time
		server     *brokertest.Leaf // nil: a good one
		reason     string           // empty: connects
	}{
		{"1970, with a floor", time.Unix(3600, 0), now, nil, ""},
		{"1970, with a floor before every certificate", time.Unix(3600, 0), time.Unix(3600, 0), nil, ""},
		{"1970, with a floor before the broker's was renewed", time.Unix(3600, 0), now.Add(-24 * time.Hour), nil, ""},
		{"2099", time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), now.Add(-time.Hour), nil, ""},
		{"right, and the broker's is over", now, now.Add(-time.Hour), &expired, "has expired"},
		{"1970, and the broker's is over by the floor", time.Unix(3600, 0), now.Add(-time.Hour), &expired, "has expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			if test.server != nil {
				if err := r.broker.UseCertificate(must(r.broker.CA.Issue(*test.server))(t)); err != nil {
					t.Fatal(err)
				}
				if err := r.broker.Kill(); err != nil {
					t.Fatal(err)
				}
				if err := r.broker.Start(); err != nil {
					t.Fatal(err)
				}
			}
			r.config.Now, r.config.Floor = at(test.now), at(test.floor)
			r.start()
			if test.reason == "" {
				r.awaitOnline()
				return
			}
			r.eventually("refused with the reason", func() bool { return strings.Contains(r.log.String(), test.reason) })
			if strings.Contains(r.log.String(), `msg="connected`) {
				t.Error("connected all the same")
			}
		})
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	r := newRig(t)
	foreign := must(brokertest.NewCA("foreign CA"))(t)
	good := must(os.ReadFile(r.config.Certificate))(t)
	goodKey := must(os.ReadFile(r.config.Key))(t)
	bad := must(foreign.Issue(brokertest.Leaf{CommonName: device}))(t)
	writeFiles(t, map[string][]byte{r.config.Certificate: bad.Certificate, r.config.Key: bad.Key})
	r.start()
	r.eventually("refused by the broker", func() bool { return strings.Contains(r.log.String(), "unknown certificate authority") })
	writeFiles(t, map[string][]byte{r.config.Certificate: good, r.config.Key: goodKey})
	r.awaitOnline()
}

func TestNoDisplayCanSpeakForAnother(t *testing.T) {
	r := newRig(t)
	r.start()
	r.awaitOnline()
	files := must(r.broker.Issue("other-display"))(t)
	conf := must(brokertest.ClientTLS(files))(t)
	other := dial(t, r.broker.URL(), conf)
	mine, theirs := r.topics(), must(wire.NewTopics("other-display"))(t)
	forged := []byte(`{"state":"off","session":"forged","boot":"forged","version":"forged"}`)
	overheard := make(chan string, 10)
	settled(t, other.Subscribe("bt/v1/#", 1, func(_ mqtt.Client, m mqtt.Message) { overheard <- m.Topic() }))
	for _, topic := range []string{mine.Conn(), mine.State(), mine.Events(), mine.EventsAck(), mine.DesiredPower()} {
		settled(t, other.Publish(topic, 1, true, forged)) // the broker acknowledges and drops it
	}
	settled(t, other.Publish(theirs.Conn(), 1, true, forged))
	r.eventually("the other display speaks for itself", func() bool {
		return len(must(r.centre.Heard("other-display"))(t).Conns) == 1
	})
	for _, c := range r.heard().Conns {
		if c.Session == "forged" {
			t.Error("a forged birth arrived")
		}
	}
	if n := r.refusals.all(); len(n) != 0 {
		t.Errorf("a forged order arrived: %v", n)
	}
	r.publishPower(true, powerOn(1))
	r.eventually("order is obeyed", func() bool { return len(r.orders.versions()) == 1 })
	select {
	case topic := <-overheard:
		t.Errorf("the other display overheard %s", topic)
	default:
	}
}

func TestConfigIsChecked(t *testing.T) {
	r := newRig(t)
	for name, spoil := range map[string]func(*fleet.Config, *fleet.Ports){
		"device":    func(c *fleet.Config, _ *fleet.Ports) { c.Device = "a/b" },
		"scheme":    func(c *fleet.Config, _ *fleet.Ports) { c.URL = "tcp://broker:1883" },
		"no port":   func(c *fleet.Config, _ *fleet.Ports) { c.URL = "tls://broker" },
		"password":  func(c *fleet.Config, _ *fleet.Ports) { c.URL = "tls://a:b@broker:8883" },
		"no URL":    func(c *fleet.Config, _ *fleet.Ports) { c.URL = "" },
		"no trust":  func(c *fleet.Config, _ *fleet.Ports) { c.Trust = nil },
		"no clock":  func(c *fleet.Config, _ *fleet.Ports) { c.Now = nil },
		"no orders": func(_ *fleet.Config, p *fleet.Ports) { p.Orders = nil },
	} {
		c, p := r.config, r.ports
		spoil(&c, &p)
		if _, err := fleet.New(c, p); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func writeFiles(t *testing.T, files map[string][]byte) {
	t.Helper()
	for path, data := range files {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// dial connects a bare client.
func dial(t *testing.T, url string, conf *tls.Config) mqtt.Client {
	t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetTLSConfig(conf).SetAutoReconnect(false).SetClientID("bare"))
	settled(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(100) })
	return c
}

func settled(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer from the broker")
	}
	if err := token.Error(); err != nil {
		t.Fatal(err)
	}
}
