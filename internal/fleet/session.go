package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/sync/errgroup"

	"bangtin/internal/fleet/guard"
	"bangtin/internal/pki"
	"bangtin/internal/wire"
)

const (
	qos = 1

	// keepAlive and pingTimeout find a dead link within 165 s; on air a state each minute finds it in 86. With 60 s the
	// pings off air alone would cost a metered link 6 MB a month; 150 s are half of the heartbeat there.
	keepAlive   = 150 * time.Second
	pingTimeout = 15 * time.Second

	farewell = 5 * time.Second // for saying off; systemd waits for the whole daemon
	ackRoom  = inboxRoom       // acknowledgements that may wait; further ones are dropped, the batch goes out again
)

var errRenew = errors.New("orders were dropped while the journal was slow: connecting again to receive them")

// A session is one connection.
type session struct {
	f       *Fleet
	id      string
	client  mqtt.Client
	acks    chan mqtt.Message
	replies chan timeReply
	lost    chan error

	// Owned by the goroutine of events.
	gathering uint64    // number of the first proof of play that waits for others
	since     time.Time // since when
}

// session connects once and stays until the connection breaks, a renewal is asked for, or ctx ends. Its error says
// why it is over; when ctx ended it has said off.
func (f *Fleet) session(ctx context.Context) error {
	select {
	case <-f.renew: // whatever was missed comes with this connection
	default:
	}
	s := &session{f: f, id: randomID(), acks: make(chan mqtt.Message, ackRoom), replies: make(chan timeReply, ackRoom), lost: make(chan error, 1)}
	// The link must outlive ctx for the farewell.
	link, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	if err := s.connect(ctx, link); err != nil {
		return err
	}
	err := s.live(ctx)
	if ctx.Err() != nil {
		s.leave(link)
	}
	return err // cutting the link without a DISCONNECT makes the broker publish the will, which is then the truth
}

// live announces the display and does everything there is to do while connected. It always returns an error.
func (s *session) live(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.f.cfg.Log.Info("connected to the broker", "broker", s.f.host, "session", s.id)
	s.f.linked(Link{Up: true})
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watch(running) })
	g.Go(func() error { return s.states(running) })
	g.Go(func() error { return s.events(running) })
	g.Go(func() error { return s.answers(running) })
	if s.f.ports.Clock != nil {
		g.Go(func() error { return s.times(running) })
	}
	return g.Wait()
}

// connect dials and waits for the broker's CONNACK.
func (s *session) connect(ctx, link context.Context) error {
	options, err := s.options(ctx, link)
	if err != nil {
		return err
	}
	s.client = mqtt.NewClient(options)
	token := s.client.Connect()
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("cannot connect: %w", err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err() // cutting the link ends what paho still does
	}
}

func (s *session) options(ctx, link context.Context) (*mqtt.ClientOptions, error) {
	will, err := wire.Encode(s.conn(wire.Gone))
	if err != nil {
		return nil, err
	}
	o := mqtt.NewClientOptions().
		AddBroker(s.f.cfg.URL).
		SetClientID(s.f.cfg.Device).
		SetProtocolVersion(4). // else every refusal is followed by an attempt with MQTT 3.1
		SetCleanSession(true).
		SetAutoReconnect(false). // keepConnected does it, with jitter
		SetOrderMatters(true).   // two commands of one key must not overtake each other; receive only hands over
		SetAutoAckDisabled(true).
		SetBinaryWill(s.f.topics.Conn(), will, qos, true).
		SetKeepAlive(keepAlive).
		SetPingTimeout(pingTimeout).
		SetConnectTimeout(pki.DialTimeout + s.f.cfg.Pace.Publish).
		SetWriteTimeout(s.f.cfg.Pace.Publish).
		SetDefaultPublishHandler(s.receive).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { s.lost <- err })
	o.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		conn, err := s.f.dial(ctx)
		if err != nil {
			return nil, err
		}
		guarded := guard.New(conn, maxPublish, len(s.filters()))
		context.AfterFunc(link, func() { _ = guarded.Close() }) // it is over either way
		return guarded, nil
	})
	return o, nil
}

