package main_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/sim"
	"bangtin/internal/control"
	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// An actor plays the player: it shows one clip after the other on the clock alone.
type actor struct {
	show     chan media.Programme
	finished chan media.Shown
	wake     chan struct{}
	playing  chan media.Playing // one deep; holds the newest
}

func newActor() *actor {
	a := &actor{make(chan media.Programme, 1), make(chan media.Shown, 1), make(chan struct{}, 1), make(chan media.Playing, 1)}
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
		state.At, state.PositionS = time.Now(), time.Since(start).Seconds()
		<-a.playing
		a.playing <- state
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

func schedule(t testing.TB) media.Schedule {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	return media.Schedule{
		Windows: []media.Window{{From: 7 * time.Hour, To: 11 * time.Hour}, {From: 14 * time.Hour, To: 18 * time.Hour}},
		Lead:    90 * time.Second, Zone: zone,
	}
}

// TestThreeDaysWithoutBroker lives through 72 h with a real journal and no link, with the panel losing its power
// and the mains failing on the way, and then brings every record to a real Mosquitto.
func TestThreeDaysWithoutBroker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	log := slog.New(slog.DiscardHandler)
	start := time.Date(2027, 2, 5, 6, 0, 0, 0, schedule(t).Zone) // the day before Tết

	synctest.Test(t, func(t *testing.T) {
		ahead := start.Sub(time.Now())
		clock := control.NewClock("boot-1", start, func() time.Time { return time.Now().Add(ahead) }, func() bool { return true })
		j, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Key: key, Stamp: clock.Stamp, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		rig := sim.NewRig(sim.Config{})
		threeDays(t, j, clock, rig, log)
		checkDays(t, j, start)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
	deliver(t, path, key, log)
}

func threeDays(t *testing.T, j *sqlite.Journal, clock *control.Clock, rig *sim.Rig, log *slog.Logger) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	orders, err := control.LoadOrders(ctx, j, clock)
	if err != nil {
		t.Fatal(err)
	}
	player := newActor()
	c, err := control.New(ctx, control.Config{
		Device: "tinh-bien-01", Version: "test", Schedule: schedule(t), Clock: clock, Journal: j, Orders: orders,
		Panel: rig.Panel(), Relay: rig.Relay(), Sensors: []hal.Sensor{rig.Sensor()}, Player: player,
		Content: shelf{programme: threeClips()}, Health: control.NewHealth(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go player.run(ctx)
	go func() { done <- c.Run(ctx) }()
	time.Sleep(3 * time.Hour) // 09:00 on the first day
	rig.LosePower()
	time.Sleep(24 * time.Hour) // 09:00 on the second
	rig.SetMains(false)
	time.Sleep(10 * time.Minute)
	rig.SetMains(true)
	time.Sleep(45*time.Hour - 10*time.Minute)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("control ended with %v", err)
	}
}

// checkDays reads the journal as an auditor would.
func checkDays(t *testing.T, j *sqlite.Journal, start time.Time) {
	t.Helper()
	segments, err := j.Segments(t.Context(), start.Unix(), start.Add(72*time.Hour).Unix())
	if err != nil {
		t.Fatal(err)
	}
	last, _, err := j.LastHeartbeat(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	segments = append(segments, journal.Segment{From: last.Open.From, To: last.At, State: last.Open.State, Cause: last.Open.Cause})
	for d := range 3 {
		midnight := time.Date(2027, 2, 5+d, 0, 0, 0, 0, start.Location())
		got := journal.Tally(segments, midnight.Unix(), midnight.AddDate(0, 0, 1).Unix())
		if got.Owed() != 480*60 {
			t.Errorf("%s: %d s booked of 28800 owed: %+v", midnight.Format(time.DateOnly), got.Owed(), got)
		}
		t.Logf("%s: %+v", midnight.Format(time.DateOnly), got)
		lost := int64(0)
		for _, s := range got.Lost {
			lost += s
		}
		switch d {
		case 0: // the panel lost its power: found within a poll, on again within its warm-up
			if lost < 5 || lost > 30 || got.Lost[journal.CausePanelOff]+got.Lost[journal.CausePanelStarting] != lost {
				t.Errorf("first day lost %+v", got.Lost)
			}
		case 1: // ten minutes of mains
			if got.Lost[journal.CauseMainsLost] < 600 || lost > 630 {
				t.Errorf("second day lost %+v", got.Lost)
			}
		case 2:
			if lost != 0 {
				t.Errorf("third day lost %+v", got.Lost)
			}
		}
	}
}

// deliver brings the journal to a centre through a real broker and compares.
func deliver(t *testing.T, path string, key ed25519.PrivateKey, log *slog.Logger) {
	t.Helper()
	broker, err := brokertest.NewBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	department, err := brokertest.NewDepartment()
	if err != nil {
		t.Fatal(err)
	}
	centre, err := brokertest.NewCentre(broker, department)
	if err != nil {
		t.Fatal(err)
	}
	defer centre.Close()
	stamp := func() journal.Stamp {
		return journal.Stamp{Boot: "boot-2", Wall: time.Now().UTC(), Trust: journal.Synchronised}
	}
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Key: key, Stamp: stamp, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	want, err := j.Pending(t.Context(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	files, err := broker.Issue("tinh-bien-01")
	if err != nil {
		t.Fatal(err)
	}
	link, err := fleet.New(fleet.Config{
		Device: "tinh-bien-01", URL: broker.URL(), CA: files.CA, Certificate: files.Certificate, Key: files.Key,
		Boot: "boot-2", Version: "test", Now: time.Now, Floor: time.Now, Trust: department.Document, Log: log,
	}, fleet.Ports{Outbox: j, Orders: noOrders{}, State: func() wire.State { return wire.State{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- link.Run(ctx) }()
	for depth := uint64(1); depth > 0 && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if depth, err = j.Depth(ctx); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-done
	compare(t, centre, want)
}

func compare(t *testing.T, centre *brokertest.Centre, want []journal.Record) {
	t.Helper()
	heard, err := centre.Heard("tinh-bien-01")
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 3*8*12 || len(heard.Records) != len(want) || len(heard.Gaps) != 0 {
		t.Fatalf("the centre has %d records of %d, gaps %v", len(heard.Records), len(want), heard.Gaps)
	}
	plays := 0
	for i, r := range heard.Records {
		if r.Seq != want[i].Seq || r.Hash != want[i].Hash {
			t.Fatalf("record %d arrived as %d %s", want[i].Seq, r.Seq, r.Hash)
		}
		if r.Kind == journal.KindPlay {
			var p journal.Play
			if err := json.Unmarshal(r.Body, &p); err != nil {
				t.Fatal(err)
			}
			plays++
		}
	}
	t.Logf("%d records, %d of them plays, each once; %d came again", len(want), plays, heard.Duplicates)
}

type noOrders struct{}

func (noOrders) Power(context.Context, *trust.Verified, wire.PowerOrder) error { return nil }
func (noOrders) Playlist(context.Context, []byte) error                        { return nil }
