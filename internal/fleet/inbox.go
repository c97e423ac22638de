package fleet

import (
	"sync/atomic"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// An inbox holds what arrived on one topic until its worker comes to it. paho's goroutines only ever put something
// in and leave, so a slow worker can block nobody.
//
// When it is full the newest message is dropped and, unlike one that was refused, not acknowledged: what it said is
// not known. Once the worker has emptied the inbox the session is renewed, and the broker brings the retained order
// again.
type inbox struct {
	topic   string
	limit   int // bytes of one message
	queue   chan mqtt.Message
	missed  atomic.Bool // something was dropped since the inbox was last empty
	refused func(Reason, string)
}

func newInbox(topic string, limit, room int, refused func(Reason, string)) *inbox {
	return &inbox{topic: topic, limit: limit, queue: make(chan mqtt.Message, room), refused: refused}
}

// put never blocks on the worker. An empty message is how a retained one is deleted, and means nothing.
func (b *inbox) put(m mqtt.Message) {
	switch size := len(m.Payload()); {
	case size == 0:
		m.Ack()
	case size > b.limit:
		b.refused(Oversized, b.topic)
		m.Ack()
	default:
		select {
		case b.queue <- m:
		default:
			b.refused(QueueFull, b.topic)
			b.missed.Store(true)
		}
	}
}

// overflowed tells once, when the inbox has run empty, that it had overflowed before.
func (b *inbox) overflowed() bool {
	return len(b.queue) == 0 && b.missed.Swap(false)
}
