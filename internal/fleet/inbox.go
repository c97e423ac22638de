package fleet

import (
	"context"
	"sync/atomic"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// inboxRoom is how many messages may wait: more than the 20 unacknowledged ones that Mosquitto sends
// (max_inflight_messages), so that there it is never full of QoS 1.
const inboxRoom = 32

// An inbox holds what arrived on one topic until its worker comes to it. paho's goroutines only ever put something
// in and leave, so a slow worker can block nobody.
//
// When it is full the newest message is dropped and, unlike one that was refused, not acknowledged: what it said is
// not known. Once the worker has emptied the inbox the session is renewed, and the broker brings the retained order
// again. A message of QoS 0 came without any promise and is not worth that.
type inbox struct {
	topic   string
	limit   int   // bytes of one message
	budget  int64 // bytes of all that wait
	queue   chan mqtt.Message
	again   chan struct{} // asks for another judgement of kept
	kept    mqtt.Message  // the last message, where it was refused for now; the worker's
	held    atomic.Int64  // bytes that wait
	missed  atomic.Bool   // something was dropped since the inbox was last empty
	refused func(Reason, string)
}

func newInbox(topic string, limit, budget int, refused func(Reason, string)) *inbox {
	return &inbox{
		topic: topic, limit: limit, budget: int64(budget), queue: make(chan mqtt.Message, inboxRoom),
		again: make(chan struct{}, 1), refused: refused,
	}
}

// put never blocks on the worker. An empty message is how a retained one is deleted, and means nothing.
func (b *inbox) put(m mqtt.Message) {
	switch size := len(m.Payload()); {
	case size == 0:
		m.Ack()
	case size > b.limit:
		b.refused(Oversized, b.topic)
		m.Ack()
	case !b.enqueue(m):
		b.refused(QueueFull, b.topic)
		if m.Qos() > 0 {
			b.missed.Store(true)
		}
	}
}

func (b *inbox) enqueue(m mqtt.Message) bool {
	size := int64(len(m.Payload()))
	if b.held.Add(size) > b.budget {
		b.held.Add(-size)
		return false
	}
	select {
	case b.queue <- m:
		return true
	default:
		b.held.Add(-size)
		return false
	}
}

// next is the message to be judged: the oldest that waits, or, when that is asked for, the one that is kept. It returns
// nil when ctx ends.
func (b *inbox) next(ctx context.Context) mqtt.Message {
	for {
		select {
		case m := <-b.queue:
			b.held.Add(-int64(len(m.Payload())))
			return m
		case <-b.again:
			if b.kept != nil {
				return b.kept
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// overflowed tells once, when the inbox has run empty, that it had overflowed before.
func (b *inbox) overflowed() bool {
	return len(b.queue) == 0 && b.missed.Swap(false)
}
