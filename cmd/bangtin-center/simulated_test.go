package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/journal"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// A simulated display is the real end of the wire with its own certificate and its own chain of records, which it keeps in
// memory. It has neither panel nor player, and obeys nobody.
type simulated struct {
	id     string
	files  pki.Files
	region *region
	tally  *tally
	grown  chan struct{}

	mu      sync.Mutex
	boot    string
	began   time.Time
	head    journal.Record
	pending []journal.Record
	made    []time.Time // of each that is pending
	online  atomic.Bool

	states, times atomic.Int64 // how often its state was asked for, and it was told the time
}

// A tally is what all displays of a test have to tell.
type tally struct {
	paused atomic.Bool // no plays for now
	made   atomic.Int64
	online atomic.Int64

	mu     sync.Mutex
	since  time.Time       // when the last cut was
	acked  []time.Duration // from a record's making, since then, to its acknowledgement
	births []time.Duration // from a display's start until it was online
}

// cut takes what was measured since the last cut.
func (t *tally) cut() (acked, births []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	acked, births = t.acked, t.births
	t.acked, t.births, t.since = nil, nil, time.Now()
	return acked, births
}

// newDisplay certifies a display. It does not run yet.
func (g *region) newDisplay(n int, t *tally) *simulated {
	g.t.Helper()
	d := &simulated{id: fmt.Sprintf("gate-%05d", n), region: g, tally: t, grown: make(chan struct{}, 1)}
	_, pair, err := g.ca.NewClient(d.id, time.Now())
	if err != nil {
		g.t.Fatal(err)
	}
	dir := filepath.Join(g.dir, "displays")
	for _, folder := range []string{dir, g.path("pki/issued/ca/" + d.id)} { // the second: the centre let it in
		if err := os.MkdirAll(folder, 0o700); err != nil {
			g.t.Fatal(err)
		}
	}
	d.files = pki.Files{CA: g.path("pki/ca.pem"), Certificate: filepath.Join(dir, d.id+".pem"), Key: filepath.Join(dir, d.id+".key")}
	for path, data := range map[string][]byte{d.files.Certificate: pair.Certificate, d.files.Key: pair.Key} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	return d
}

// run is the display from its power-up until ctx ends: a boot record, and then a play every so often. It has the settings
// of the field but for what adjust changes.
func (d *simulated) run(ctx context.Context, play time.Duration, adjust ...func(*fleet.Config)) error {
	d.mu.Lock()
	d.boot, d.began = fmt.Sprintf("%016x", rand.Uint64()), time.Now()
	d.mu.Unlock()
	d.online.Store(false)
	if err := d.record(journal.KindBoot, journal.Boot{Version: "0.3.0", LastHeartbeat: time.Now().Unix() - 60}); err != nil {
		return err
	}
	cfg := fleet.Config{
		Device: d.id, URL: "tls://127.0.0.1:" + d.region.port, CA: d.files.CA, Certificate: d.files.Certificate,
		Key: d.files.Key, Boot: d.boot, Version: "0.3.0", Now: time.Now, Floor: func() time.Time { return time.Unix(0, 0) },
		Trust: d.region.document, Log: slog.New(slog.DiscardHandler),
	}
	for _, change := range adjust {
		change(&cfg)
	}
	f, err := fleet.New(cfg, fleet.Ports{
		Outbox: d, Orders: nobody{}, State: d.state, Changed: make(chan struct{}), Recorded: d.grown, Clock: d,
	})
	if err != nil {
		return err
	}
	var plays sync.WaitGroup
	plays.Go(func() { d.play(ctx, play) })
	defer plays.Wait()
	defer func() {
		if d.online.Swap(false) {
			d.tally.online.Add(-1)
		}
	}()
	return f.Run(ctx)
}

// play makes a proof of play every so often; the first comes at any moment of that span.
func (d *simulated) play(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return
	}
	next := time.NewTimer(rand.N(every))
	defer next.Stop()
	for i := 0; ; i++ {
		select {
		case <-next.C:
			next.Reset(every)
		case <-ctx.Done():
			return
		}
		if d.tally.paused.Load() {
			continue
		}
		if err := d.record(journal.KindPlay, proof(i)); err != nil {
			d.region.t.Error(err)
			return
		}
	}
}

func proof(i int) journal.Play {
	return journal.Play{
		Playlist: "cua-khau-tinh-bien", Version: 1795450350000, Item: fmt.Sprintf("phim-%02d", i%40), SHA256: strings.Repeat("5e", 32),
		Category: "tuyen-truyen", Language: "vi", Start: time.Now().UTC(), DurationS: 29.97, Complete: true, Panel: "on",
	}
}

