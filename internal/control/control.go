package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/hal"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
	"bangtin/media"
)

// Player is what control needs of the player. It keeps its own process alive. Methods do not block.
type Player interface {
	Show(media.Programme) // newest replaces; takes effect at an item boundary
	ShowSlate()           // at once
	Playing() media.Playing
	Finished() <-chan media.Shown
	Wake() <-chan struct{} // something about Playing changed
}

// Content is what control needs of the library of approved content.
type Content interface {
	Programme(now time.Time) (media.Programme, bool)
	Changed() <-chan struct{}
}

// Books is the journal as the record of what was, with the segments that a restart needs.
type Books interface {
	Commit(ctx context.Context, w journal.Write) error
	LastHeartbeat(ctx context.Context) (journal.Heartbeat, bool, error) // false when there was none
	Segments(ctx context.Context, from, to int64) ([]journal.Segment, error)
	Setting(ctx context.Context, key string) ([]byte, error) // nil when there is none
}

// Config is everything a Control is made of. What may be left out says so; all else is required.
type Config struct {
	Device    string        // the display's id
	Gate      string        // its border gate, for people
	Version   string        // of the daemon
	Kernel    string        // identity of the kernel\'s run; may be empty
	Recovered string        // what the journal set aside as damaged at this start; empty when nothing was
	Heartbeat time.Duration // how often the books are written when nothing happens; DefaultHeartbeat when zero
	Schedule  media.Schedule
	// Brightness is what the panel shall be set to by time of day, ascending; the last level of a day holds until
	// the first of the next. Empty leaves the panel's brightness alone.
	Brightness []Level
	Safety     Safety
	Meter      Meter
	// SignalLies leaves it alone whether the panel sees a picture on its input: this one does not know.
	SignalLies bool
	// InsideLies has the panel's own thermometer not heeded, as one that tells nonsense would keep the display dark.
	InsideLies bool
	// Input is the panel's input that it shall show, in its driver's word; empty leaves it alone.
	Input string
	Key   Key
	// Lacking lists what the daemon does without, by code: each is an alarm. It may be nil and must not block.
	Lacking func() map[string]string
	// Trust is the version of the trust document that stands, 0 for none. It may be nil and must not block.
	Trust   func() uint64
	Clock   *Clock
	Journal Books
	Orders  *Orders
	Panel   hal.Panel
	Relay   hal.Relay
	Sensors []hal.Sensor
	// Expect has Sensor and Kind of everything that Sensors shall tell. What is not heard of is unknown from the start; nil
	// is that nobody knows what they will tell.
	Expect  []hal.Reading
	Player  Player
	Content Content
	Health  *Health
	Log     *slog.Logger
}

// A Control runs one display.
type Control struct {
	cfg      Config
	ledger   *Ledger
	alarms   *alarms
	refusals *refusals
	sensors  *sensors
	recorder *recorder
	ageing   *ageing
	memory   *memory
	panel    *panelKeeper
	relay    *relayKeeper
	beat     func()

	heat     *heat
	cutBy    time.Time // when the relay opens at the latest, process time; zero while it shall be closed
	cutOff   bool      // the panel was seen or acknowledged off since
	calm     bool      // no window is about to begin
	nudged   int       // how often a panel that glows was told again to go off
	nudgedAt time.Time

	panelNews chan PanelSeen
	relayNews chan error
	relayErr  error // of the last write; nil when it succeeded
	seen      Seen
	lit       time.Time // when what last proved that the panel is lit was measured, or when nothing claimed it; process time
	showing   showing
	playPanel string // the worst the panel was during the clip on air
	started   time.Time
	boot      []journal.Entry

	toldContacts string    // of the last state that was news
	toldAt       time.Time // when one was by its contacts alone, process time

	changed chan struct{}
	next    chan struct{} // closed when the next state is there
	ready   chan struct{}
	once    sync.Once
	mu      sync.Mutex
	state   wire.State
	status  Status // of the same moment as state
}

// showing is what the player was told last.
type showing struct {
	show     Show
	playlist string
	version  uint64
	items    string // of the clips, in order: they come and go with their dates
}

