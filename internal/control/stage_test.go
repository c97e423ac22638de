package control_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/media"
)

func testKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) }

// A stage is one display inside a synctest bubble: real decisions and a real journal, a simulated rig and an actor
// for the player. Several runs of the daemon may follow one another on it.
type stage struct {
	t       *testing.T
	path    string
	ahead   atomic.Int64  // nanoseconds of the wall clock before the bubble's
	truth   time.Duration // of true time before the bubble's
	built   time.Time     // the clock's first floor
	runs    int
	clock   *control.Clock
	rig     *sim.Rig
	panel   *heedful
	journal *sqlite.Journal
	disk    *disk
	content shelf

	unsynced atomic.Bool // nobody disciplines the wall clock

	// What stands between the decisions and the rig; nil for the plain thing.
	panelOf func() hal.Panel
	relayOf func() hal.Relay
	config  func(*control.Config)
	// ordersOf is called with the orders of a run before it begins; nil for nothing.
	ordersOf func(*control.Orders)
	frozen   atomic.Bool // the player tells nothing new any more

	orders  *control.Orders
	control *control.Control
	cancel  context.CancelFunc
	done    chan error
}

// newStage sets the scene at wall time now.
func newStage(t *testing.T, path string, now time.Time) *stage {
	t.Helper()
	s := &stage{
		t: t, path: path, rig: sim.NewRig(sim.Config{}), built: now.AddDate(0, 0, -1),
		content: shelf{programme: threeClips(), changed: make(chan struct{}, 1)},
	}
	s.truth = time.Until(now)
	s.ahead.Store(int64(s.truth))
	return s
}

// now is the true time.
func (s *stage) now() time.Time { return time.Now().Add(s.truth) }

// set makes the system clock show t.
func (s *stage) set(t time.Time) { s.ahead.Store(int64(time.Until(t))) }

// confirm brings the true time, signed, in answer to a question of two seconds ago.
func (s *stage) confirm() error {
	mono := s.clock.Mono()
	return s.clock.Confirm(s.now().Add(-time.Second), mono-2*time.Second, mono)
}

