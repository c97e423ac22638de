package rs232_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// newMDC returns a driver for a peer in the same process, which answers at once or never.
func newMDC(t *testing.T, p *peer, c rs232.Config) *rs232.MDC {
	t.Helper()
	c.Port, c.Log, c.Timing.Gap = p.path, logger(t), time.Millisecond
	if c.Timing.Reply == 0 {
		c.Timing.Reply = 10 * time.Second
	}
	m := rs232.NewMDC(c)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return m
}

// TestDocumentedExchanges: each method sends the documented request and understands the documented reply.
func TestDocumentedExchanges(t *testing.T) {
	tests := []struct {
		vector string
		id     int
		call   func(context.Context, *rs232.MDC) (any, error)
		want   any
	}{
		{"power on id1", 1, setPower(true), nil},
		{"power off id1", 1, setPower(false), nil},
		{"serial reply id1 (constructed)", 1, func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Serial(ctx) }, "Z5V7HTLK700003X"},
		{"error status id0", 0, temperature, "42°C"},
		{"input HDMI1 id0", 0, func(ctx context.Context, m *rs232.MDC) (any, error) { return nil, m.SetInput(ctx, "hdmi1") }, nil},
		{"broadcast power on", rs232.MDCBroadcast, setPower(true), nil},
		{"broadcast HDMI2", rs232.MDCBroadcast, func(ctx context.Context, m *rs232.MDC) (any, error) { return nil, m.SetInput(ctx, "hdmi2") }, nil},
	}
	for _, test := range tests {
		t.Run(test.vector, func(t *testing.T) {
			p := newPeer(t)
			defer p.answers(vectorNamed(t, test.vector))()
			got, err := test.call(t.Context(), newMDC(t, p, rs232.Config{SetID: test.id}))
			if err != nil || got != test.want {
				t.Errorf("got %v, error %v, want %v", got, err, test.want)
			}
		})
	}
}

func setPower(on bool) func(context.Context, *rs232.MDC) (any, error) {
	return func(ctx context.Context, m *rs232.MDC) (any, error) { return nil, m.SetPower(ctx, on) }
}

func temperature(ctx context.Context, m *rs232.MDC) (any, error) {
	v, err := m.Temperature(ctx)
	return v.String(), err
}