// New loads where the last run stopped. It does no I/O beyond the journal.
func New(ctx context.Context, cfg Config) (*Control, error) {
	var err error
	if cfg.Safety, err = cfg.Safety.complete(); err != nil {
		return nil, err
	}
	if err := cfg.Key.check(); err != nil {
		return nil, err
	}
	c := &Control{
		cfg:       cfg,
		alarms:    newAlarms(),
		refusals:  newRefusals(),
		sensors:   newSensors(cfg.Safety, cfg.Expect),
		heat:      newHeat(cfg.Safety),
		panelNews: make(chan PanelSeen, 1),
		relayNews: make(chan error, 1),
		changed:   make(chan struct{}, 1),
		next:      make(chan struct{}),
		ready:     make(chan struct{}),
		started:   time.Now(),
		beat:      cfg.Health.Loop("control", 10*time.Second),
	}
	if c.ageing, err = newAgeing(ctx, cfg.Journal); err != nil {
		cfg.Log.Error("the trend of the panel begins anew", "err", err) // in part or as a whole; the picture does not need it
	}
	if c.memory, err = loadMemory(ctx, cfg.Journal, cfg.Meter); err != nil {
		cfg.Log.Error("what was known of the panel is forgotten", "err", err) // it is learnt anew
	}
	c.seen.Light = Evidence{shone: c.memory.panel.Shone, saw: c.memory.panel.Saw && !cfg.SignalLies}
	c.recorder = newRecorder(cfg.Journal, cmp.Or(cfg.Heartbeat, DefaultHeartbeat), cfg.Log, cfg.Health.Aside("recorder", recorderLimit))
	c.panel = newPanelKeeper(cfg.Panel, c.memory.panel.Dimmed, cfg.Log, func(s PanelSeen) { replace(c.panelNews, s) }, cfg.Health.Loop("panel", 2*time.Minute))
	c.panel.plug(cfg.Input)
	c.seen.Panel = c.panel.seen
	if cfg.Relay != nil {
		c.relay = &relayKeeper{relay: cfg.Relay, want: make(chan passedRelay, 1), news: c.relayNews, beat: cfg.Health.Loop("relay", relayLimit)}
	}
	return c, c.resume(ctx)
}

// resume opens the books where the last run left them.
func (c *Control) resume(ctx context.Context) error {
	hb, known, err := c.cfg.Journal.LastHeartbeat(ctx)
	if err != nil {
		return fmt.Errorf("cannot load the last heartbeat: %w", err)
	}
	at := c.cfg.Clock.Stamp()
	now := at.Wall.Unix()
	dayStart, _ := c.cfg.Schedule.Day(at.Wall)
	if known { // the clock may be ahead, by days
		dayStart, _ = c.cfg.Schedule.Day(time.Unix(min(hb.At, now), 0))
	}
	before, err := c.cfg.Journal.Segments(ctx, dayStart.Unix(), now)
	if err != nil {
		return fmt.Errorf("cannot load today's airtime: %w", err)
	}
	boot := journal.Boot{Version: c.cfg.Version, Recovered: clip(c.cfg.Recovered, 500)}
	from, down, open := now, journal.Cause(""), journal.Segment{}
	switch {
	case known:
		boot.LastHeartbeat = hb.At
		from, down, open = hb.At, journal.CauseControllerDown, hb.Open
		open.To = hb.At
		if hb.Mains != nil && !*hb.Mains {
			down = journal.CauseControllerMains
		}
	case c.cfg.Recovered != "":
		from, down = dayStart.Unix(), journal.CauseAccountingLost
	}
	c.ledger = NewLedger(c.cfg.Schedule, from, down, journal.Effective(before), open)
	c.boot = []journal.Entry{{Stamp: at, Kind: journal.KindBoot, Body: boot}}
	return nil
}

// Run decides until ctx ends. It returns earlier only on a bug.
func (c *Control) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.panel.run(ctx) })
	if c.relay != nil {
		g.Go(func() error { return c.relay.run(ctx) })
	}
	for _, s := range c.cfg.Sensors {
		g.Go(func() error { return s.Run(ctx, c.sensors.readings) })
	}
	recorded := make(chan error, 1)
	recorder, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	damaged := make(chan struct{})
	go func() {
		err := c.recorder.run(recorder)
		close(damaged)
		recorded <- err
	}()
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-damaged:
			return errors.New("cannot go on with a damaged journal")
		}
	})
	g.Go(func() error { return c.cfg.Orders.keepFire(ctx, c.cfg.Log) })
	g.Go(func() error { return c.cfg.Orders.keepLocal(ctx, c.cfg.Log) })
	g.Go(func() error {
		return keepSaving(ctx, c.ageing.dirty, c.ageing.save, func(err error) { c.cfg.Log.Error("cannot write the panel's trend", "err", err) })
	})
	g.Go(func() error {
		return keepSaving(ctx, c.memory.dirty, c.memory.save, func(err error) { c.cfg.Log.Error("cannot write what is known of the panel", "err", err) })
	})
	g.Go(func() error { return c.loop(ctx) })
	err := g.Wait()
	c.tellRefusals()
	stop() // only now: what the others did last is recorded too
	if rerr := <-recorded; rerr != nil {
		c.cfg.Log.Error("cannot write the last records", "err", rerr)
	}
	return err
}