// begin starts a run of the daemon.
func (s *stage) begin() {
	s.t.Helper()
	wall := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	start := time.Now()
	s.runs++
	clock := control.NewClock("boot-"+strconv.Itoa(s.runs), s.built, control.System{
		Wall: wall, Mono: func() time.Duration { return time.Since(start) },
		Synced: func() bool { return !s.unsynced.Load() },
	})
	s.clock = clock
	var err error
	s.journal, err = sqlite.Open(s.t.Context(), sqlite.Options{
		Path: s.path, Key: testKey(), Stamp: clock.Stamp, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	last, known, err := s.journal.LastHeartbeat(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if known {
		clock.Resume(last)
	}
	s.disk = &disk{Journal: s.journal}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(s.t.Context())
	if s.orders, err = control.LoadOrders(ctx, s.disk, clock, slog.New(slog.DiscardHandler)); err != nil {
		s.t.Fatal(err)
	}
	if s.ordersOf != nil {
		s.ordersOf(s.orders)
	}
	player := newActor()
	player.frozen = &s.frozen
	s.panel = &heedful{Panel: s.rig.Panel()}
	cfg := control.Config{
		Device: "tinh-bien-01", Version: "test", Schedule: schedule(s.t), Clock: clock, Journal: s.disk, Orders: s.orders,
		Panel: s.panel, Relay: s.rig.Relay(), Sensors: []hal.Sensor{s.rig.Sensor()}, Player: player,
		Content: s.content, Health: control.NewHealth(), Log: slog.New(slog.DiscardHandler),
	}
	if s.panelOf != nil {
		cfg.Panel = s.panelOf()
	}
	if s.relayOf != nil {
		cfg.Relay = s.relayOf()
	}
	if s.config != nil {
		s.config(&cfg)
	}
	if s.control, err = control.New(ctx, cfg); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan error, 1)
	go player.run(ctx)
	go func() { s.done <- s.control.Run(ctx) }()
}

// end stops the run in good order.
func (s *stage) end() {
	s.t.Helper()
	s.cancel()
	if err := <-s.done; !errors.Is(err, context.Canceled) {
		s.t.Fatalf("control ended with %v", err)
	}
}

func (s *stage) close() {
	s.t.Helper()
	if err := s.journal.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// lost is what the display reports as lost today.
func (s *stage) lost() map[journal.Cause]int64 {
	out := map[journal.Cause]int64{}
	for _, l := range s.control.State().Airtime.Lost {
		out[journal.Cause(l.Cause)] = l.S
	}
	return out
}

// A heedful panel remembers what was asked of it since it was asked for that.
type heedful struct {
	hal.Panel
	mu    sync.Mutex
	asked []string
}

func (p *heedful) Power(ctx context.Context) (hal.Power, error) {
	p.note("read")
	return p.Panel.Power(ctx)
}

func (p *heedful) SetPower(ctx context.Context, on bool) error {
	p.note(map[bool]string{true: "on", false: "off"}[on])
	return p.Panel.SetPower(ctx, on)
}

// Settle implements hal.Settler.
func (p *heedful) Settle(on bool) time.Duration { return p.Panel.(hal.Settler).Settle(on) }

func (p *heedful) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, what)
}

func (p *heedful) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// A disk is a journal whose writes can be made to fail, or to hang until they are released.
type disk struct {
	*sqlite.Journal
	full atomic.Bool
	hung atomic.Pointer[chan struct{}]
}

var errFull = errors.New("no space left on device")

func (d *disk) Commit(ctx context.Context, w journal.Write) error {
	if c := d.hung.Load(); c != nil {
		<-*c
	}
	if d.full.Load() {
		return errFull
	}
	return d.Journal.Commit(ctx, w)
}

// An actor plays the player: it shows one clip after the other on the clock alone.
type actor struct {
	show     chan media.Programme
	finished chan media.Shown
	wake     chan struct{}
	playing  chan media.Playing // one deep; holds the newest
	frozen   *atomic.Bool       // it hangs
}

func newActor() *actor {
	a := &actor{make(chan media.Programme, 1), make(chan media.Shown, 1), make(chan struct{}, 1), make(chan media.Playing, 1), nil}
	a.playing <- media.Playing{State: media.PlayerStarting}
	return a
}

func (a *actor) Show(p media.Programme)       { a.put(p) }
func (a *actor) ShowSlate()                   { a.put(media.Programme{}) }
func (a *actor) Finished() <-chan media.Shown { return a.finished }
func (a *actor) Wake() <-chan struct{}        { return a.wake }

func (a *actor) put(p media.Programme) {
	select {
	case <-a.show:
	default:
	}
	a.show <- p
}

func (a *actor) Playing() media.Playing {
	p := <-a.playing
	a.playing <- p
	return p
}

func (a *actor) run(ctx context.Context) {
	var p media.Programme
	for i := 0; ; i++ {
		state := media.Playing{State: media.PlayerSlate}
		length := time.Hour
		if len(p.Clips) > 0 {
			clip := p.Clips[i%len(p.Clips)]
			state = media.Playing{State: media.PlayerPlaying, Playlist: p.Playlist, Version: p.Version, Item: clip.Item.ID}
			length = time.Duration(clip.Item.Seconds) * time.Second
		}
		start := time.Now()
		if !a.live(ctx, state, start, length, &p) {
			return
		}
		if state.State != media.PlayerPlaying {
			continue
		}
		shown := media.Shown{Start: start, Duration: time.Since(start), Complete: time.Since(start) >= length}
		for _, c := range p.Clips {
			if c.Item.ID == state.Item {
				shown.Clip = c
			}
		}
		select {
		case a.finished <- shown:
		case <-ctx.Done():
			return
		}
	}
}

// live reports once a second until the clip is over or another programme is wanted.
func (a *actor) live(ctx context.Context, state media.Playing, start time.Time, length time.Duration, p *media.Programme) bool {
	for time.Since(start) < length {
		if !a.frozen.Load() {
			state.At, state.PositionS = time.Now(), time.Since(start).Seconds()
			<-a.playing
			a.playing <- state
		}
		select {
		case <-ctx.Done():
			return false
		case *p = <-a.show:
			return true
		case <-time.After(time.Second):
		}
	}
	return true
}

// A shelf always has the same programme.
type shelf struct {
	programme media.Programme
	changed   chan struct{}
}

func (s shelf) Programme(time.Time) (media.Programme, bool) { return s.programme, true }
func (s shelf) Changed() <-chan struct{}                    { return s.changed }

func threeClips() media.Programme {
	p := media.Programme{Playlist: "ba-muc", Version: 7}
	for _, lang := range []media.Language{media.Vietnamese, media.English, media.Khmer} {
		p.Clips = append(p.Clips, media.Clip{
			Playlist: p.Playlist, Version: p.Version, SHA256: string(lang),
			Item: media.Item{ID: "muc-" + string(lang), Seconds: 300, Category: media.EssentialInfo, Language: lang},
		})
	}
	return p
}
