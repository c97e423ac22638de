package rs232_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// newSICP returns a driver for a peer in the same process, which answers at once or never.
func newSICP(t *testing.T, p *peer, c rs232.Config) *rs232.SICP {
	t.Helper()
	c.Port, c.Log, c.Timing.Gap, c.Timing.Again = p.path, logger(t), time.Millisecond, time.Millisecond
	if c.Timing.Reply == 0 {
		c.Timing.Reply = 10 * time.Second
	}
	s := rs232.NewSICP(c)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

type sicpCall func(context.Context, *rs232.SICP) (any, error)

func sicpPower(ctx context.Context, s *rs232.SICP) (any, error) { return s.Power(ctx) }

func sicpTemperature(ctx context.Context, s *rs232.SICP) (any, error) {
	v, err := s.Temperature(ctx)
	return v.String(), err
}

// TestSICPDocumentedExchanges: each method sends the documented request and understands the documented reply.
func TestSICPDocumentedExchanges(t *testing.T) {
	hours := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Hours(ctx) }
	signal := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Signal(ctx) }
	input := func(name string) sicpCall {
		return func(ctx context.Context, s *rs232.SICP) (any, error) { return nil, s.SetInput(ctx, name) }
	}
	tests := []struct {
		vector string
		call   sicpCall
		want   any
	}{
		{"get power -> on (V2.10 group 01)", sicpPower, hal.PowerOn},
		{"get power -> off", sicpPower, hal.PowerOff},
		{"set power on", func(ctx context.Context, s *rs232.SICP) (any, error) { return nil, s.SetPower(ctx, true) }, nil},
		{"operating hours (2.10)", hours, 19712},
		{"operating hours (2.03)", hours, 19712},
		{"serial number", func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Serial(ctx) }, "HA1A0917123456"},
		{"video present: no", signal, false},
		{"video present: yes", signal, true},
		{"input HDMI2 (2.10)", input("hdmi2"), nil},
		{"input OPS (2.10)", input("ops"), nil},
		{"volume get", func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Volume(ctx) }, 100},
	}
	for _, test := range tests {
		t.Run(test.vector, func(t *testing.T) {
			p := newPeer(t)
			defer p.answers(sicpNamed(t, test.vector))()
			got, err := test.call(t.Context(), newSICP(t, p, rs232.Config{SetID: 1}))
			if err != nil || got != test.want {
				t.Errorf("got %v, error %v, want %v", got, err, test.want)
			}
		})
	}
}