func (c *Control) loop(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		c.beat()
		c.step()
		select {
		case <-ctx.Done():
			c.drain()
			return ctx.Err()
		case <-tick.C:
		case c.seen.Panel = <-c.panelNews:
			if c.cfg.SignalLies {
				c.seen.Panel.Told.Signal = Signal{}
			}
			if c.cfg.InsideLies {
				c.seen.Panel.Told.Inside = hal.Reading{}
			}
			c.senseInside()
		case c.relayErr = <-c.relayNews:
		case r := <-c.sensors.readings:
			c.sense(r)
		case s := <-c.cfg.Player.Finished():
			c.finished(s)
		case <-c.cfg.Player.Wake():
		case <-c.cfg.Orders.wake:
		case <-c.cfg.Content.Changed():
		}
	}
}

// drain takes what the player finished last.
func (c *Control) drain() {
	for {
		select {
		case s := <-c.cfg.Player.Finished():
			c.finished(s)
		default:
			return
		}
	}
}

// step decides, acts and accounts for one moment. It blocks on nothing.
func (c *Control) step() {
	at, now := c.cfg.Clock.Stamp(), time.Now()
	if why := c.sensors.fire(); why != "" {
		c.cfg.Orders.latch(why)
	}
	department, local, fire := c.cfg.Orders.standing(at)
	if fire != "" {
		c.drive(now, Decide(Inputs{Now: at.Wall, Fire: fire})) // before anybody else is asked anything that might hang
	}
	programme, content := c.cfg.Content.Programme(at.Wall)
	in := Inputs{
		Now: at.Wall.In(c.cfg.Schedule.Zone), Trust: at.Trust, Moment: c.cfg.Schedule.At(at.Wall),
		Fire: fire, Department: department, Local: local, Content: content,
		Levels: c.cfg.Brightness, Hot: c.heat.why() != "",
	}
	want := Decide(in)
	meter := c.sensors.meter()
	c.seen.Light.update(now, want.PanelOn, c.seen.Panel, c.cfg.Meter, meter)
	c.memory.note(remembered{
		Meter: c.cfg.Meter, Shone: c.seen.Light.shone, Saw: c.seen.Light.saw, Dimmed: c.seen.Panel.Told.Dimmed,
	})
	c.nudge(now)
	c.calm = !in.Moment.Lead
	c.drive(now, want)
	c.act(want, programme)

	c.seen.Player, c.seen.Trust = c.cfg.Player.Playing(), at.Trust
	status := Classify(now, want, content, c.seen)
	c.doubt(at, now, want, status)
	present := c.cfg.Meter.since(now, c.seen.Light.switched, meter)
	lit := c.seen.Panel.Power == hal.PowerOn && dark(now, c.seen) == "" && c.seen.Light.Finding == Agreed && c.cfg.Meter.Says(present) != DrawDark
	c.ageing.look(now, in.Now, at.Trust, lit, c.seen.Panel.Told, present)
	c.account(at, now, want, status)
	c.publish(at, want, status)
}

// drive hands the keepers of the panel and its relay what they shall make true.
func (c *Control) drive(now time.Time, want Want) {
	c.panel.set(ask{
		on: want.PanelOn, fire: want.Rule == RuleFire, brightness: want.Brightness, hot: want.Hot, calm: c.calm, nudge: c.nudged,
	})
	if c.relay != nil {
		c.relay.set(c.feed(now, want.Relay))
	}
}

// act hands the player its part.
func (c *Control) act(want Want, p media.Programme) {
	next := showing{show: want.Show}
	if want.Show == ShowProgramme {
		next.playlist, next.version = p.Playlist, p.Version
		for _, c := range p.Clips {
			next.items += c.Item.ID + " " + c.SHA256 + "\n"
		}
	}
	if next == c.showing {
		return
	}
	c.showing = next
	if want.Show == ShowProgramme {
		c.cfg.Player.Show(p)
		return
	}
	c.cfg.Player.ShowSlate()
}

// account books the moment and hands what became of it to the recorder.
func (c *Control) account(at journal.Stamp, now time.Time, want Want, status Status) {
	entries := c.boot
	c.boot = nil
	if step, wrong := c.ledger.Misdated(at); wrong {
		entries = append(entries, journal.Entry{Stamp: at, Kind: journal.KindClock, Body: journal.Clock{
			Boot: at.Boot, Mono: at.Mono, Wall: at.Wall, Trust: at.Trust, StepS: int64(step.Round(time.Second) / time.Second),
		}})
	} else if step := c.ledger.Stepped(at); step != 0 {
		entries = append(entries, c.incident(at, journal.Incident{
			Class: journal.Technical, Code: "clock-stepped", Detail: "the wall clock moved by " + step.Round(time.Second).String(), Count: 1,
		}))
	}
	for _, seg := range c.ledger.Observe(at, status) {
		entries = append(entries, journal.Entry{Stamp: at, Kind: journal.KindSegment, Body: seg})
	}
	for _, inc := range append(c.alarms.update(now, c.wrong(at, want, status)), c.refusals.minute()...) {
		c.cfg.Log.Warn("incident", "code", inc.Code, "over", inc.Over, "detail", inc.Detail)
		entries = append(entries, c.incident(at, inc))
	}
	c.playPanel = worsePanel(c.playPanel, panelWord(now, c.seen))
	c.recorder.put(c.heartbeat(), entries...)
}

