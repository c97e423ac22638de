package cec

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"bangtin/hal"
)

// A Fault is something that a TV or adapter of the tests does wrong.
type Fault int

const (
	Deaf      Fault = iota // the TV acknowledges nothing
	Mute                   // the TV acknowledges, and answers nothing
	Late                   // the TV answers after the driver has stopped waiting
	Refuses                // the TV answers everything with feature abort
	NoView                 // the TV refuses image view on alone
	Disobeys               // the TV acknowledges wakes and standbys and does nothing
	Odd                    // the TV reports a power status that CEC does not know
	Disturbed              // each other message is lost to arbitration
	Eventless              // the kernel drops all events
	Forgets                // the adapter gets no logical address
	Shy                    // the TV does not say who made it
	Held                   // the kernel does not let the reader go
	Swallows               // results of requests never come
	faults
)

// A Sent is a message that the adapter sent.
type Sent struct {
	At time.Time
	message
}

func (s Sent) String() string { return s.message.String() }

// A Bus is an adapter that can be unplugged, and a TV at its other end, in virtual time. The TV is one that tells of
// its power late, as real ones do.
type Bus struct {
	mu       sync.Mutex
	fault    [faults]bool
	vendor   uint32
	place    addresses
	name     string
	there    bool
	open     *fakeAdapter
	sequence uint32
	sent     []Sent
	busy     time.Time // until then the line carries what was queued
	spoken   time.Time // when the TV's last answer is to come
	claims   int

	on      bool      // the picture
	moved   time.Time // when on changed
	pending *time.Timer
}

const (
	tvBoots   = 4 * time.Second        // from image view on to the picture
	tvDarkens = 300 * time.Millisecond // from standby to the end of the picture
)

// NewBus returns a bus with a TV in standby that gives its source the address 1.0.0.0.
func NewBus() *Bus {
	return &Bus{there: true, place: addresses{physical: 0x1000}, moved: time.Now().Add(-time.Hour), busy: time.Now(), spoken: time.Now()}
}

// NewOn returns a driver whose adapter is the bus's.
func NewOn(b *Bus, c Config) *Panel {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return newPanel(c, func() (string, error) { return "/dev/cec0", nil }, func(string) (adapter, error) { return b.plugIn() })
}

// NewAmong returns a driver that finds its adapter among those of the buses, by their paths.
func NewAmong(buses map[string]*Bus, log *slog.Logger) *Panel {
	find := func() (string, error) {
		var all []candidate
		for path, b := range buses {
			b.do(func() {
				if b.there {
					all = append(all, candidate{path, b.place.physical})
				}
			})
		}
		return choose(all)
	}
	return newPanel(Config{OSDName: "Bang Tin", Log: log}, find, func(path string) (adapter, error) { return buses[path].plugIn() })
}

func (b *Bus) plugIn() (adapter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.there {
		return nil, fmt.Errorf("no such file: %w", hal.ErrPortGone)
	}
	b.open = &fakeAdapter{bus: b, out: make(chan received, 100), ended: make(chan struct{})}
	return b.open, nil
}

func (b *Bus) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// Set begins or ends a fault.
func (b *Bus) Set(f Fault, active bool) { b.do(func() { b.fault[f] = active }) }

// Vendor makes the TV one of this maker.
func (b *Bus) Vendor(id uint32) { b.do(func() { b.vendor = id }) }

// Lit tells whether there is a picture.
func (b *Bus) Lit() (lit bool) {
	b.do(func() { lit = b.on })
	return lit
}

// Sent is what was sent to the TV or to all, polls and questions left out.
func (b *Bus) Sent() (s []Sent) {
	b.do(func() {
		for _, m := range b.sent {
			switch {
			case m.is(opGivePowerStatus, 0), m.is(opGiveVendorID, 0), m.is(opGetCECVersion, 0):
			default:
				s = append(s, m)
			}
		}
	})
	return s
}

// Asked counts the questions for power.
func (b *Bus) Asked() (n int) {
	b.do(func() {
		for _, m := range b.sent {
			if m.is(opGivePowerStatus, 0) {
				n++
			}
		}
	})
	return n
}

// Claims counts how often a logical address was asked for.
func (b *Bus) Claims() (n int) {
	b.do(func() { n = b.claims })
	return n
}

// Cut makes the TV fall into standby at once, as a short power cut does.
func (b *Bus) Cut() { b.do(func() { b.switchTo(false, 0); b.moved = time.Now().Add(-time.Minute) }) }

// Remote is the TV's own remote. The TV tells all of a standby.
func (b *Bus) Remote(on bool) {
	b.do(func() {
		after := tvDarkens
		if on {
			after = tvBoots
		} else {
			b.say(message{From: addressTV, To: addressAll, Body: []byte{opStandby}})
		}
		b.switchTo(on, after)
	})
}

