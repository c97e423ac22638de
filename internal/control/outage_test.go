package control_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// TestThreeDaysWithoutBroker lives through 72 h with a real journal and no link, with the panel losing its power
// and the mains failing on the way, and then brings every record to a real Mosquitto.
func TestThreeDaysWithoutBroker(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.db")
	log := slog.New(slog.DiscardHandler)
	start := time.Date(2027, 2, 5, 6, 0, 0, 0, schedule(t).Zone) // the day before Tết

	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, path, start)
		s.begin()
		time.Sleep(3 * time.Hour) // 09:00 on the first day
		s.rig.LosePower()
		time.Sleep(24 * time.Hour) // 09:00 on the second
		s.rig.SetMains(false)
		time.Sleep(10 * time.Minute)
		s.rig.SetMains(true)
		time.Sleep(45*time.Hour - 10*time.Minute)
		s.end()
		checkDays(t, s.journal, start)
		s.close()
	})
	deliver(t, path, log)
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
func deliver(t *testing.T, path string, log *slog.Logger) {
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
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Key: testKey(), Stamp: stamp, Log: log})
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

func (noOrders) Command(context.Context, *trust.Verified, wire.Command) error { return nil }
func (noOrders) Trust(context.Context, []byte) error                          { return nil }
