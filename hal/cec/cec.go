// Package cec drives a panel over HDMI-CEC with the API of the Linux kernel.
//
// The rules of when to say what, and when to believe the answer, are in reference/hardware-facts.md, "HDMI-CEC". What
// is decided is apart from the device: it runs on any system, and opening an adapter fails where there is no Linux.
package cec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bangtin/hal"
)

const (
	// lossGrace is how long a lost physical address is waited for: a TV that changes its input or wakes pulls its
	// hot-plug line for a moment (hardware-facts, "wait 2 s before reacting").
	lossGrace = 2 * time.Second
	// claimLimit is how long the kernel may take for a logical address: 200 ms as a rule, more on a busy bus.
	claimLimit = 3 * time.Second
	// lookAgain is how often the addresses are read while one is awaited, because the event may have been dropped.
	lookAgain = 100 * time.Millisecond
	// vendorAsks is how often a TV is asked in vain for its maker each time it comes or is woken.
	vendorAsks = 3
	// overdueFor is how long an answer that did not come in time may still come. CEC allows 1 s.
	overdueFor = 5 * time.Second
)

// A Config says which panel a [Panel] drives. Durations that are zero get the value in brackets.
type Config struct {
	Device  string // such as /dev/cec0; empty is the only adapter there is, or the only one with a physical address, see SetPower
	OSDName string // what the TV may show of us: at most 14 ASCII characters, the rest is cut off

	Reply     time.Duration // how long to wait for a reply, at most 1 s [1 s, which is what CEC allows]
	SettleOn  time.Duration // after a wake [30 s]
	SettleOff time.Duration // after a standby [10 s]

	Log *slog.Logger // required
}

// A Panel is a TV or display that is driven over CEC. It implements [hal.Panel] and [hal.Settler].
//
// Power takes 0.2 s with a TV that answers and SetPower 1 s, for it waits for a refusal; a TV that does not answer
// takes 2 s, an adapter that does not 4 s, and a lost physical or logical address adds 2 or 3 s once. As every [hal.Panel] it is for one goroutine at a time. After a wake a goroutine of the
// Panel's own repeats what TVs like to miss, for at most 30 s.
type Panel struct {
	config Config
	find   func() (string, error) // where no device is named
	open   func(path string) (adapter, error)

	session *session // nil while closed
	path    string   // of the session's adapter
	roused  bool     // a display was woken over an adapter that nobody knew to be the one; the rest of the wake is owed
	closed  bool
	waking  *waking // the newest wake; nil before the first

	mu      sync.Mutex // for what is below: the adapter's reader and the wake use it too
	seen    addresses
	claimed time.Time // when the kernel began to look for a logical address
	proven  string    // the adapter that was last seen to have a display; empty before
	lost    time.Time // when the physical address was missed first; zero while it is there or never was
	belief  belief
	// overdue is until when the answer to a question that was given up may still come; zero is none.
	overdue time.Time
	vendor  uint32
	asks    int  // how often the vendor ID was asked for in vain
	known   bool // the vendor ID is that of the TV that is there now
	active  bool // we are what the TV should show
	resting bool // we were sent to standby, and say so to who asks
}

// New returns the driver of one panel. It does no input or output: the adapter is opened by the first command.
func New(c Config) *Panel {
	c.OSDName = cmp.Or(c.OSDName, "Bang Tin")
	find := func() (string, error) { return findAdapter(c.Log) }
	return newPanel(c, find, func(path string) (adapter, error) { return openAdapter(path, c.OSDName, c.Log) })
}

func newPanel(c Config, find func() (string, error), open func(path string) (adapter, error)) *Panel {
	c.Reply = min(cmp.Or(c.Reply, time.Second), time.Second)
	c.SettleOn = cmp.Or(c.SettleOn, pollUntil)
	c.SettleOff = cmp.Or(c.SettleOff, 10*time.Second)
	return &Panel{config: c, find: find, open: open}
}

// SetPower implements [hal.Panel]. On is image view on, then active source several times from a goroutine of the
// Panel's own; off is one standby, which ends that goroutine. Both wait for a refusal as long as for a reply. Where no device
// is named, and none of several adapters has a display or had one in this run, image view on goes out over each of them.
func (p *Panel) SetPower(ctx context.Context, on bool) error {
	if err := p.setPower(ctx, on); err != nil {
		return fmt.Errorf("cannot set panel power: %w", err)
	}
	return nil
}

func (p *Panel) setPower(ctx context.Context, on bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.waking.end()
	p.roused = false
	s, a, err := p.ready(ctx)
	if dark, ok := errors.AsType[*darkError](err); on && ok {
		return p.rouse(ctx, dark.ways())
	}
	if err != nil {
		return err
	}
	if on {
		return p.wake(ctx, s, a)
	}
	return p.sleep(ctx, s, a)
}

// sleep sends one standby, and never a second: what a TV makes of that is not known.
func (p *Panel) sleep(ctx context.Context, s *session, a addresses) error {
	from, placed := a.playback()
	if !placed {
		return fmt.Errorf("adapter has %s, with which only a wake passes: %w", a.lacks(), hal.ErrSilent)
	}
	at := time.Now()
	r, err := s.ask(ctx, request{message: message{From: from, To: addressTV, Body: []byte{opStandby}}, wait: p.config.Reply})
	if heard(r, err) {
		p.note(func() {
			p.active = false
			p.belief.told(false, at)
		})
	}
	return err
}

// heard tells whether the TV may have heard a command: an answer that was lost does not say that it has not.
func heard(r received, err error) bool { return !errors.Is(err, hal.ErrRefused) && !r.nacked() }