// record appends to the chain, as a journal does: all at once, so that they leave in one batch.
func (d *simulated) record(kind journal.Kind, bodies ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, body := range bodies {
		r, err := journal.Seal(d.head.Hash, d.head.Seq+1, journal.Entry{
			Stamp: journal.Stamp{Boot: d.boot, Mono: now.Sub(d.began), Wall: now, Trust: journal.Synchronised}, Kind: kind, Body: body,
		})
		if err != nil {
			return err
		}
		d.head, d.pending, d.made = r, append(d.pending, r), append(d.made, now)
		d.tally.made.Add(1)
	}
	select {
	case d.grown <- struct{}{}:
	default:
	}
	return nil
}

// Pending implements fleet.Outbox.
func (d *simulated) Pending(_ context.Context, limit int) ([]journal.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]journal.Record(nil), d.pending[:min(limit, len(d.pending))]...), nil
}

// Depth implements fleet.Outbox.
func (d *simulated) Depth(context.Context) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(len(d.pending)), nil
}

// Acknowledge implements fleet.Outbox.
func (d *simulated) Acknowledge(_ context.Context, upto uint64, head journal.Hash) error {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for n < len(d.pending) && d.pending[n].Seq <= upto {
		n++
	}
	if n == 0 || d.pending[n-1].Seq != upto || d.pending[n-1].Hash != head {
		return journal.ErrForeignAck
	}
	d.tally.mu.Lock()
	for _, made := range d.made[:n] {
		if made.After(d.tally.since) {
			d.tally.acked = append(d.tally.acked, now.Sub(made))
		}
	}
	d.tally.mu.Unlock()
	d.pending, d.made = append([]journal.Record(nil), d.pending[n:]...), append([]time.Time(nil), d.made[n:]...)
	return nil
}

// state is as long as that of a display in the field. It is asked for as soon as the display's birth is published.
func (d *simulated) state() wire.State {
	d.states.Add(1)
	if !d.online.Swap(true) {
		d.tally.online.Add(1)
		d.mu.Lock()
		took := time.Since(d.began)
		d.mu.Unlock()
		d.tally.mu.Lock()
		d.tally.births = append(d.tally.births, took)
		d.tally.mu.Unlock()
	}
	now, mains, celsius := time.Now().UTC(), true, 41.5
	return wire.State{
		At: now, Boot: d.boot, Version: "0.3.0", Gate: "Cửa khẩu quốc tế Tịnh Biên", Time: wire.TimeState{Trust: "synchronised"},
		Want:    wire.WantState{Panel: "on", Show: "programme", Rule: "schedule", Reason: "inside the window 07:00-11:00"},
		Panel:   wire.PanelState{Power: "on", VerifiedAt: &now},
		Player:  wire.PlayerState{State: "playing", Playlist: "cua-khau-tinh-bien@1795450350000", Item: "phim-07", PositionS: 12.345},
		Airtime: wire.AirtimeState{RequiredS: 9000, DeliveredS: 8990, Lost: []wire.Lost{{Cause: string(journal.CausePanelStarting), S: 10}}},
		Mains:   &mains, Temperatures: []wire.Temperature{{Sensor: "cpu", Celsius: &celsius}},
		Sensors: d.sensors(),
	}
}

// sensors are those of a cabinet in which everything is wired that docs/HARDWARE.md draws; its measurements move.
func (d *simulated) sensors() []wire.Sensor {
	n := float64(d.states.Load() % 10)
	good := func(name, kind string, value float64, unit string) wire.Sensor {
		return wire.Sensor{Name: name, Kind: kind, Value: &value, Unit: unit, Quality: wire.SensorGood}
	}
	return []wire.Sensor{
		good("panel-signal", "signal", 1, ""), good("relay", "relay", 1, ""), good("smoke", "smoke", 0, ""), good("mains", "mains", 1, ""),
		good("door", "door", 0, ""), good("tamper", "tamper", 0, ""), good("key", "key", 0, ""), good("meter", "meter", 61.3+n, "W"),
		good("cabinet", "temperature", 41.5+n/10, "°C"), good("cpu", "temperature", 62+n, "°C"), good("panel-inside", "temperature", 44, "°C"),
	}
}

// Mono implements fleet.Clock.
func (d *simulated) Mono() time.Duration { return time.Since(d.began) }

// Confirm implements fleet.Clock.
func (d *simulated) Confirm(time.Time, time.Duration, time.Duration) { d.times.Add(1) }

// nobody obeys no order.
type nobody struct{}

func (nobody) Power(context.Context, *trust.Verified, wire.PowerOrder) error { return nil }
func (nobody) Playlist(context.Context, []byte) error                        { return nil }
func (nobody) Trust(context.Context, []byte) error                           { return nil }
func (nobody) Command(context.Context, *trust.Verified, wire.Command) error  { return nil }
