package chaos_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/fleet/department"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A sent command, and what its sender knows of it.
type sent struct {
	wire.Command
	device string
	digest string
	raw    []byte
	topic  string

	// Guarded by the operator's mu.
	taken  bool               // the broker said so
	answer wire.CommandStatus // the newest; of a duplicate that of the first
	reason string
	heard  chan struct{} // closed when the answer is final
}

// An operator sends commands and sends them again until they are settled or have expired, as `bangtin send --wait` does.
type operator struct {
	w    *world
	link *department.Link
	dice *mathrand.Rand // of choose alone

	mu      sync.Mutex
	all     []*sent
	open    map[string]int // of each display
	counter uint64
	pursuit sync.WaitGroup
	again   int // commands sent once more though they were settled
}

func newOperator(w *world, seed uint64) *operator {
	o := &operator{w: w, dice: mathrand.New(mathrand.NewPCG(seed, 1)), open: map[string]int{}}
	folder := filepath.Join(w.dir, "operators", "truc-ban")
	var err error
	o.link, err = department.New(department.Config{
		URL: "tls://" + w.toOperator.address(), ClientID: "operator-truc-ban", Filters: []string{wire.AllCommandAcks}, Now: time.Now,
		Files: pki.Files{
			CA: filepath.Join(folder, "ca.pem"), Certificate: filepath.Join(folder, "operator.pem"), Key: filepath.Join(folder, "operator.key"),
		},
		Log: slog.New(slog.DiscardHandler), Receive: o.hear, RetryMin: 50 * time.Millisecond, RetryMax: time.Second,
	})
	w.check(err)
	return o
}

func (o *operator) hear(m department.Message) {
	defer m.Ack()
	device, _ := wire.DeviceOf(m.Topic)
	a, err := wire.ParseCommandAck(m.Payload)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.all {
		if s.device != device || s.digest != a.Digest || s.answer.Final() {
			continue
		}
		if a.Outcome() == wire.Rejected && a.Reason == "busy" {
			continue // it is to be sent again
		}
		s.answer, s.reason = a.Outcome(), a.Reason
		if s.answer.Final() {
			close(s.heard)
		}
	}
}

// work makes commands until ctx ends.
func (o *operator) work(ctx context.Context, every time.Duration) {
	for pause(ctx, within(o.dice, 2*every)) {
		device := o.w.units[o.dice.IntN(len(o.w.units))].id
		if o.pending(device) > o.dice.IntN(4) {
			continue
		}
		s := o.draft(device)
		if o.w.brief && o.dice.IntN(6) == 0 {
			s.Expires = time.Now().Add(time.Second + within(o.dice, 9*time.Second)).UTC().Truncate(time.Millisecond)
		}
		o.fill(&s.Command)
		o.start(s)
	}
}

// draft is a command for one display that does not say yet what is to be done.
func (o *operator) draft(device string) *sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	o.counter = max(o.counter+1, uint64(now.UnixMilli()))
	return &sent{device: device, heard: make(chan struct{}), Command: wire.Command{
		ID: "lenh-" + strings.ToLower(rand.Text()), Counter: o.counter, Audience: []string{device}, Expires: now.Add(time.Hour).UTC().Truncate(time.Millisecond),
	}}
}

// start signs it and begins to pursue it.
func (o *operator) start(s *sent) {
	o.seal(s)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open[s.device]++
	o.all = append(o.all, s)
	o.pursuit.Go(func() { o.pursue(s) })
}

// relieve sends every display back to its schedule: what waits for a picture gets one.
func (o *operator) relieve() {
	for _, u := range o.w.units {
		s := o.draft(u.id)
		args, err := wire.Encode(wire.PowerArgs{State: wire.WishSchedule, Reason: "hết thử"})
		o.w.check(err)
		s.Kind, s.Args = wire.DoPower, args
		o.start(s)
	}
}

// fill decides what is asked for.
func (o *operator) fill(c *wire.Command) {
	var args any
	switch n := o.dice.IntN(100); {
	case n < 30:
		c.Kind, args = wire.DoIdentify, wire.IdentifyArgs{Seconds: 5}
	case n < 50:
		c.Kind = wire.DoRestartPlayer
	case n < 70:
		c.Kind = wire.DoPower
		a := wire.PowerArgs{State: []wire.PowerWish{wire.WishOn, wire.WishOff, wire.WishSchedule, wire.WishBlackout}[o.dice.IntN(4)], Reason: "thử"}
		if a.State != wire.WishSchedule {
			until := time.Now().Add(2 * time.Hour).UTC().Truncate(time.Second)
			a.Until = &until
		}
		args = a
	case n < 85:
		c.Kind = wire.DoScreenshot
	case n < 90:
		c.Kind = wire.DoDiagnostics
	case n < 95:
		c.Kind, args = wire.DoPlaylist, wire.PlaylistArgs{Digest: approved()}
	default:
		c.Kind, args = wire.DoReboot, wire.RebootArgs{Force: o.dice.IntN(3) > 0}
	}
	if args != nil {
		raw, err := wire.Encode(args)
		if err != nil {
			panic(err)
		}
		c.Args = json.RawMessage(raw)
	}
}

func (o *operator) seal(s *sent) {
	payload, err := wire.Encode(s.Command)
	if err != nil {
		panic(err)
	}
	if s.raw, err = brokertest.Seal(trust.TypePower, payload, o.w.department.Power); err != nil {
		panic(err)
	}
	sum := sha256.Sum256(payload)
	s.digest = hex.EncodeToString(sum[:])
	topics, err := wire.NewTopics(s.device)
	if err != nil {
		panic(err)
	}
	s.topic = topics.CommandRequest()
}

// pursue sends until there is a final answer or the command has expired: then nobody may obey it any more.
func (o *operator) pursue(s *sent) {
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.open[s.device]--
	}()
	ctx, cancel := context.WithDeadline(context.Background(), s.Expires)
	defer cancel()
	for ctx.Err() == nil {
		wait := 50 * time.Millisecond
		if o.publish(ctx, s) {
			wait = time.Second + mathrand.N(2*time.Second)
		}
		select {
		case <-s.heard:
			if mathrand.IntN(4) == 0 && o.publish(ctx, s) { // it must not be done a second time
				o.mu.Lock()
				o.again++
				o.mu.Unlock()
			}
			return
		case <-time.After(wait):
		case <-o.w.Context().Done():
			return
		}
	}
}

func (o *operator) publish(ctx context.Context, s *sent) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := o.link.Publish(ctx, s.topic, false, s.raw); err != nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s.taken = true
	return true
}

// pending counts the commands that are still pursued, of one display.
func (o *operator) pending(device string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.open[device]
}

// unsettled counts them of all.
func (o *operator) unsettled() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, open := range o.open {
		n += open
	}
	return n
}
