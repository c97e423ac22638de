package main_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/journal"
)

// What a display with the settings of the field says in a day: 8 h on air, a play each 30 s that gather for 5 min, a state
// each minute on air and each five minutes off air, the time each hour; and, assumed, 50 records that do not wait for
// others and two connections. Off air MQTT pings after half of the five minutes without a word, and again at their end
// where the state comes later than that, which is half of the time.
const (
	statesOfDay      = 8*60 + 16*60/5
	batchesOfDay     = 8 * 60 / 5
	playsOfBatch     = 10
	recordsOfDay     = 50
	timesOfDay       = 24
	connectionsOfDay = 2
	pingsOfDay       = 16 * 60 / 5 * 3 / 2
	daysOfMonth      = 30
)

// TestBytesOfAMonth counts what one display and its broker send each other, exchange by exchange, TLS and the headers of
// TCP and IP included, and prints what a month of that comes to. That an exchange does not come about is what can fail.
func TestBytesOfAMonth(t *testing.T) {
	t.Parallel()
	g := newRegion(t)
	m := &month{region: g, tally: &tally{}, meter: newMeter(t, "127.0.0.1:"+g.port)}
	g.port = m.meter.port()
	connection := m.connection()
	state := m.states(3)
	record := m.records(3, 1)
	batch := m.records(3, playsOfBatch)
	told := m.times(3)
	ping := reading{bytes: 2 * (2 + 22), segments: 4} // as seen; waiting for one takes minutes
	if os.Getenv("BANGTIN_FLEET") != "" {
		ping = m.ping()
	}
	var day int64
	for _, part := range []struct {
		what  string
		each  reading
		times int64
	}{
		{"connection, with its first state, boot record and time", connection, connectionsOfDay},
		{"state", state, statesOfDay},
		{"batch of 10 plays and its acknowledgement", batch, batchesOfDay},
		{"record of its own and its acknowledgement", record, recordsOfDay},
		{"question for the time and its answer", told, timesOfDay},
		{"ping and its answer", ping, pingsOfDay},
	} {
		day += part.each.onWire() * part.times
		t.Logf("%-56s %6d B of TLS in %3d segments, %6d B on the wire; %4d a day: %6.2f MB a month", part.what, part.each.bytes,
			part.each.segments, part.each.onWire(), part.times, float64(part.each.onWire()*part.times*daysOfMonth)/1e6)
	}
	t.Logf("together %.1f MB a month", float64(day*daysOfMonth)/1e6)
}

type month struct {
	*region
	tally   *tally
	meter   *meter
	display *simulated
	made    int
}

// while runs a new display with settings of its own until do has done, from when its birth, state, boot record and first
// time are over. One that asked for the time again and again would not be answered.
func (m *month) while(adjust func(*fleet.Config), do func() reading) reading {
	m.t.Helper()
	m.made++
	m.display = m.newDisplay(m.made, m.tally)
	ctx, cancel := context.WithCancel(m.t.Context())
	var part sync.WaitGroup
	part.Go(func() {
		if err := m.display.run(ctx, 0, func(c *fleet.Config) {
			c.Heartbeat, c.Pace.Retry.Min, c.Pace.Time = 24*time.Hour, 10*time.Millisecond, 24*time.Hour
			adjust(c)
		}); err != nil {
			m.t.Error(err)
		}
	})
	m.eventually("the display is there", func() bool {
		return m.display.online.Load() && m.waiting() == 0 && m.display.times.Load() > 0
	})
	r := do()
	cancel()
	part.Wait()
	return r
}

func (m *month) waiting() uint64 {
	n, err := m.display.Depth(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

func asItIs(*fleet.Config) {}

func (m *month) connection() reading {
	before := m.meter.read()
	return m.while(asItIs, func() reading { return m.meter.read().minus(before) })
}

// each is the part of one in n.
func (r reading) each(n int64) reading {
	return reading{bytes: (r.bytes + n/2) / n, segments: (r.segments + n/2) / n}
}

// states are heartbeats, which come each second at most.
func (m *month) states(n int64) reading {
	return m.while(func(c *fleet.Config) { c.Heartbeat = 2 * time.Second }, func() reading {
		before, from := m.meter.read(), m.display.states.Load()
		m.eventually("states", func() bool { return m.display.states.Load() >= from+n })
		after := m.meter.read()
		return after.minus(before).each(m.display.states.Load() - from)
	})
}

// records are n batches of so many plays.
func (m *month) records(n int64, plays int) reading {
	return m.while(asItIs, func() reading {
		before := m.meter.read()
		for range n {
			var bodies []any
			for i := range plays {
				bodies = append(bodies, proof(i))
			}
			if err := m.display.record(journal.KindPlay, bodies...); err != nil {
				m.t.Fatal(err)
			}
			m.eventually("the batch is acknowledged", func() bool { return m.waiting() == 0 })
			m.meter.read()
		}
		return m.meter.read().minus(before).each(n)
	})
}

// times are questions for the time, each a second after the one before.
func (m *month) times(n int64) reading {
	return m.while(func(c *fleet.Config) { c.Pace.Time = time.Second }, func() reading {
		before, from := m.meter.read(), m.display.times.Load()
		m.eventually("the time", func() bool { return m.display.times.Load() >= from+n })
		after := m.meter.read()
		return after.minus(before).each(m.display.times.Load() - from)
	})
}

// ping is the first that is said by a display that has nothing to say.
func (m *month) ping() reading {
	return m.while(asItIs, func() reading {
		before := m.meter.read()
		for end := time.Now().Add(5 * time.Minute); m.meter.now() == before; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				m.t.Fatal("no ping in five minutes")
			}
		}
		return m.meter.read().minus(before)
	})
}
