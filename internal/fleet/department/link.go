// Package department is the other end of the wire: the connection of the department's server and tools to the broker.
// It carries bytes. What they are worth is in their signatures.
package department

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/fleet/guard"
	"bangtin/internal/pki"
	"bangtin/internal/wire"
)

const (
	qos         = 1
	dialTimeout = 15 * time.Second
	keepAlive   = 30 * time.Second
	pingTimeout = 10 * time.Second
	// answerTimeout is for the broker to answer a subscribe or publish.
	answerTimeout = 15 * time.Second
	lastWords     = 250 // milliseconds that a disconnect may take

	// maxPublish is the largest message of the contract with its topic: what is longer is cut, and then not understood.
	maxPublish = wire.MaxOrder + 1 + 100
)

// Config says where the broker is and what to hear. All but Session, Retry and Connected are required.
type Config struct {
	URL      string // tls://host:port
	Files    pki.Files
	ClientID string
	// Session true asks the broker to keep what arrives while this end is away. It may lose it all the same.
	Session bool
	Filters []string
	Now     func() time.Time // when certificates are judged
	Log     *slog.Logger

	// Receive is called for each message, in order, by one goroutine. While it blocks nothing else arrives, not even
	// the broker's answer to a publish: it must hand over and return.
	Receive func(Message)
	// Connected is called after each connect, when all filters are subscribed. It must not block. It may be nil.
	Connected func()
	// Disconnected is called when a connection that Connected told of is over. It must not block. It may be nil.
	Disconnected func()

	RetryMin, RetryMax time.Duration // between connections; default 1 s and 30 s, with jitter
}

// A Message is what arrived. Until Ack is called the broker counts it as not delivered.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
	Ack      func()
}

// A Link is one connection at a time, made anew when it breaks.
type Link struct {
	cfg    Config
	host   string
	client mqtt.Client
	lost   chan error
}

// New checks the configuration. It opens nothing.
func New(cfg Config) (*Link, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "tls" || u.Hostname() == "" || u.Port() == "" {
		return nil, fmt.Errorf("cannot use %q as the broker's address: it is not of the form tls://host:port", cfg.URL)
	}
	if cfg.ClientID == "" || cfg.Now == nil || cfg.Log == nil || cfg.Receive == nil {
		return nil, errors.New("cannot join the broker: a required part is missing")
	}
	if cfg.RetryMin <= 0 {
		cfg.RetryMin, cfg.RetryMax = time.Second, 30*time.Second
	}
	l := &Link{cfg: cfg, host: u.Host, lost: make(chan error, 1)}
	l.client = mqtt.NewClient(l.options())
	return l, nil
}

func (l *Link) options() *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().
		AddBroker(l.cfg.URL).
		SetClientID(l.cfg.ClientID).
		SetProtocolVersion(4).
		SetCleanSession(!l.cfg.Session).
		SetAutoReconnect(false). // Run does it, with jitter
		SetOrderMatters(true).
		SetAutoAckDisabled(true).
		SetKeepAlive(keepAlive).
		SetPingTimeout(pingTimeout).
		SetWriteTimeout(answerTimeout).
		SetConnectTimeout(dialTimeout).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) {
			select {
			case l.lost <- err:
			default:
			}
		}).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			l.cfg.Receive(Message{Topic: m.Topic(), Payload: m.Payload(), Retained: m.Retained(), Ack: m.Ack})
		})
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		conf, err := l.cfg.Files.ClientConfig(l.cfg.Now)
		if err != nil {
			return nil, err
		}
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: conf}
		ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
		defer cancel()
		conn, err := d.DialContext(ctx, "tcp", l.host)
		if err != nil {
			return nil, err
		}
		return guard.New(conn, maxPublish, len(l.cfg.Filters)), nil
	})
	return o
}

// Run stays connected as well as it can until ctx ends, and returns its error.
func (l *Link) Run(ctx context.Context) error {
	told := ""
	for pause := time.Duration(0); ; pause = min(max(2*pause, l.cfg.RetryMin), l.cfg.RetryMax) {
		if !wait(ctx, pause/2+jitter(pause/2)) {
			return ctx.Err()
		}
		began := time.Now()
		err := l.Once(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(began) > l.cfg.RetryMax {
			pause = 0
		}
		if why := err.Error(); why != told {
			l.cfg.Log.Warn("not connected to the broker", "broker", l.host, "err", err)
			told = why
		}
	}
}

// Once connects and stays until the connection breaks or ctx ends. Its error says why it is over.
func (l *Link) Once(ctx context.Context) error {
	select {
	case <-l.lost: // of the connection before
	default:
	}
	// Before anything may fail: a client that goes on connecting by itself could never be connected again.
	defer l.client.Disconnect(lastWords)
	if err := l.await(ctx, l.client.Connect()); err != nil {
		return fmt.Errorf("cannot connect to the broker: %w", err)
	}
	if err := l.subscribe(ctx); err != nil {
		return err
	}
	if l.cfg.Connected != nil {
		l.cfg.Connected()
	}
	if l.cfg.Disconnected != nil {
		defer l.cfg.Disconnected()
	}
	select {
	case err := <-l.lost:
		return fmt.Errorf("connection to the broker lost: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Link) subscribe(ctx context.Context) error {
	if len(l.cfg.Filters) == 0 {
		return nil
	}
	filters := map[string]byte{}
	for _, f := range l.cfg.Filters {
		filters[f] = qos
	}
	token := l.client.SubscribeMultiple(filters, nil)
	if err := l.await(ctx, token); err != nil {
		return fmt.Errorf("cannot subscribe: %w", err)
	}
	for filter, code := range token.(*mqtt.SubscribeToken).Result() {
		if code != qos {
			return fmt.Errorf("cannot subscribe to %s: the broker answers %#x", filter, code)
		}
	}
	return nil
}

// Publish waits for the broker's word that it took the message, which proves neither that it keeps it nor that its
// ACL let it through. It must not be called from Receive.
func (l *Link) Publish(ctx context.Context, topic string, retained bool, payload []byte) error {
	if !l.client.IsConnectionOpen() {
		return fmt.Errorf("cannot publish to %s: %w", topic, mqtt.ErrNotConnected)
	}
	if err := l.await(ctx, l.client.Publish(topic, qos, retained, payload)); err != nil {
		return fmt.Errorf("cannot publish to %s: %w", topic, err)
	}
	return nil
}

// Send publishes without waiting, for what is sent again when it does not arrive. It may be called from Receive.
func (l *Link) Send(topic string, payload []byte) {
	if l.client.IsConnectionOpen() {
		l.client.Publish(topic, qos, false, payload)
	}
}

func (l *Link) await(ctx context.Context, token mqtt.Token) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return fmt.Errorf("no answer from the broker: %w", ctx.Err())
	}
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// wait returns true after d, or false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
