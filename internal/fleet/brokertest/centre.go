package brokertest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// wait bounds everything the stand-in waits for.
const wait = 10 * time.Second

// An Answer decides what the centre says to a stored batch: the messages for evt/ack, or none. good is what an honest
// centre would sign.
type Answer func(good wire.RecordsAck) ([][]byte, error)

// A Centre stands in for the department's server: it keeps in memory what displays report and acknowledges records as
// it is told to. Its methods may be called by any goroutine.
type Centre struct {
	department *Department
	client     mqtt.Client
	arrived    chan mqtt.Message
	done       chan struct{}
	finished   chan struct{}

	mu       sync.Mutex
	answer   Answer
	tell     Tell
	displays map[string]*Heard
	errs     []error
}

// Heard is what one display has said so far.
type Heard struct {
	Conns      []wire.Conn // births, wills and offs in the order of their arrival
	States     []wire.State
	Answers    []wire.CommandAck
	Records    []journal.Record // in the order of their numbers, each once
	Duplicates int              // records that came again
	Gaps       []uint64         // numbers that were missing when a later one came
	Batches    int
	Questions  []string // nonces of the questions for the time
}

// NewCentre connects to the broker and acknowledges honestly until told otherwise.
func NewCentre(b *Broker, d *Department) (*Centre, error) {
	files, err := b.Issue(CentreName)
	if err != nil {
		return nil, err
	}
	conf, err := ClientTLS(files)
	if err != nil {
		return nil, err
	}
	c := &Centre{
		department: d, arrived: make(chan mqtt.Message, 1000), done: make(chan struct{}), finished: make(chan struct{}),
		displays: map[string]*Heard{},
	}
	c.answer, c.tell = c.Honest, c.Now
	c.client = mqtt.NewClient(c.options(b.URL(), conf))
	if err := settle(c.client.Connect()); err != nil {
		return nil, fmt.Errorf("cannot connect the centre: %w", err)
	}
	go c.work()
	return c, nil
}

func (c *Centre) options(url string, conf *tls.Config) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetClientID(CentreName).SetTLSConfig(conf).
		SetCleanSession(false).
		SetOrderMatters(true). // the handler only hands over
		SetAutoAckDisabled(true).
		SetMaxReconnectInterval(time.Second).
		SetDefaultPublishHandler(c.receive).
		SetOnConnectHandler(func(client mqtt.Client) {
			// A broker that was killed has forgotten the session with its subscriptions.
			filters := map[string]byte{wire.AllConn: 1, wire.AllState: 1, wire.AllEvents: 1, wire.AllCommandAcks: 1, wire.AllTimeRequests: 1}
			if err := settle(client.SubscribeMultiple(filters, nil)); err != nil {
				c.fail(fmt.Errorf("cannot subscribe the centre: %w", err))
			}
		})
}

// Close disconnects.
func (c *Centre) Close() error {
	c.client.Disconnect(250)
	close(c.done)
	<-c.finished
	return nil
}

// SetAnswer changes how batches are answered. Silent and Honest are answers.
func (c *Centre) SetAnswer(a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = a
}

// Honest signs what was stored.
func (c *Centre) Honest(good wire.RecordsAck) ([][]byte, error) {
	signed, err := c.department.RecordsAck(good)
	return [][]byte{signed}, err
}

// Silent says nothing.
func (c *Centre) Silent(wire.RecordsAck) ([][]byte, error) { return nil, nil }

// Publish sends any payload, retained or not, and waits for the broker to take it.
func (c *Centre) Publish(topic string, retained bool, payload []byte) error {
	return settle(c.client.Publish(topic, 1, retained, payload))
}

// Throw publishes with QoS 0, as fast as the connection takes it and without any promise.
func (c *Centre) Throw(topic string, payload []byte) { c.client.Publish(topic, 0, false, payload) }

// Heard returns a copy of what a display has said. Its error is whatever went wrong since the beginning, a broken
// chain of records included.
func (c *Centre) Heard(device string) (Heard, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.displays[device]
	if !ok {
		return Heard{}, errors.Join(c.errs...)
	}
	copied := *h
	copied.Conns, copied.States, copied.Answers = slices.Clone(h.Conns), slices.Clone(h.States), slices.Clone(h.Answers)
	copied.Records, copied.Gaps = slices.Clone(h.Records), slices.Clone(h.Gaps)
	copied.Questions = slices.Clone(h.Questions)
	return copied, errors.Join(c.errs...)
}

