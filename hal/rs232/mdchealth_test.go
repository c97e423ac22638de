package rs232_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// TestHealthReplies: what a panel with set ID 1 answers to what is asked for its health and its sound.
func TestHealthReplies(t *testing.T) {
	faults := func(ctx context.Context, m *rs232.MDC) (any, error) {
		v, err := m.Diagnose(ctx)
		return fmt.Sprint(v), err
	}
	signal := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Signal(ctx) }
	volume := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Volume(ctx) }
	muted := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Muted(ctx) }
	hours := func(ctx context.Context, m *rs232.MDC) (any, error) { return m.Hours(ctx) }
	tests := []struct {
		name string
		call func(context.Context, *rs232.MDC) (any, error)
		ask  byte
		data []byte
		want any
		err  error
	}{
		{"well", faults, 0x0D, []byte{0, 0, 0, 0, 42, 0}, "[]", nil},
		{"well, without a fan", faults, 0x0D, []byte{0, 0, 0, 0, 42, 2}, "[]", nil},
		{"everything", faults, 0x0D, []byte{1, 1, 1, 1, 42, 1}, "[lamp temperature fan]", nil},
		{"unknown code", faults, 0x0D, []byte{2, 0, 0, 0, 42, 7}, "[lamp 02 fan 07]", nil},
		{"faults cut short", faults, 0x0D, []byte{1, 1, 1, 1, 42}, nil, hal.ErrSilent},
		{"signal", signal, 0x0D, []byte{0, 0, 0, 0, 42, 0}, true, nil},
		{"no signal", signal, 0x0D, []byte{0, 0, 0, 1, 42, 0}, false, nil},
		{"its own program", signal, 0x0D, []byte{0, 0, 0, 2, 42, 0}, nil, hal.ErrUnsupported},
		{"volume", volume, 0x12, []byte{24}, 24, nil},
		{"volume of 200 %", volume, 0x12, []byte{200}, nil, hal.ErrSilent},
		{"muted", muted, 0x13, []byte{1}, true, nil},
		{"mute that is neither", muted, 0x13, []byte{2}, nil, hal.ErrSilent},
		{"hours of two bytes", hours, 0x83, []byte{0x80, 0}, 5461, nil},
		{"hours of three bytes", hours, 0x83, []byte{1, 0, 1}, 10922, nil},
		{"hours of one byte", hours, 0x83, []byte{1}, nil, hal.ErrSilent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t)
			reply := rs232.MDCFrame{Command: 0xFF, ID: 1, Data: append([]byte{'A', test.ask}, test.data...)}
			defer p.answers(encode(t, rs232.MDCFrame{Command: test.ask, ID: 1}), encode(t, reply))()
			got, err := test.call(t.Context(), newMDC(t, p, rs232.Config{SetID: 1}))
			if test.err == nil && got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v, error %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

func TestSound(t *testing.T) {
	p := newPeer(t)
	m := newMDC(t, p, rs232.Config{SetID: 0})
	request, reply := vectorNamed(t, "volume 24 id0")
	mute := encode(t, rs232.MDCFrame{Command: 0x13, Data: []byte{1}})
	defer p.answers(request, reply, mute, encode(t, rs232.MDCFrame{Command: 0xFF, Data: []byte{'A', 0x13, 1}}))()
	if err := m.SetVolume(t.Context(), 24); err != nil {
		t.Error(err)
	}
	if err := m.SetMute(t.Context(), true); err != nil {
		t.Error(err)
	}
	for _, percent := range []int{-1, 101} {
		if err := m.SetVolume(t.Context(), percent); err == nil {
			t.Errorf("volume %d was accepted", percent)
		}
	}
}
