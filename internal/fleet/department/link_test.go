package department_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/fleet/department"
	"bangtin/internal/pki"
)

// patience is how long anything may take before a test gives up on it. It decides nothing else.
const patience = 30 * time.Second

const topic = "bt/v1/d/tinh-bien-01/evt"

// An end is one link with what it heard.
type end struct {
	t                       *testing.T
	link                    *department.Link
	config                  department.Config
	heard                   chan department.Message
	connected, disconnected atomic.Int32
	stop                    func()
}

func newEnd(t *testing.T, b *brokertest.Broker, session bool) *end {
	t.Helper()
	files, err := b.Issue(brokertest.CentreName)
	if err != nil {
		t.Fatal(err)
	}
	e := &end{t: t, heard: make(chan department.Message, 1000)}
	e.config = department.Config{
		URL: b.URL(), Files: pki.Files(files), ClientID: brokertest.CentreName, Session: session, Filters: []string{"bt/v1/d/+/evt"},
		Now: time.Now, Log: slog.New(slog.DiscardHandler), Receive: func(m department.Message) { e.heard <- m },
		Connected: func() { e.connected.Add(1) }, Disconnected: func() { e.disconnected.Add(1) },
		RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond,
	}
	return e
}

func (e *end) start() {
	e.t.Helper()
	link, err := department.New(e.config)
	if err != nil {
		e.t.Fatal(err)
	}
	e.link = link
	ctx, cancel := context.WithCancel(context.Background())
	var part sync.WaitGroup
	part.Go(func() {
		if err := link.Run(ctx); !errors.Is(err, context.Canceled) {
			e.t.Errorf("Run: %v", err)
		}
	})
	e.stop = sync.OnceFunc(func() { cancel(); part.Wait() })
	e.t.Cleanup(e.stop)
}

func (e *end) await(what string, holds func() bool) {
	e.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			e.t.Fatalf("never came true: %s", what)
		}
	}
}

func (e *end) next() department.Message {
	e.t.Helper()
	select {
	case m := <-e.heard:
		return m
	case <-time.After(patience):
		e.t.Fatal("nothing is heard")
		return department.Message{}
	}
}

func newBroker(t *testing.T) *brokertest.Broker {
	t.Helper()
	t.Parallel()
	b, err := brokertest.NewBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestSaysAndHears(t *testing.T) {
	e := newEnd(t, newBroker(t), false)
	e.start()
	e.await("connected", func() bool { return e.connected.Load() == 1 })
	if err := e.link.Publish(t.Context(), topic, false, []byte("một")); err != nil {
		t.Fatal(err)
	}
	if m := e.next(); string(m.Payload) != "một" || m.Topic != topic || m.Retained {
		t.Errorf("%+v", m)
	}
	e.link.Send(topic, []byte("hai"))
	if m := e.next(); string(m.Payload) != "hai" {
		t.Errorf("%q", m.Payload)
	}
	if err := e.link.Publish(t.Context(), topic, true, []byte("ba")); err != nil {
		t.Fatal(err)
	}
	e.next().Ack()
	e.stop()
	if got := e.disconnected.Load(); got != 1 {
		t.Errorf("told %d times that the connection is over", got)
	}
	e.start()
	if m := e.next(); string(m.Payload) != "ba" || !m.Retained {
		t.Errorf("%+v", m)
	}
}

// What was not acknowledged comes again after a break, with a session; in order, and what was acknowledged does not.
func TestUnacknowledgedComesAgain(t *testing.T) {
	e := newEnd(t, newBroker(t), true)
	e.start()
	e.await("connected", func() bool { return e.connected.Load() == 1 })
	for _, text := range []string{"một", "hai", "ba"} {
		if err := e.link.Publish(t.Context(), topic, false, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	e.next().Ack()
	e.next()
	e.next()
	e.stop()
	e.start()
	for _, want := range []string{"hai", "ba"} {
		m := e.next()
		if string(m.Payload) != want {
			t.Errorf("%q, want %q", m.Payload, want)
		}
		m.Ack()
	}
	if err := e.link.Publish(t.Context(), topic, false, []byte("bốn")); err != nil {
		t.Fatal(err)
	}
	if m := e.next(); string(m.Payload) != "bốn" {
		t.Errorf("%q came again", m.Payload)
	}
}

// A broker that was killed has forgotten everything, subscriptions too.
func TestBrokerIsKilled(t *testing.T) {
	b := newBroker(t)
	e := newEnd(t, b, true)
	e.start()
	for round := range int32(5) {
		e.await("connected", func() bool { return e.connected.Load() == round+1 })
		e.await("a message comes", func() bool {
			if err := e.link.Publish(t.Context(), topic, false, []byte("x")); err != nil {
				return false
			}
			e.next().Ack()
			return true
		})
		if err := b.Kill(); err != nil {
			t.Fatal(err)
		}
		e.await("the end is told", func() bool { return e.disconnected.Load() == round+1 })
		if err := e.link.Publish(t.Context(), topic, false, nil); err == nil {
			t.Error("published to nobody")
		}
		e.link.Send(topic, nil) // is dropped, and does not block
		if err := b.Start(); err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot be joined is said once, with a reason, and tried again.
func TestRefusals(t *testing.T) {
	b := newBroker(t)
	other, err := brokertest.NewCA("another")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	strange, err := other.IssueFiles(dir, "client", brokertest.Leaf{CommonName: brokertest.CentreName})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*department.Config)
		want   string
	}{
		{"a server of another authority", func(c *department.Config) { c.Files.CA = strange.CA }, "unknown authority"},
		{"a certificate of another authority", func(c *department.Config) {
			c.Files.Certificate, c.Files.Key = strange.Certificate, strange.Key
		}, "cannot"},
		{"no file", func(c *department.Config) { c.Files.Key = dir + "/none" }, "no such file"},
		{"a clock of 1970", func(c *department.Config) { c.Now = func() time.Time { return time.Unix(0, 0) } }, "not yet valid"},
		{"a filter that the broker refuses", func(c *department.Config) { c.Filters = []string{"bt/#/x"} }, "cannot subscribe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEnd(t, b, false)
			e.config.ClientID, e.t = brokertest.CentreName, t
			tt.change(&e.config)
			link, err := department.New(e.config)
			if err != nil {
				t.Fatal(err)
			}
			if err := link.Once(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if e.connected.Load() != 0 || e.disconnected.Load() != 0 {
				t.Error("told of a connection")
			}
		})
	}
	for _, url := range []string{"", "tcp://a:1883", "tls://a", "tls://:8883", "a:8883"} {
		e := newEnd(t, b, false)
		e.config.URL = url
		if _, err := department.New(e.config); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}