func (c *Centre) receive(_ mqtt.Client, m mqtt.Message) {
	select {
	case c.arrived <- m:
	case <-c.done:
	}
}

// work stores, then acknowledges to the broker, then answers.
func (c *Centre) work() {
	defer close(c.finished)
	for {
		select {
		case m := <-c.arrived:
			if err := c.take(m); err != nil {
				c.fail(err)
			}
		case <-c.done:
			return
		}
	}
}

func (c *Centre) take(m mqtt.Message) error {
	defer m.Ack()
	device, ok := wire.DeviceOf(m.Topic())
	if !ok || len(m.Payload()) == 0 {
		return fmt.Errorf("centre heard nothing sensible on %q", m.Topic())
	}
	topics, err := wire.NewTopics(device)
	if err != nil {
		return err
	}
	switch m.Topic() {
	case topics.Conn():
		conn, err := wire.ParseConn(m.Payload())
		if err != nil {
			return err
		}
		c.note(device, func(h *Heard) { h.Conns = append(h.Conns, *conn) })
	case topics.State():
		state, err := wire.ParseState(m.Payload())
		if err != nil {
			return err
		}
		c.note(device, func(h *Heard) { h.States = append(h.States, *state) })
	case topics.CommandAck():
		answer, err := wire.ParseCommandAck(m.Payload())
		if err != nil {
			return err
		}
		c.note(device, func(h *Heard) { h.Answers = append(h.Answers, *answer) })
	case topics.Events():
		return c.takeBatch(device, topics, m.Payload())
	case topics.TimeRequest():
		return c.takeQuestion(device, topics, m.Payload())
	}
	return nil
}

func (c *Centre) note(device string, what func(*Heard)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.displays[device]
	if !ok {
		h = &Heard{}
		c.displays[device] = h
	}
	what(h)
}

func (c *Centre) takeBatch(device string, topics wire.Topics, payload []byte) error {
	batch, err := wire.ParseBatch(payload)
	if err != nil {
		return err
	}
	good := wire.RecordsAck{Device: device}
	var answer Answer
	c.note(device, func(h *Heard) {
		for _, raw := range batch.Records {
			if err = h.store(raw); err != nil {
				return
			}
		}
		h.Batches++
		last := h.Records[len(h.Records)-1]
		good.UptoSeq, good.Head = last.Seq, last.Hash.String()
		answer = c.answer
	})
	if err != nil {
		return err
	}
	messages, err := answer(good)
	if err != nil {
		return err
	}
	for _, m := range messages {
		// A broker that was killed meanwhile takes nothing; the display sends its batch again.
		_ = c.Publish(topics.EventsAck(), false, m)
	}
	return nil
}

// store keeps a record if it is new and checks that it follows the last one.
func (h *Heard) store(raw json.RawMessage) error {
	var r journal.Record
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("centre cannot read record: %w", err)
	}
	var last journal.Record
	if n := len(h.Records); n > 0 {
		last = h.Records[n-1]
	}
	if r.Seq <= last.Seq {
		h.Duplicates++
		return nil
	}
	prev := last.Hash
	if r.Seq > last.Seq+1 {
		prev = r.Prev // what it should follow is not here
	}
	for missing := last.Seq + 1; missing < r.Seq; missing++ {
		h.Gaps = append(h.Gaps, missing)
	}
	if err := journal.Check(prev, r); err != nil {
		return err
	}
	h.Records = append(h.Records, r)
	return nil
}

func (c *Centre) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

// settle waits for a token.
func settle(token mqtt.Token) error {
	if !token.WaitTimeout(wait) {
		return errors.New("no answer from the broker")
	}
	return token.Error()
}

// ClientTLS reads the files of a client.
func ClientTLS(files Files) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, fmt.Errorf("cannot read client certificate: %w", err)
	}
	ca, err := os.ReadFile(files.CA)
	if err != nil {
		return nil, fmt.Errorf("cannot read CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("cannot read CA: no certificate in it")
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, RootCAs: roots}, nil
}
