package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/hal/sim"
)

// A bench is what a daemon on a rig tells the test of, on a unix socket: lines "TIME WHAT", TIME as RFC3339Nano.
//
//	relay open|closed   the relay moved; "relay open" comes at the start too, when a latched fire keeps it open
//	fire|calm SENSOR    a reading that can be believed says that there is a fire, or none any more
//	told LINE           a line from the test holds: "smoke on", "smoke off", "heat CELSIUS"
type bench struct {
	rig *sim.Rig

	mu     sync.Mutex
	conn   net.Conn // nil before the test has come
	unsaid []string
}

// onRig gives the daemon the smoke detector, one thermometer and the relay of a rig besides what the site file names,
// and folder/sys for a sysfs. The test finds its bench at folder/rig.sock.
func onRig(m *Main, folder string) {
	m.sys = filepath.Join(folder, "sys")
	b := &bench{rig: sim.NewRig(sim.Config{})}
	l, err := net.Listen("unix", filepath.Join(folder, "rig.sock"))
	if err != nil {
		panic(err)
	}
	go b.serve(l)
	m.rewire = func(w *wired, fire func() bool) {
		for i, s := range w.sensors {
			w.sensors[i] = tapped{s, b, nil}
		}
		w.sensors = append(w.sensors, tapped{b.rig.Sensor(), b, []string{sim.SmokeSensor, sim.CabinetSensor}})
		relay := &noted{Relay: b.rig.Relay(), bench: b, closed: true}
		if fire() { // as hal/gpio's does
			relay.Set(context.Background(), false)
		}
		w.relay, w.rig = relay, b.rig
	}
}

func (b *bench) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conn = conn
		for _, line := range b.unsaid {
			fmt.Fprintln(conn, line)
		}
		b.unsaid = nil
		b.mu.Unlock()
		for s := bufio.NewScanner(conn); s.Scan(); {
			b.obey(s.Text())
		}
	}
}

// obey stamps before it acts: what is measured from there is never too short.
func (b *bench) obey(line string) {
	at := time.Now()
	var celsius int64
	switch {
	case line == "smoke on", line == "smoke off":
		b.rig.SetSmoke(line == "smoke on")
	default:
		if n, err := fmt.Sscanf(line, "heat %d", &celsius); n != 1 || err != nil {
			panic("the rig does not know " + line)
		}
		b.rig.SetTemperature(sim.CabinetSensor, physic.ZeroCelsius+physic.Temperature(celsius)*physic.Celsius)
	}
	b.note(at, "told "+line)
}

func (b *bench) note(at time.Time, what string) {
	line := at.UTC().Format(time.RFC3339Nano) + " " + what
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil {
		b.unsaid = append(b.unsaid, line)
		return
	}
	fmt.Fprintln(b.conn, line) // a test that has gone away ends the daemon soon
}

// A tapped sensor has its readings looked at on their way. Only those of names pass, or all where there are none.
type tapped struct {
	hal.Sensor
	bench *bench
	names []string
}

func (t tapped) Run(ctx context.Context, readings chan<- hal.Reading) error {
	own := make(chan hal.Reading)
	ended := make(chan error, 1)
	go func() { ended <- t.Sensor.Run(ctx, own) }()
	burns := map[string]bool{}
	for {
		select {
		case err := <-ended:
			return err
		case r := <-own:
			if len(t.names) > 0 && !strings.Contains(strings.Join(t.names, " "), r.Sensor) {
				continue
			}
			t.look(r, burns)
			select {
			case readings <- r:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func (t tapped) look(r hal.Reading, burns map[string]bool) {
	if r.Quality != hal.QualityGood {
		return
	}
	fire := r.Kind == hal.Smoke && r.Active || r.Kind == hal.Temperature && r.Temperature >= physic.ZeroCelsius+75*physic.Celsius
	was, known := burns[r.Sensor]
	if burns[r.Sensor] = fire; known && was == fire {
		return
	}
	word := "calm "
	if fire {
		word = "fire "
	}
	t.bench.note(time.Now(), word+r.Sensor)
}

// A noted relay tells when it moved.
type noted struct {
	hal.Relay
	bench  *bench
	closed bool // its keeper's
}

func (n *noted) Set(ctx context.Context, closed bool) error {
	err := n.Relay.Set(ctx, closed)
	if err == nil && closed != n.closed {
		n.closed = closed
		n.bench.note(time.Now(), map[bool]string{true: "relay closed", false: "relay open"}[closed])
	}
	return err
}