// Say puts a message on the bus.
func (b *Bus) Say(bytes ...byte) {
	m, err := parseMessage(bytes)
	if err != nil {
		panic(err)
	}
	b.do(func() { b.say(m) })
}

// Physical gives the adapter another physical address; 0xFFFF takes it away.
func (b *Bus) Physical(a uint16) {
	b.do(func() {
		b.place.physical, b.place.logical = a, 0
		b.change()
		if a != noPhysical && b.place.ours {
			b.grant()
		}
	})
}

// Forget takes the logical address away, as if it never had been claimed.
func (b *Bus) Forget() {
	b.do(func() {
		b.place.logical, b.place.ours = 0, false
		b.change()
	})
}

// Unplug takes the adapter away, and the TV's memory of it.
func (b *Bus) Unplug() {
	b.do(func() {
		b.there = false
		if b.open != nil {
			b.open.end()
		}
	})
}

// Replug brings it back without a logical address.
func (b *Bus) Replug() {
	b.do(func() { b.there, b.place.logical, b.place.ours = true, 0, false })
}

// From here on the lock is held.

func (b *Bus) change() {
	if b.open != nil && !b.fault[Eventless] {
		b.open.give(received{changed: true})
	}
}

func (b *Bus) say(m message) {
	if b.open != nil {
		b.open.give(received{message: m, got: gotOK})
	}
}

// grant lets the kernel find a logical address.
func (b *Bus) grant() {
	time.AfterFunc(200*time.Millisecond, func() {
		b.do(func() {
			if b.place.ours && b.place.physical != noPhysical && !b.fault[Forgets] {
				b.place.logical = 1 << 4
				b.change()
			}
		})
	})
}

func (b *Bus) switchTo(on bool, after time.Duration) {
	if b.pending != nil {
		b.pending.Stop()
	}
	turn := func() {
		if b.on != on {
			b.on, b.moved = on, time.Now()
		}
	}
	if after == 0 {
		turn()
		return
	}
	b.pending = time.AfterFunc(after, func() { b.do(turn) })
}

// status is what the TV says of its power: what it was for 1.5 s, then that it changes, then the truth.
func (b *Bus) status() byte {
	since := time.Since(b.moved)
	switch {
	case b.fault[Odd]:
		return 7
	case b.on && since < 1500*time.Millisecond:
		return 1
	case b.on && since < 3*time.Second:
		return 2
	case b.on:
		return 0
	case since < 1500*time.Millisecond:
		return 0
	case since < 6500*time.Millisecond:
		return 3
	}
	return 1
}

// react is the TV's own part: it obeys, and returns its answer, if there is one.
func (b *Bus) react(m message) []byte {
	switch {
	case len(m.Body) == 0:
		return nil
	case b.fault[Refuses] && m.To == addressTV, b.fault[NoView] && m.is(opImageViewOn, 0):
		return []byte{opFeatureAbort, m.Body[0], 0}
	case m.is(opImageViewOn, 0), m.is(opTextViewOn, 0):
		if !b.fault[Disobeys] && !b.on {
			b.switchTo(true, tvBoots)
		}
	case m.is(opStandby, 0):
		if !b.fault[Disobeys] {
			b.switchTo(false, tvDarkens)
		}
	case m.is(opGivePowerStatus, 0):
		return []byte{opReportPower, b.status()}
	case m.is(opGetCECVersion, 0):
		return []byte{opCECVersion, 5}
	case m.is(opGiveVendorID, 0) && b.fault[Shy]:
		return nil
	case m.is(opGiveVendorID, 0) && b.vendor == 0:
		return []byte{opFeatureAbort, opGiveVendorID, 0}
	case m.is(opGiveVendorID, 0):
		return []byte{opDeviceVendorID, byte(b.vendor >> 16), byte(b.vendor >> 8), byte(b.vendor)}
	}
	return nil
}

// A fakeAdapter is one opening of the bus's adapter, and behaves as the kernel does.
type fakeAdapter struct {
	bus   *Bus
	out   chan received
	ended chan struct{}
	over  bool

	waiting []waiter
}

func (a *fakeAdapter) give(r received) {
	if a.over {
		return
	}
	select {
	case a.out <- r:
	default:
		panic("the driver does not read")
	}
}

func (a *fakeAdapter) end() {
	if !a.over {
		a.over = true
		close(a.ended)
	}
}

func (a *fakeAdapter) close() { a.bus.do(a.end) }