// maxPublish is a message of MaxOrder bytes and one more, so that a longer one is seen to be, with its topic, id and
// their lengths.
const maxPublish = wire.MaxOrder + 1 + 100

// filters are what a display listens to.
func (s *session) filters() map[string]byte {
	return map[string]byte{
		s.f.topics.EventsAck():       qos,
		s.f.topics.DesiredPower():    qos,
		s.f.topics.DesiredPlaylist(): qos,
		s.f.topics.DesiredTrust():    qos,
		s.f.topics.CommandRequest():  qos,
		s.f.topics.TimeReply():       qos,
	}
}

// begin subscribes and only then says that the display is online: the centre answers the birth.
func (s *session) begin(ctx context.Context) error {
	token := s.client.SubscribeMultiple(s.filters(), nil) // nil: everything goes to receive
	if err := s.await(ctx, token); err != nil {
		return fmt.Errorf("cannot subscribe: %w", err)
	}
	granted := token.(*mqtt.SubscribeToken).Result()
	for filter := range s.filters() {
		if code, ok := granted[filter]; !ok || code != qos {
			return fmt.Errorf("cannot subscribe to %s: the broker answers %#x", filter, code)
		}
	}
	return s.sayConn(ctx, wire.Online)
}

// receive runs in paho's goroutine, one message after the other. It never blocks: what waits here keeps the broker's
// answers from being read.
func (s *session) receive(_ mqtt.Client, m mqtt.Message) {
	switch m.Topic() {
	case s.f.topics.DesiredPower():
		s.f.power.put(m)
	case s.f.topics.DesiredPlaylist():
		s.f.playlist.put(m)
	case s.f.topics.DesiredTrust():
		s.f.trust.put(m)
	case s.f.topics.CommandRequest():
		s.f.command.put(m)
	case s.f.topics.EventsAck():
		s.putAck(m)
	case s.f.topics.TimeReply():
		s.putTime(m)
	default:
		s.f.ports.Refused(Unexpected, "")
		m.Ack()
	}
}

// watch ends the session when the connection broke or a renewal is asked for.
func (s *session) watch(ctx context.Context) error {
	select {
	case err := <-s.lost:
		return fmt.Errorf("connection lost: %w", err)
	case <-s.f.renew:
		return errRenew
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *session) conn(state string) wire.Conn {
	return wire.Conn{State: state, Session: s.id, Boot: s.f.cfg.Boot, Version: s.f.cfg.Version}
}

func (s *session) sayConn(ctx context.Context, state string) error {
	payload, err := wire.Encode(s.conn(state))
	if err != nil {
		return err
	}
	return s.publish(ctx, s.f.topics.Conn(), true, payload)
}

// leave says how things stood last, replaces the birth by off and disconnects, upon which the broker forgets the will.
func (s *session) leave(link context.Context) {
	ctx, cancel := context.WithTimeout(link, farewell)
	defer cancel()
	if err := errors.Join(s.sayState(ctx), s.sayConn(ctx, wire.Off)); err != nil {
		s.f.cfg.Log.Warn("stopping without having said so to the broker", "err", err)
		return
	}
	s.client.Disconnect(uint(2 * guard.DrainTimeout / time.Millisecond))
}

// publish waits for the broker's PUBACK, which only proves that the connection works: a broker acknowledges what its
// ACL then drops, and forgets what it acknowledged when it is killed.
func (s *session) publish(ctx context.Context, topic string, retained bool, payload []byte) error {
	if !s.client.IsConnectionOpen() { // IsConnected would also be true while connecting
		return fmt.Errorf("cannot publish to %s: %w", topic, mqtt.ErrNotConnected)
	}
	if err := s.await(ctx, s.client.Publish(topic, qos, retained, payload)); err != nil {
		return fmt.Errorf("cannot publish to %s: %w", topic, err)
	}
	return nil
}

// await is never longer than Pace.Publish.
func (s *session) await(ctx context.Context, token mqtt.Token) error {
	ctx, cancel := context.WithTimeout(ctx, s.f.cfg.Pace.Publish)
	defer cancel()
	select {
	case <-token.Done():
		return token.Error()
	case <-ctx.Done():
		return fmt.Errorf("no answer from the broker: %w", ctx.Err())
	}
}

func randomID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
