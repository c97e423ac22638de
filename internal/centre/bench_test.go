package centre_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bangtin/internal/centre"
	"bangtin/internal/centre/store"
	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/fleet/department"
	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// BenchmarkCollect hands the centre batches of one play each from 5,000 displays in turn, 2,000 in flight, and waits for
// each acknowledgement: without a broker, but with the real database and signatures. A display has one batch in flight,
// and 5,000 displays with a play each 30 s make 167 a second.
func BenchmarkCollect(b *testing.B) {
	const displays, inFlight = 5000, 2000
	path := filepath.Join(b.TempDir(), "center.db")
	s, err := store.Open(b.Context(), store.Options{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	metrics, err := centre.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	people, err := brokertest.NewDepartment()
	if err != nil {
		b.Fatal(err)
	}
	places := make(chan struct{}, inFlight)
	began := time.Now()
	c, err := centre.New(b.Context(), centre.Config{
		Plan: always(), Enrolled: enrolled, Signer: people.Collect, Trust: func() *trust.Document { return people.Document }, Store: s,
		Retain: func(string, []byte) {},
		Send: func(topic string, _ []byte) {
			if strings.HasSuffix(topic, "/evt/ack") {
				<-places
			}
		},
		Mono: func() time.Duration { return time.Since(began) }, Wall: time.Now, Kept: func() bool { return true }, Metrics: metrics, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var part sync.WaitGroup
	part.Go(func() { _ = c.Run(ctx) })
	heads := make([]journal.Record, displays)
	before := cpu(b)
	b.ResetTimer()
	for i := range b.N {
		n := i % displays
		r, err := journal.Seal(heads[n].Hash, heads[n].Seq+1, journal.Entry{
			Stamp: journal.Stamp{Boot: "0b5c0f6e1d2a4c3b", Mono: time.Duration(i), Wall: time.Now(), Trust: journal.Synchronised},
			Kind:  journal.KindPlay, Body: play(i),
		})
		if err != nil {
			b.Fatal(err)
		}
		heads[n] = r
		raw, err := wire.Encode(r)
		if err != nil {
			b.Fatal(err)
		}
		places <- struct{}{}
		c.Receive(department.Message{
			Topic: fmt.Sprintf("bt/v1/d/gate-%05d/evt", n), Ack: func() {},
			Payload: fmt.Appendf(nil, `{"boot":"0b5c0f6e1d2a4c3b","seq_from":%d,"records":[%s]}`, r.Seq, raw),
		})
	}
	for range inFlight {
		places <- struct{}{} // all are acknowledged
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acks/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/batch")
	cancel()
	part.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(b.N), "bytes/record")
}

func play(i int) journal.Play {
	return journal.Play{Playlist: "cua-khau-tinh-bien", Version: 1795450350000, Item: fmt.Sprintf("phim-%02d", i%40),
		SHA256: strings.Repeat("5e", 32), Category: "tuyen-truyen", Language: "vi", Start: time.Now().UTC(), DurationS: 29.97, Complete: true, Panel: "on"}
}

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