// TestSICPReplies: what a panel with set ID 1 reports, and what the driver makes of it.
func TestSICPReplies(t *testing.T) {
	input := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Input(ctx) }
	brightness := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Brightness(ctx) }
	muted := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Muted(ctx) }
	model := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Model(ctx) }
	hours := func(ctx context.Context, s *rs232.SICP) (any, error) { return s.Hours(ctx) }
	none := "-273.150°C"
	tests := []struct {
		name string
		call sicpCall
		ask  []byte
		data []byte
		want any
		err  error
	}{
		{"neither on nor off", sicpPower, []byte{0x19}, []byte{0}, hal.PowerUnknown, hal.ErrSilent},
		{"two values", sicpPower, []byte{0x19}, []byte{2, 0}, hal.PowerUnknown, hal.ErrSilent},
		{"display port", input, []byte{0xAD}, []byte{0x0A, 0, 1, 0}, "dp", nil},
		{"input without a name", input, []byte{0xAD}, []byte{0x10, 0, 1, 0}, "0x10", nil},
		{"brightness of seven", brightness, []byte{0x33}, []byte{70, 50, 50, 5, 50, 50, 1}, 70, nil},
		{"brightness of 200 %", brightness, []byte{0x33}, []byte{200, 0, 0, 0, 0}, 0, hal.ErrSilent},
		{"muted", muted, []byte{0x46}, []byte{1}, true, nil},
		{"mute that is neither", muted, []byte{0x46}, []byte{2}, false, hal.ErrSilent},
		{"one sensor", sicpTemperature, []byte{0x2F}, []byte{42}, "42°C", nil},
		{"the hotter of two", sicpTemperature, []byte{0x2F}, []byte{42, 61}, "61°C", nil},
		{"hotter than can be", sicpTemperature, []byte{0x2F}, []byte{42, 255}, none, hal.ErrSilent},
		{"three sensors", sicpTemperature, []byte{0x2F}, []byte{42, 42, 42}, none, hal.ErrSilent},
		{"hours cut short", hours, []byte{0x0F, 2}, []byte{1}, 0, hal.ErrSilent},
		{"model with escapes", model, []byte{0xA1, 0}, []byte("BDL\x1b[2J\x00 "), "BDL[2J", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t)
			request := encodeSICP(t, rs232.SICPFrame{ID: 1, Command: test.ask[0], Data: test.ask[1:]})
			report := encodeSICP(t, rs232.SICPFrame{ID: 1, Group: 1, Command: test.ask[0], Data: test.data})
			defer p.answers(request, report)()
			got, err := test.call(t.Context(), newSICP(t, p, rs232.Config{SetID: 1, Attempts: 1}))
			if got != test.want && test.err == nil || !errors.Is(err, test.err) {
				t.Errorf("got %v, error %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

func encodeSICP(t *testing.T, f rs232.SICPFrame) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sicpAsk(t *testing.T, command byte, data ...byte) []byte {
	t.Helper()
	return encodeSICP(t, rs232.SICPFrame{ID: 1, Command: command, Data: data})
}

func sicpSay(t *testing.T, command byte, data ...byte) []byte {
	t.Helper()
	return encodeSICP(t, rs232.SICPFrame{ID: 1, Group: 1, Command: command, Data: data})
}

// TestSICPKeepsOtherValues: brightness and volume stand before values that are not ours to change.
func TestSICPKeepsOtherValues(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: 1})
	wait := p.answers(
		sicpAsk(t, 0x33), sicpSay(t, 0x33, 100, 50, 51, 5, 52),
		sicpAsk(t, 0x32, 30, 50, 51, 5, 52), sicpSay(t, 0, 6),
		sicpAsk(t, 0x45), sicpSay(t, 0x45, 10, 77),
		sicpAsk(t, 0x44, 30, 77), sicpSay(t, 0, 6),
	)
	if err := s.SetBrightness(t.Context(), 30); err != nil {
		t.Error(err)
	}
	if err := s.SetVolume(t.Context(), 30); err != nil {
		t.Error(err)
	}
	wait()
	for _, percent := range []int{-1, 101} {
		if s.SetBrightness(t.Context(), percent) == nil || s.SetVolume(t.Context(), percent) == nil {
			t.Errorf("%d %% was accepted", percent)
		}
	}
}

// TestSICPRefused: NAV and NACK are repeated as often as allowed, then refused.
func TestSICPRefused(t *testing.T) {
	for name, code := range map[string]byte{"NAV": 0x18, "NACK": 0x15} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t)
			on, no := sicpAsk(t, 0x18, 2), sicpSay(t, 0, code)
			defer p.answers(on, no, on, no, on, no)()
			s := newSICP(t, p, rs232.Config{SetID: 1, Attempts: 3})
			if err := s.SetPower(t.Context(), true); !errors.Is(err, hal.ErrRefused) {
				t.Errorf("SetPower: %v, want ErrRefused", err)
			}
		})
	}
}

func TestSICPAcceptedAfterRefusal(t *testing.T) {
	p := newPeer(t)
	on := sicpAsk(t, 0x18, 2)
	defer p.answers(on, sicpSay(t, 0, 0x18), on, sicpSay(t, 0, 6))()
	if err := newSICP(t, p, rs232.Config{SetID: 1}).SetPower(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// TestSICPLateReport: the answer to "are you on?" of a minute ago comes when it is asked again.
func TestSICPLateReport(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: 1, Attempts: 1, Timing: rs232.Timing{Reply: time.Second}})
	if power, err := s.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrSilent) {
		t.Fatalf("Power: %v, %v, want unknown and ErrSilent", power, err)
	}
	p.expect(sicpAsk(t, 0x19))
	defer p.answers(
		sicpAsk(t, 0xA2, 0), append(sicpSay(t, 0x19, 2), sicpSay(t, 0xA2, '2', '.', '1', '0')...),
		sicpAsk(t, 0x19), sicpSay(t, 0x19, 1),
	)()
	if power, err := s.Power(t.Context()); err != nil || power != hal.PowerOff {
		t.Errorf("Power: %v, %v, want off", power, err)
	}
}

// TestSICPLateNAV: what refuses an earlier command is no answer to the question that catches up.
func TestSICPLateNAV(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: 1, Attempts: 2, Timing: rs232.Timing{Reply: time.Second}})
	p.answersNothing(t, s, sicpAsk(t, 0x19))
	defer p.answers(
		sicpAsk(t, 0xA2, 0), sicpSay(t, 0, 0x18), // a panel that does not know A2
		sicpAsk(t, 0xA4), sicpSay(t, 0xA4, 2),
		sicpAsk(t, 0x19), sicpSay(t, 0x19, 1),
	)()
	if power, err := s.Power(t.Context()); err != nil || power != hal.PowerOff {
		t.Errorf("Power: %v, %v, want off", power, err)
	}
}

// answersNothing lets one question be asked in vain, so that its answer is overdue.
func (p *peer) answersNothing(t *testing.T, s *rs232.SICP, question []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		p.expect(question)
		cancel()
	}()
	if power, err := s.Power(ctx); power != hal.PowerUnknown || err == nil {
		t.Errorf("Power: %v, %v, want unknown and an error", power, err)
	}
	<-heard
}