func (a *fakeAdapter) next() (received, error) {
	select {
	case r := <-a.out:
		return r, nil
	case <-a.ended:
		held := false
		if a.bus.do(func() { held = a.bus.fault[Held] }); held {
			time.Sleep(time.Minute)
		}
		return received{}, fmt.Errorf("no such device: %w", hal.ErrPortGone)
	}
}

func (a *fakeAdapter) addresses() (place addresses, err error) {
	a.bus.do(func() {
		place = a.bus.place
		if a.over {
			err = fmt.Errorf("no such device: %w", hal.ErrPortGone)
		}
	})
	return place, err
}

func (a *fakeAdapter) claim(name string) error {
	a.bus.do(func() {
		a.bus.name, a.bus.place.ours = name, true
		a.bus.claims++
		if a.bus.place.physical != noPhysical {
			a.bus.grant()
		}
	})
	return nil
}

func (a *fakeAdapter) transmit(q request) (sequence uint32, err error) {
	a.bus.do(func() { sequence, err = a.queue(q) })
	return sequence, err
}

// queue checks what the kernel checks, and sends in 50 ms.
func (a *fakeAdapter) queue(q request) (uint32, error) {
	b := a.bus
	from, placed := b.place.playback()
	wakes := q.From == addressUnregistered && q.To == addressTV && (q.is(opImageViewOn, 0) || q.is(opTextViewOn, 0)) && q.wait == 0
	switch {
	case a.over:
		return 0, fmt.Errorf("no such device: %w", hal.ErrPortGone)
	case !placed && !wakes:
		return 0, fmt.Errorf("adapter is unconfigured: %w", hal.ErrSilent)
	case placed && q.From != from:
		return 0, fmt.Errorf("message from %x, not %x: %w", q.From, from, hal.ErrSilent)
	}
	b.sequence++
	sequence := b.sequence
	b.busy = b.busy.Add(max(0, time.Since(b.busy)) + 50*time.Millisecond) // one after the other
	time.AfterFunc(time.Until(b.busy), func() { b.do(func() { a.deliver(sequence, q) }) })
	return sequence, nil
}

func (a *fakeAdapter) deliver(sequence uint32, q request) {
	b := a.bus
	result := received{message: q.message, sequence: sequence, sent: sentOK}
	b.sent = append(b.sent, Sent{time.Now(), q.message})
	switch {
	case b.fault[Disturbed] && len(b.sent)%2 == 1:
		result.sent = sentArbitration
	case q.To == addressTV && b.fault[Deaf]:
		result.sent = sentNACK | 0x20
	default:
		a.answer(result, q, b.react(q.message))
		return
	}
	a.result(result)
}

// answer gives the TV's answer in 100 ms. The kernel takes what fits for the answer to the oldest question that
// waits, whichever it was meant for, and says after the wait that there was none.
func (a *fakeAdapter) answer(result received, q request, body []byte) {
	b := a.bus
	if q.wait == 0 {
		a.result(result)
	} else {
		a.waiting = append(a.waiting, waiter{result, q})
		time.AfterFunc(q.wait, func() { b.do(func() { a.expire(result) }) })
	}
	if len(body) == 0 || b.fault[Mute] {
		return
	}
	after := 100 * time.Millisecond
	if b.fault[Late] {
		after = 2500 * time.Millisecond
	}
	reply := received{message: message{From: addressTV, To: q.From, Body: body}, got: gotOK}
	if body[0] == opFeatureAbort {
		reply.got |= gotAbort
	}
	b.spoken = b.spoken.Add(max(time.Millisecond, time.Since(b.spoken)+after)) // a TV answers in order
	time.AfterFunc(time.Until(b.spoken), func() { b.do(func() { a.arrive(reply) }) })
}

type waiter struct {
	result  received
	request request
}

func (a *fakeAdapter) arrive(reply received) {
	abort := reply.got&gotAbort != 0
	for i, w := range a.waiting {
		if abort && reply.Body[1] == w.request.Body[0] || !abort && reply.Body[0] == w.request.reply {
			reply.sequence, reply.sent = w.result.sequence, sentOK
			a.waiting = slices.Delete(a.waiting, i, i+1)
			a.result(reply)
			return
		}
	}
	a.give(reply)
}

func (a *fakeAdapter) expire(result received) {
	for i, w := range a.waiting {
		if w.result.sequence == result.sequence {
			a.waiting = slices.Delete(a.waiting, i, i+1)
			result.got = gotTimeout
			a.result(result)
			return
		}
	}
}

func (a *fakeAdapter) result(r received) {
	if !a.bus.fault[Swallows] {
		a.give(r)
	}
}

// Steady is for how long the picture is as it is.
func (b *Bus) Steady() (d time.Duration) {
	b.do(func() { d = time.Since(b.moved) })
	return d
}