// Power implements [hal.Panel]. A TV whose word proves nothing is [hal.ErrUnsupported]. For a few seconds after a
// command its old state counts as being on its way to the new one.
func (p *Panel) Power(ctx context.Context) (hal.Power, error) {
	power, err := p.power(ctx)
	if err != nil {
		return hal.PowerUnknown, fmt.Errorf("cannot read panel power: %w", err)
	}
	return power, nil
}

func (p *Panel) power(ctx context.Context) (hal.Power, error) {
	s, a, err := p.ready(ctx)
	if err != nil {
		return hal.PowerUnknown, err
	}
	from, placed := a.playback()
	if !placed {
		return hal.PowerUnknown, fmt.Errorf("adapter has %s: %w", a.lacks(), hal.ErrSilent)
	}
	if p.roused {
		p.roused = false
		p.rest(s, false)
		p.carryOn(s, plan(p.treatment()), time.Now(), false)
	}
	power, err := p.question(ctx, s, from)
	if err != nil {
		return hal.PowerUnknown, err
	}
	q, err := p.identify(ctx, s, from)
	if err != nil {
		return hal.PowerUnknown, err
	}
	if power == hal.PowerOn {
		p.rest(s, false) // a source of a TV that is on
	}
	if q.unread {
		return hal.PowerUnknown, fmt.Errorf("TVs of this maker misreport their power: %w", hal.ErrUnsupported)
	}
	return power, nil
}

// question asks the TV for its power and judges the answer. A second attempt is made where the first may have been
// lost on the way.
func (p *Panel) question(ctx context.Context, s *session, from byte) (power hal.Power, err error) {
	start := time.Now()
	for range 2 {
		if err := p.catchUp(ctx, s, from); err != nil {
			return hal.PowerUnknown, err
		}
		power, err = p.questionOnce(ctx, s, from)
		if !errors.Is(err, hal.ErrSilent) || time.Since(start) > 2*p.config.Reply {
			break
		}
	}
	return power, err
}

func (p *Panel) questionOnce(ctx context.Context, s *session, from byte) (hal.Power, error) {
	q := request{message: message{From: from, To: addressTV, Body: []byte{opGivePowerStatus}}, reply: opReportPower, wait: p.config.Reply}
	r, err := s.ask(ctx, q)
	if err != nil {
		if !r.nacked() && !errors.Is(err, hal.ErrRefused) {
			p.note(func() { p.overdue = time.Now().Add(overdueFor) })
		}
		return hal.PowerUnknown, err
	}
	said, ok := r.power()
	if !ok || r.From != addressTV {
		return hal.PowerUnknown, fmt.Errorf("answer %v says nothing of power: %w", r.message, hal.ErrSilent)
	}
	p.note(func() { said = p.belief.judge(said, time.Now()) })
	return said, nil
}

// catchUp makes sure that no answer to an earlier question is still to come: it would be taken for the answer to the
// next. A TV answers in order, so once it has told its CEC version, or refused to, the earlier answer has been here or
// is lost.
func (p *Panel) catchUp(ctx context.Context, s *session, from byte) error {
	due := false
	p.note(func() { due = time.Now().Before(p.overdue) })
	if !due {
		return nil
	}
	_, err := s.ask(ctx, request{message: message{From: from, To: addressTV, Body: []byte{opGetCECVersion}}, reply: opCECVersion, wait: p.config.Reply})
	if err != nil && !errors.Is(err, hal.ErrRefused) {
		return err
	}
	p.note(func() { p.overdue = time.Time{} })
	return nil
}

// identify returns how the TV wants to be treated, and asks for its maker where it was not told. A TV that does not
// tell is treated as one without quirks. Until it has told, or was asked in vain, it is taken for the one before: most that
// hide their EDID in standby come back as what they were, and are woken as such.
func (p *Panel) identify(ctx context.Context, s *session, from byte) (quirk, error) {
	due := false
	p.note(func() {
		if due = !p.known && p.asks < vendorAsks; due {
			p.asks++
		}
	})
	if due {
		ask := request{message: message{From: from, To: addressTV, Body: []byte{opGiveVendorID}}, reply: opDeviceVendorID, wait: p.config.Reply}
		switch r, err := s.ask(ctx, ask); {
		case err == nil:
			p.introduced(r.message)
		case errors.Is(err, hal.ErrRefused): // it has none
			p.note(func() { p.vendor, p.known = 0, true })
		case errors.Is(err, hal.ErrSilent):
			p.note(func() {
				if p.asks >= vendorAsks {
					p.vendor = 0
				}
			})
		default:
			return quirk{}, err
		}
	}
	return p.treatment(), nil
}

// introduced notes the vendor ID that a TV announces.
func (p *Panel) introduced(m message) {
	vendor, ok := m.vendor()
	if !ok || m.From != addressTV {
		return
	}
	p.note(func() {
		if p.vendor != vendor {
			p.config.Log.Info("panel introduced itself", "vendor", fmt.Sprintf("%06X", vendor))
		}
		p.vendor, p.known = vendor, true
	})
}

func (p *Panel) treatment() (q quirk) {
	p.note(func() { q = quirkOf(p.vendor) })
	return q
}

// note runs f under the lock, with which nothing is waited for.
func (p *Panel) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Settle implements [hal.Settler].
func (p *Panel) Settle(on bool) time.Duration {
	if on {
		return p.config.SettleOn
	}
	return p.config.SettleOff
}

// Close implements [hal.Panel]. The logical address stays with the adapter, so that a TV does not see its source
// disappear when a program restarts. The Panel cannot be used afterwards.
func (p *Panel) Close() error {
	p.closed = true
	p.waking.end()
	p.drop()
	return nil
}

func (p *Panel) drop() {
	if p.session != nil {
		p.session.close()
		p.session = nil
	}
}