// TestSICPLateAcknowledgement: off is taken in silence. Its acknowledgement comes when on was sent, which the panel
// did not hear: it must not count as that of on.
func TestSICPLateAcknowledgement(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: 1, Attempts: 1, Timing: rs232.Timing{Reply: time.Second}})
	if err := s.SetPower(t.Context(), false); !errors.Is(err, hal.ErrSilent) {
		t.Fatalf("SetPower: %v, want ErrSilent", err)
	}
	p.expect(sicpAsk(t, 0x18, 1))
	wait := p.answers(
		sicpAsk(t, 0xA2, 0), nil, // the panel is still busy with off
		sicpAsk(t, 0x18, 2), sicpSay(t, 0, 6), // the acknowledgement of off
	)
	if err := s.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
		t.Fatalf("SetPower with the acknowledgement of another: %v, want ErrSilent", err)
	}
	wait()
	defer p.answers(
		sicpAsk(t, 0xA4), sicpSay(t, 0xA4, 2),
		sicpAsk(t, 0x18, 2), sicpSay(t, 0, 6),
	)()
	if err := s.SetPower(t.Context(), true); err != nil {
		t.Errorf("SetPower once the panel has caught up: %v", err)
	}
}

// TestSICPKnowsNoMarker: a panel that answers neither A2 nor A4 is not given up for ever because of one lost reply.
func TestSICPKnowsNoMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &scriptedLine{answers: map[string][]byte{
			string(sicpAsk(t, 0xA2, 0)): sicpSay(t, 0, 0x18), string(sicpAsk(t, 0xA4)): sicpSay(t, 0, 0x18),
		}}
		s := rs232.NewSICP(rs232.Config{Port: "line", SetID: 1, Open: l.open, Log: logger(t)})
		defer s.Close()
		if power, err := s.Power(t.Context()); !errors.Is(err, hal.ErrSilent) {
			t.Fatalf("Power: %v, %v, want ErrSilent", power, err)
		}
		if err := s.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
			t.Fatalf("SetPower: %v, want ErrSilent", err)
		}
		l.answers[string(sicpAsk(t, 0x19))] = sicpSay(t, 0x19, 2)
		l.answers[string(sicpAsk(t, 0x18, 1))] = sicpSay(t, 0, 6)
		if err := s.SetPower(t.Context(), false); !errors.Is(err, hal.ErrSilent) {
			t.Errorf("SetPower right after: %v, want ErrSilent", err)
		}
		var power hal.Power
		for end := time.Now().Add(2 * time.Minute); power != hal.PowerOn && time.Now().Before(end); time.Sleep(5 * time.Second) {
			power, _ = s.Power(t.Context()) // silent until Late has passed
		}
		if power != hal.PowerOn {
			t.Error("the panel is never believed again")
		}
		if err := s.SetPower(t.Context(), false); err != nil {
			t.Errorf("SetPower: %v", err)
		}
	})
}

func TestSICPUngrouped(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: 1, Edition: rs232.SICPUngrouped})
	defer p.answers(
		unhex(t, "05 01 18 02 1E"), unhex(t, "05 01 00 06 02"),
		unhex(t, "04 01 19 1C"), unhex(t, "05 01 19 02 1F"),
	)()
	if err := s.SetPower(t.Context(), true); err != nil {
		t.Error(err)
	}
	if power, err := s.Power(t.Context()); err != nil || power != hal.PowerOn {
		t.Errorf("Power: %v, %v, want on", power, err)
	}
}

func TestSICPBroadcast(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: rs232.SICPBroadcast})
	if power, err := s.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("Power: %v, %v, want unknown and ErrUnsupported", power, err)
	}
	if err := s.SetPower(t.Context(), true); err != nil {
		t.Errorf("SetPower: %v", err)
	}
	p.expect(unhex(t, "06 00 00 18 02 1C"))
}

func TestNewChecksSetIDs(t *testing.T) {
	for _, test := range []struct {
		protocol rs232.Protocol
		id       int
		ok       bool
	}{
		{rs232.ProtocolSICP, 0, true}, {rs232.ProtocolSICP, 255, true}, {rs232.ProtocolSICP, -1, false},
		{rs232.ProtocolSICP, 256, false}, {rs232.ProtocolMDC, 254, true}, {rs232.ProtocolMDC, 255, false},
	} {
		t.Run(fmt.Sprint(test.protocol, test.id), func(t *testing.T) {
			_, err := rs232.New(test.protocol, rs232.Config{SetID: test.id, Log: logger(t)})
			if (err == nil) != test.ok {
				t.Errorf("error %v, want an error: %v", err, !test.ok)
			}
		})
	}
}

func TestSICPSettle(t *testing.T) {
	p := newPeer(t)
	s := newSICP(t, p, rs232.Config{SetID: 1, Timing: rs232.Timing{SettleOn: time.Second, SettleOff: time.Minute}})
	if on, off := s.Settle(true), s.Settle(false); on != time.Second || off != time.Minute {
		t.Errorf("Settle is %v and %v, want what was configured", on, off)
	}
}