func (c *Control) heartbeat() journal.Heartbeat {
	sec, open := c.ledger.Books()
	hb := journal.Heartbeat{At: sec, Open: open, Mains: c.seen.Mains, Version: c.cfg.Version, Kernel: c.cfg.Kernel}
	c.cfg.Clock.keep(&hb)
	return hb
}

func (c *Control) incident(at journal.Stamp, inc journal.Incident) journal.Entry {
	return journal.Entry{Stamp: at, Kind: journal.KindIncident, Body: inc}
}

// finished turns a showing into its proof.
func (c *Control) finished(s media.Shown) {
	panel := c.playPanel
	c.playPanel = ""
	if panel == "" {
		panel = panelWord(time.Now(), c.seen)
	}
	at := c.cfg.Clock.Stamp()
	s.Start = at.Wall.Add(-time.Since(s.Start)) // the player reads the system's clock, which may be wrong
	c.recorder.put(c.heartbeat(), journal.Entry{
		Stamp: at, Kind: journal.KindPlay, Body: media.Play(s, panel),
	})
}

// ClearFire lifts the fire latch on a person's word, unless a sensor still says fire, or one that would have to say that
// there is none does not say anything.
func (c *Control) ClearFire(ctx context.Context, reason, by string) error {
	if why := cmp.Or(c.sensors.fire(), c.sensors.unproven(), c.sensors.silentSmoke()); why != "" {
		return fmt.Errorf("cannot clear the fire latch: %s", why)
	}
	return c.cfg.Orders.ClearFire(ctx, reason, by)
}

// ClearFireDespiteSilentSmoke is ClearFire for a person who knows that a smoke detector says nothing. That is in the record.
func (c *Control) ClearFireDespiteSilentSmoke(ctx context.Context, reason, by string) error {
	if why := cmp.Or(c.sensors.fire(), c.sensors.unproven()); why != "" {
		return fmt.Errorf("cannot clear the fire latch: %s", why)
	}
	record := "fire latch cleared: "
	if why := c.sensors.silentSmoke(); why != "" {
		record = "fire latch cleared though a smoke detector is silent: "
	}
	return c.cfg.Orders.clearFire(ctx, record, reason, by)
}

// Refused counts something that was not obeyed; source is where it came from. Safe for concurrent use.
func (c *Control) Refused(reason, source string) { c.refusals.add(reason, source) }

// Ready is closed once the display is as wanted, or is known not to become so soon.
func (c *Control) Ready() <-chan struct{} { return c.ready }

// Changed tells that State is worth sending at once. It is one deep.
func (c *Control) Changed() <-chan struct{} { return c.changed }

// Settle is how long the panel may take to obey.
func (c *Control) Settle(on bool) time.Duration { return settle(c.cfg.Panel, on) }

// Wanted reports whether the panel shall be on after so long, by the orders as they stand now. Safe for concurrent use.
func (c *Control) Wanted(in time.Duration) bool {
	at := c.cfg.Clock.Stamp()
	department, local, fire := c.cfg.Orders.standing(at)
	then := at.Wall.Add(in)
	return Decide(Inputs{Now: then, Trust: at.Trust, Moment: c.cfg.Schedule.At(then), Fire: fire, Department: department, Local: local}).PanelOn
}

// Next is closed when the next decision has been made and State tells it. Safe for concurrent use.
func (c *Control) Next() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

// Airing is what the present second counts as, and the window it is in, or the next one. Outside every window it is Idle
// unless somebody wants the panel on. Safe for concurrent use.
func (c *Control) Airing() (Status, media.Moment) {
	c.mu.Lock()
	status, at, wanted := c.status, c.state.At, c.state.Want.Panel == "on"
	c.mu.Unlock()
	moment := c.cfg.Schedule.At(at)
	if !moment.InWindow && !wanted {
		status = Status{State: journal.Idle, Rule: status.Rule}
	}
	return status, moment
}

// State is the newest whole state. The outbox is for the caller to fill in. Safe for concurrent use.
func (c *Control) State() wire.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Seq++
	return c.state
}