// TestReplies: what a panel with set ID 1 answers, and what the driver makes of it.
func TestReplies(t *testing.T) {
	power := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Power(ctx) }
	input := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Input(ctx) }
	brightness := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Brightness(ctx) }
	model := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Model(ctx) }
	tests := []struct {
		name string
		call func(context.Context, *rs232.MDC) (any, error)
		ask  byte
		data []byte
		want any
		err  error
	}{
		{"off", power, 0x11, []byte{'A', 0x11, 0}, hal.PowerOff, nil},
		{"on", power, 0x11, []byte{'A', 0x11, 1}, hal.PowerOn, nil},
		{"neither on nor off", power, 0x11, []byte{'A', 0x11, 2}, hal.PowerUnknown, hal.ErrSilent},
		{"no value", power, 0x11, []byte{'A', 0x11}, hal.PowerUnknown, hal.ErrSilent},
		{"two values", power, 0x11, []byte{'A', 0x11, 1, 0}, hal.PowerUnknown, hal.ErrSilent},
		{"display port", input, 0x14, []byte{'A', 0x14, 0x25}, "dp", nil},
		{"a computer's label on hdmi1", input, 0x14, []byte{'A', 0x14, 0x22}, "hdmi1", nil},
		{"a computer's label on hdmi4", input, 0x14, []byte{'A', 0x14, 0x34}, "hdmi4", nil},
		{"dvi with a video picture", input, 0x14, []byte{'A', 0x14, 0x1F}, "dvi", nil},
		{"input without a name", input, 0x14, []byte{'A', 0x14, 0x40}, "0x40", nil},
		{"lamp", brightness, 0x58, []byte{'A', 0x58, 70}, 70, nil},
		{"lamp at 200 %", brightness, 0x58, []byte{'A', 0x58, 200}, 0, hal.ErrSilent},
		{"hottest", temperature, 0x0D, []byte{'A', 0x0D, 0, 0, 0, 0, 124, 0}, "124°C", nil},
		{"hotter than can be", temperature, 0x0D, []byte{'A', 0x0D, 0, 0, 0, 0, 255, 0}, "-273.150°C", hal.ErrSilent},
		{"error status cut short", temperature, 0x0D, []byte{'A', 0x0D, 0, 0, 0, 0, 42}, "-273.150°C", hal.ErrSilent},
		{"model with escapes", model, 0x8A, []byte("A\x8AQM55R\x1b[2J\x00 "), "QM55R[2J", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t)
			request := encode(t, rs232.MDCFrame{Command: test.ask, ID: 1})
			reply := encode(t, rs232.MDCFrame{Command: 0xFF, ID: 1, Data: test.data})
			exchanges := [][]byte{request, reply}
			if test.ask == 0x11 { // the first time it is read twice
				exchanges = append(exchanges, request, reply)
			}
			defer p.answers(exchanges...)()
			got, err := test.call(t.Context(), newMDC(t, p, rs232.Config{SetID: 1}))
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v, error %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

func encode(t *testing.T, f rs232.MDCFrame) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRefusedAsOftenAsAllowed(t *testing.T) {
	p := newPeer(t)
	request, nak := vectorNamed(t, "power on NAK id1")
	defer p.answers(request, nak, request, nak, request, nak)()
	m := newMDC(t, p, rs232.Config{SetID: 1, Attempts: 3})
	if err := m.SetPower(t.Context(), true); !errors.Is(err, hal.ErrRefused) {
		t.Errorf("SetPower: %v, want ErrRefused", err)
	}
}

func TestAcceptedAfterRefusal(t *testing.T) {
	p := newPeer(t)
	request, nak := vectorNamed(t, "power on NAK id1")
	_, ack := vectorNamed(t, "power on id1")
	defer p.answers(request, nak, request, ack)()
	if err := newMDC(t, p, rs232.Config{SetID: 1}).SetPower(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// TestLateAcknowledgement: the panel takes "on" in silence, and its acknowledgement comes when the driver asks
// for power, where the same bytes mean that it is on.
func TestLateAcknowledgement(t *testing.T) {
	p := newPeer(t)
	m := newMDC(t, p, rs232.Config{SetID: 1, Attempts: 1, Timing: rs232.Timing{Reply: 200 * time.Millisecond}})
	set, late := vectorNamed(t, "power on id1")
	if err := m.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
		t.Fatalf("SetPower: %v, want ErrSilent", err)
	}
	p.expect(set)
	ask, off := encode(t, rs232.MDCFrame{Command: 0x11, ID: 1}), encode(t, rs232.MDCFrame{Command: 0xFF, ID: 1, Data: []byte{'A', 0x11, 0}})
	defer p.answers(
		encode(t, rs232.MDCFrame{Command: 0x5D, ID: 1}), // the driver catches up with the line first
		append(late, encode(t, rs232.MDCFrame{Command: 0xFF, ID: 1, Data: []byte{'N', 0x5D, 1}})...),
		ask, off, ask, off, // twice, because the port is new
	)()
	if power, err := m.Power(t.Context()); err != nil || power != hal.PowerOff {
		t.Errorf("Power: %v, %v, want off", power, err)
	}
}

// TestDeafAnswersStillSend: a panel that was silent is still told to go on, since it may hear.
func TestDeafAnswersStillSend(t *testing.T) {
	p := newPeer(t)
	m := newMDC(t, p, rs232.Config{SetID: 1, Attempts: 2, Timing: rs232.Timing{Reply: 5 * time.Millisecond}})
	on, _ := vectorNamed(t, "power on id1")
	for range 2 {
		if err := m.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
			t.Fatalf("SetPower: %v, want ErrSilent", err)
		}
		p.expect(append(on, on...))
	}
}

func TestBroadcastCannotBeReadBack(t *testing.T) {
	p := newPeer(t)
	m := newMDC(t, p, rs232.Config{SetID: rs232.MDCBroadcast})
	if power, err := m.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("Power: %v, %v, want unknown and ErrUnsupported", power, err)
	}
}

func TestSettle(t *testing.T) {
	p := newPeer(t)
	m := newMDC(t, p, rs232.Config{})
	if on := m.Settle(true); on < 15*time.Second || on > 20*time.Second {
		t.Errorf("Settle(true) is %v, want 15 to 20 s", on)
	}
	m = newMDC(t, p, rs232.Config{Timing: rs232.Timing{SettleOn: time.Second, SettleOff: time.Minute}})
	if on, off := m.Settle(true), m.Settle(false); on != time.Second || off != time.Minute {
		t.Errorf("Settle is %v and %v, want what was configured", on, off)
	}
}

// TestNoPortIsTouchedBeforeUse: a site whose adapter is missing still starts.
func TestNoPortIsTouchedBeforeUse(t *testing.T) {
	p := newPeer(t)
	p.unplug()
	m := newMDC(t, p, rs232.Config{SetID: 1})
	_, err := m.Power(t.Context())
	if !errors.Is(err, hal.ErrPortGone) {
		t.Fatalf("Power: %v, want ErrPortGone", err)
	}
	if want := fmt.Sprintf("cannot read panel power: cannot open %s: ", p.path); len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
		t.Errorf("error is %q, want it to begin %q", err, want)
	}
}

var _ interface {
	hal.Panel
	hal.Settler
	hal.Dimmer
	hal.Thermometer
	hal.InputSwitcher
	hal.Identifier
} = (*rs232.MDC)(nil)
