package command_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/control/command"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/wire"
	"bangtin/media"
)

// A stage is one display inside a synctest bubble: real commands, real decisions and a real journal, a simulated rig, and
// stand-ins for the player and the library. Several runs of the daemon may follow one another on it.
type stage struct {
	*testing.T
	rig     *sim.Rig
	journal *sqlite.Journal
	disk    *disk
	player  *player
	library *library
	sent    *sender
	machine *machine
	kernel  string
	forgets bool // the journal is lost with the boot, from the next run on
	synced  atomic.Bool
	ahead   atomic.Int64 // nanoseconds of the wall clock before the bubble's

	clock    *control.Clock
	orders   *control.Orders
	control  *control.Control
	commands *command.Commands
	cancel   context.CancelFunc
	running  sync.WaitGroup
	counter  uint64

	mu      sync.Mutex
	refused []string
}

// play runs a scene at 09:00 of a day, with the display on air.
func play(t *testing.T, scene func(s *stage)) {
	t.Helper()
	t.Parallel() // most of a scene is SQLite
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		s := &stage{
			T: t, rig: sim.NewRig(sim.Config{}), player: newPlayer(), library: &library{digest: digest("b"), name: "ba-muc@7", current: true},
			sent: &sender{}, machine: &machine{}, kernel: "kernel-1",
		}
		s.synced.Store(true)
		s.ahead.Store(int64(time.Until(time.Date(2027, 2, 6, 2, 0, 0, 0, time.UTC))))
		s.newClock(s.wall().AddDate(0, 0, -1))
		var err error
		s.journal, err = sqlite.Open(t.Context(), sqlite.Options{
			Path: path, Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Stamp: s.clock.Stamp, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.disk = &disk{Journal: s.journal}
		s.begin()
		time.Sleep(time.Minute)
		if st := s.control.State(); st.Panel.Power != "on" || st.Player.State != "playing" {
			t.Fatalf("not on air after a minute: %+v", st)
		}
		scene(s)
		s.end()
		if err := s.journal.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// newClock starts a clock of the system's time as it stands.
func (s *stage) newClock(floor time.Time) {
	began := time.Now()
	s.clock = control.NewClock("boot", floor, control.System{
		Wall: s.wall, Mono: func() time.Duration { return time.Since(began) }, Synced: s.synced.Load,
	})
}

func (s *stage) wall() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// begin starts a run of the daemon.
func (s *stage) begin() {
	s.load()
	s.run()
}

// load builds a run of the daemon.
func (s *stage) load() {
	s.Helper()
	var err error
	quiet := slog.New(slog.DiscardHandler)
	if s.orders, err = control.LoadOrders(s.Context(), s.disk, s.clock, quiet); err != nil {
		s.Fatal(err)
	}
	health := control.NewHealth()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		s.Fatal(err)
	}
	s.control, err = control.New(s.Context(), control.Config{
		Device: "tinh-bien-01", Version: "test", Clock: s.clock, Journal: s.disk, Orders: s.orders,
		Schedule: media.Schedule{Windows: []media.Window{{From: 7 * time.Hour, To: 11 * time.Hour}}, Lead: 90 * time.Second, Zone: zone},
		Panel:    s.rig.Panel(), Relay: s.rig.Relay(), Sensors: []hal.Sensor{s.rig.Sensor()}, Player: s.player,
		Content: shelf{}, Health: health, Log: quiet,
	})
	if err != nil {
		s.Fatal(err)
	}
	s.commands, err = command.New(s.Context(), command.Config{
		Journal: s.disk, Clock: s.clock, Orders: s.orders, Display: s.control, Player: s.player, Library: s.library,
		Sender: s.sent, Machine: s.machine, Gate: "Cửa khẩu", Kernel: s.kernel, Forgets: s.forgets, Log: quiet,
		Diagnose: func(context.Context) (*command.Report, error) { return &command.Report{Device: "tinh-bien-01"}, nil },
		Refused: func(reason, source string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.refused = append(s.refused, source+" "+reason)
		},
		Loop: func(name string) func() { return health.Loop(name, command.Stall) },
	})
	if err != nil {
		s.Fatal(err)
	}
}

// run sets it going.
func (s *stage) run() {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(s.Context())
	for _, part := range []func(context.Context) error{s.control.Run, s.commands.Run, s.player.run} {
		s.running.Go(func() {
			if err := part(ctx); !errors.Is(err, context.Canceled) {
				s.Errorf("a part ended with %v", err)
			}
		})
	}
}

// end stops the run.
func (s *stage) end() {
	s.cancel()
	s.running.Wait()
}

func digest(of string) string { return strings.Repeat(of, 64)[:64] }

// order makes a command of the present, with an id and a digest of its own.
func (s *stage) order(kind wire.CommandKind, args any) *wire.Command {
	s.Helper()
	s.counter = max(s.counter+1, uint64(s.wall().UnixMilli()))
	c := &wire.Command{
		ID: fmt.Sprintf("command-%d", s.counter), Counter: s.counter, Audience: []string{wire.Everyone},
		Expires: s.wall().Add(time.Hour).UTC(), Kind: kind,
	}
	if args != nil {
		raw, err := json.Marshal(args)
		if err != nil {
			s.Fatal(err)
		}
		c.Args = raw
	}
	return c
}

func (s *stage) power(state wire.PowerWish) *wire.Command {
	a := wire.PowerArgs{State: state, Reason: "thử"}
	if state != wire.WishSchedule {
		until := s.wall().Add(2 * time.Hour).UTC()
		a.Until = &until
	}
	return s.order(wire.DoPower, a)
}

func by(c *wire.Command, keys ...string) command.Signed {
	if len(keys) == 0 {
		keys = []string{"key-a"}
	}
	return command.Signed{People: []string{"An"}, Keys: keys, Digest: digest(fmt.Sprintf("%x", c.Counter))}
}

func (s *stage) take(c *wire.Command, keys ...string) {
	s.Helper()
	if err := s.commands.Take(s.Context(), c, by(c, keys...)); err != nil {
		s.Fatal(err)
	}
}

// heard takes the answers there are.
func (s *stage) heard() []wire.CommandAck {
	var all []wire.CommandAck
	for {
		select {
		case a := <-s.commands.Answers():
			all = append(all, a)
		default:
			return all
		}
	}
}

// outcome waits for the answers to c and checks that they are RECEIVED and one that is final, which it returns.
func (s *stage) outcome(c *wire.Command, within time.Duration) wire.CommandAck {
	s.Helper()
	time.Sleep(within)
	synctest.Wait()
	all := slices.DeleteFunc(s.heard(), func(a wire.CommandAck) bool { return a.ID != c.ID })
	if len(all) != 2 || all[0].Status != wire.Received || !all[1].Status.Final() {
		s.Fatalf("the answers to %s are %+v", c.Kind, all)
	}
	for _, a := range all {
		raw, err := wire.Encode(a)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := wire.ParseCommandAck(raw); err != nil {
			s.Error(err)
		}
	}
	s.settled(c, all[1].Status)
	return all[1]
}

// settled checks that c has one record of each step, the last of this status.
func (s *stage) settled(c *wire.Command, status wire.CommandStatus) {
	s.Helper()
	var steps []string
	for _, r := range s.records() {
		if r.ID == c.ID {
			steps = append(steps, r.Status)
		}
	}
	if want := []string{"RECEIVED", string(status)}; !slices.Equal(steps, want) {
		s.Errorf("the records of %s are %v, want %v", c.Kind, steps, want)
	}
}

// records are those of commands, oldest first.
func (s *stage) records() []journal.Command {
	s.Helper()
	found, err := s.journal.Recent(s.Context(), journal.KindCommand, 1000)
	if err != nil {
		s.Fatal(err)
	}
	slices.Reverse(found)
	var out []journal.Command
	for _, r := range found {
		var c journal.Command
		if err := json.Unmarshal(r.Body, &c); err != nil {
			s.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// facts is everything that a refusal must leave as it is.
func (s *stage) facts(keys ...string) string {
	s.Helper()
	facts := fmt.Sprint(len(s.records()), s.orders.Standing())
	for _, name := range append([]string{"desired/power"}, keys...) {
		n, err := s.journal.Counter(s.Context(), name)
		if err != nil {
			s.Fatal(err)
		}
		facts += fmt.Sprint(" ", name, "=", n)
	}
	for place := range 5*16 + 64 {
		raw, err := s.journal.Setting(s.Context(), fmt.Sprintf("command.%d", place))
		if err != nil {
			s.Fatal(err)
		}
		facts += "\n" + string(raw)
	}
	return facts
}

func evidence[T any](t testing.TB, a wire.CommandAck) T {
	t.Helper()
	var e T
	if err := json.Unmarshal(a.Evidence, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// A disk is a journal whose writes can be made to fail.
type disk struct {
	*sqlite.Journal
	full      atomic.Bool
	unsettled atomic.Bool // no result of a command can be written
}

var errFull = errors.New("no space left on device")

func (d *disk) Commit(ctx context.Context, w journal.Write) error {
	if d.full.Load() || d.unsettled.Load() && w.Label == "command.done" {
		return errFull
	}
	return d.Journal.Commit(ctx, w)
}

// A player shows what it is told, and can be made to fail.
type player struct {
	mu       sync.Mutex
	now      media.Playing
	names    []string
	restarts int
	deaf     int  // wishes to restart that change nothing
	dead     bool // does not come back from a restart
	slow     time.Duration
	finished chan media.Shown
	wake     chan struct{}
}

func newPlayer() *player {
	return &player{now: media.Playing{State: media.PlayerStarting}, finished: make(chan media.Shown), wake: make(chan struct{})}
}

func (p *player) set(now media.Playing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now.At = time.Now()
	p.now = now
}

func (p *player) Show(m media.Programme) {
	p.set(media.Playing{State: media.PlayerPlaying, Playlist: m.Playlist, Version: m.Version, Item: "muc-1"})
}
func (p *player) ShowSlate()                   { p.set(media.Playing{State: media.PlayerSlate}) }
func (p *player) Finished() <-chan media.Shown { return p.finished }
func (p *player) Wake() <-chan struct{}        { return p.wake }
func (p *player) Playing() media.Playing       { p.mu.Lock(); defer p.mu.Unlock(); return p.now }

// run renews the observation every second.
func (p *player) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
			p.set(p.Playing())
		}
	}
}

func (p *player) Identify(text string, _ time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names = append(p.names, text)
	return nil
}

func (p *player) Restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf > 0 { // the wish is taken for the one before
		p.deaf--
		return
	}
	p.restarts++
	before := p.now
	p.now = media.Playing{State: media.PlayerDown, At: time.Now()}
	if !p.dead {
		time.AfterFunc(3*time.Second, func() { p.set(before) })
	}
}

func (p *player) Screenshot(ctx context.Context) ([]byte, error) {
	select {
	case <-time.After(p.slow):
		return []byte("\xff\xd8 a picture"), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A shelf always has the same programme.
type shelf struct{}

func (shelf) Programme(time.Time) (media.Programme, bool) {
	return media.Programme{Playlist: "ba-muc", Version: 7, Clips: []media.Clip{{Playlist: "ba-muc", Version: 7, SHA256: "x", Item: media.Item{ID: "muc-1"}}}}, true
}
func (shelf) Changed() <-chan struct{} { return nil }

// A library knows one playlist.
type library struct {
	mu      sync.Mutex
	digest  string
	name    string
	current bool
	missing []media.File
	hurried int
}

func (l *library) Standing(digest string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if digest != l.digest {
		return "", false
	}
	return l.name, l.current
}
func (l *library) Missing() []media.File { l.mu.Lock(); defer l.mu.Unlock(); return l.missing }
func (l *library) Hurry()                { l.mu.Lock(); defer l.mu.Unlock(); l.hurried++ }

func (l *library) set(change func()) { l.mu.Lock(); defer l.mu.Unlock(); change() }

// A sender notes what it was given.
type sender struct {
	names []string
	err   error
}

func (s *sender) Send(_ context.Context, name string, _ []byte) error {
	s.names = append(s.names, name)
	return s.err
}

// A machine can be told to reboot.
type machine struct {
	asked int
	err   error
}

func (m *machine) Reboot(context.Context) error {
	m.asked++
	return m.err
}
