package rs232_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// newPanel returns a driver for a peer in the same process, which answers at once or never.
func newPanel(t *testing.T, protocol rs232.Protocol, p *peer, c rs232.Config) hal.Panel {
	t.Helper()
	c.Port, c.Log = p.path, logger(t)
	if c.Timing.Gap == 0 {
		c.Timing.Gap = time.Millisecond
	}
	if c.Timing.Again == 0 {
		c.Timing.Again = time.Millisecond
	}
	if c.Timing.Reply == 0 {
		c.Timing.Reply = 10 * time.Second
	}
	panel, err := rs232.New(protocol, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := panel.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return panel
}

// An lgCall is one method of the driver, with its value and its error.
type lgCall func(context.Context, *rs232.LG) (any, error)

func lgPower(ctx context.Context, l *rs232.LG) (any, error)      { return l.Power(ctx) }
func lgBrightness(ctx context.Context, l *rs232.LG) (any, error) { return l.Brightness(ctx) }
func lgInput(ctx context.Context, l *rs232.LG) (any, error)      { return l.Input(ctx) }
func lgSignal(ctx context.Context, l *rs232.LG) (any, error)     { return l.Signal(ctx) }
func lgVolume(ctx context.Context, l *rs232.LG) (any, error)     { return l.Volume(ctx) }
func lgMuted(ctx context.Context, l *rs232.LG) (any, error)      { return l.Muted(ctx) }
func lgHours(ctx context.Context, l *rs232.LG) (any, error)      { return l.Hours(ctx) }
func lgSerial(ctx context.Context, l *rs232.LG) (any, error)     { return l.Serial(ctx) }

func lgTemperature(ctx context.Context, l *rs232.LG) (any, error) {
	v, err := l.Temperature(ctx)
	return v.String(), err
}

func lgFaults(ctx context.Context, l *rs232.LG) (any, error) {
	faults, err := l.Diagnose(ctx)
	return len(faults), err
}

func lgSetPower(on bool) lgCall {
	return func(ctx context.Context, l *rs232.LG) (any, error) { return nil, l.SetPower(ctx, on) }
}

func lgSetBrightness(percent int) lgCall {
	return func(ctx context.Context, l *rs232.LG) (any, error) { return nil, l.SetBrightness(ctx, percent) }
}

func lgSetInput(name string) lgCall {
	return func(ctx context.Context, l *rs232.LG) (any, error) { return nil, l.SetInput(ctx, name) }
}

func lgSetMute(muted bool) lgCall {
	return func(ctx context.Context, l *rs232.LG) (any, error) { return nil, l.SetMute(ctx, muted) }
}

// TestLGDocumentedExchanges: each method sends the documented request and understands the documented reply.
func TestLGDocumentedExchanges(t *testing.T) {
	tests := []struct {
		vector string
		id     int
		call   lgCall
		want   any
	}{
		{"power on id1", 1, lgSetPower(true), nil},
		{"power on broadcast", rs232.LGBroadcast, lgSetPower(true), nil},
		{"power get id1 (standby)", 1, lgPower, hal.PowerOff},
		{"audio mute get", 1, lgMuted, true},
		{"mute audio", 1, lgSetMute(true), nil},
		{"elapsed hours", 1, lgHours, 6699},
		{"backlight 50", 1, lgSetBrightness(50), nil},
	}
	for _, test := range tests {
		t.Run(test.vector, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			request, reply := exchangeOf(t, "lg-frames.json", test.vector)
			exchanges := [][]byte{request, reply}
			if test.want == hal.PowerOff { // which is read twice
				exchanges = append(exchanges, request, reply)
			}
			defer p.answers(exchanges...)()
			got, err := test.call(t.Context(), newPanel(t, rs232.ProtocolLG, p, rs232.Config{SetID: test.id}).(*rs232.LG))
			if err != nil || got != test.want {
				t.Errorf("got %v, error %v, want %v", got, err, test.want)
			}
		})
	}
}

// TestLGReplies: what a panel with set ID 10 answers, exchange by exchange, and what the driver makes of it.
func TestLGReplies(t *testing.T) {
	tests := []struct {
		name  string
		call  lgCall
		lines []string // requests, each with its reply
		want  any
		err   error
	}{
		{"off", lgPower, []string{"ka 0a FF\r", "a 0a OK00x", "ka 0a FF\r", "a 0a OK00x"}, hal.PowerOff, nil},
		{"on, address in upper case", lgPower, []string{"ka 0a FF\r", "a 0A OK01x", "ka 0a FF\r", "a 0A OK01x"}, hal.PowerOn, nil},
		{"behind its echo, twice, with line ends", lgPower, []string{"ka 0a FF\r", "ka 0a FF\r\na 0a OK01x\r\na 0a OK01x\r\n", "ka 0a FF\r", "ka 0a FF\r\na 0a OK01x\r\na 0a OK01x\r\n"}, hal.PowerOn, nil},
		{"power management", lgPower, []string{"ka 0a FF\r", "a 0a OK09x", "ka 0a FF\r", "a 0a OK09x"}, hal.PowerUnknown, hal.ErrSilent},
		{"one digit", lgPower, []string{"ka 0a FF\r", "a 0a OK1x", "ka 0a FF\r", "a 0a OK1x"}, hal.PowerUnknown, hal.ErrSilent},
		{"three digits", lgPower, []string{"ka 0a FF\r", "a 0a OK001x", "ka 0a FF\r", "a 0a OK001x"}, hal.PowerUnknown, hal.ErrSilent},
		{"no value", lgPower, []string{"ka 0a FF\r", "a 0a OKx", "ka 0a FF\r", "a 0a OKx"}, hal.PowerUnknown, hal.ErrSilent},
		{"one bit turned over", lgPower, []string{"ka 0a FF\r", "a 0a OK01x", "ka 0a FF\r", "a 0a OK00x", "ka 0a FF\r", "a 0a OK00x"}, hal.PowerOff, nil},
		{"never the same", lgPower, []string{"ka 0a FF\r", "a 0a OK01x", "ka 0a FF\r", "a 0a OK00x", "ka 0a FF\r", "a 0a OK01x"}, hal.PowerUnknown, hal.ErrSilent},
		{"illegal", lgPower, []string{"ka 0a FF\r", "a 0a NG01x"}, hal.PowerUnknown, hal.ErrRefused},
		{"unsupported", lgPower, []string{"ka 0a FF\r", "a 0a NG02x"}, hal.PowerUnknown, hal.ErrUnsupported},
		{"wait", lgPower, []string{"ka 0a FF\r", "a 0a NG03x"}, hal.PowerUnknown, hal.ErrRefused},
		{"no without a code", lgPower, []string{"ka 0a FF\r", "a 0a NGx"}, hal.PowerUnknown, hal.ErrRefused},
		{"acknowledged after that of another value", lgSetPower(true), []string{"ka 0a 01\r", "a 0a OK00xa 0a OK01x"}, nil, nil},
		{"backlight", lgBrightness, []string{"mg 0a FF\r", "g 0a OK46x"}, 70, nil},
		{"backlight at 200 %", lgBrightness, []string{"mg 0a FF\r", "g 0a OKc8x"}, 0, hal.ErrSilent},
		{"no backlight", lgBrightness, []string{"mg 0a FF\r", "g 0a NG02x", "kh 0a FF\r", "h 0a OK46x"}, 70, nil},
		{"backlight refused", lgSetBrightness(70), []string{"mg 0a 46\r", "g 0a NG01x", "kh 0a 46\r", "h 0a OK46x"}, nil, nil},
		{"temperature", lgTemperature, []string{"dn 0a FF\r", "n 0a OK2Ax"}, "42°C", nil},
		{"hotter than can be", lgTemperature, []string{"dn 0a FF\r", "n 0a OKffx"}, "-273.150°C", hal.ErrSilent},
		{"no temperature", lgTemperature, []string{"dn 0a FF\r", "n 0a OK0c03x"}, "-273.150°C", hal.ErrSilent},
		{"display port", lgInput, []string{"xb 0a FF\r", "b 0a OKd0x"}, "dp", nil},
		{"input without a name", lgInput, []string{"xb 0a FF\r", "b 0a OK40x"}, "0x40", nil},
		{"input of an old model", lgInput, []string{"xb 0a FF\r", "b 0a NG02x", "kb 0a FF\r", "b 0a OK08x"}, "hdmi1", nil},
		{"old model's input", lgSetInput("hdmi1"), []string{"xb 0a 90\r", "b 0a NG02x", "kb 0a 08\r", "b 0a OK08x"}, nil, nil},
		{"signal", lgSignal, []string{"sv 0a 02 FF\r", "v 0a OK0201x"}, true, nil},
		{"no signal", lgSignal, []string{"sv 0a 02 FF\r", "v 0a OK0200x"}, false, nil},
		{"another status first", lgSignal, []string{"sv 0a 02 FF\r", "v 0a OK0300xv 0a OK0201x"}, true, nil},
		{"signal neither", lgSignal, []string{"sv 0a 02 FF\r", "v 0a OK0207x"}, false, hal.ErrSilent},
		{"volume", lgVolume, []string{"kf 0a FF\r", "f 0a OK64x"}, 100, nil},
		{"not muted", lgMuted, []string{"ke 0a FF\r", "e 0a OK01x"}, false, nil},
		{"mute neither", lgMuted, []string{"ke 0a FF\r", "e 0a OK02x"}, false, hal.ErrSilent},
		{"hours of a thousand years", lgHours, []string{"dl 0a FF\r", "l 0a OKffffffx"}, 0, hal.ErrSilent},
		{"serial", lgSerial, []string{"fy 0a FF\r", "y 0a OK305MAXX1A234x"}, "305MAXX1A234", nil},
		{"nothing wrong", lgFaults, []string{"dp 0a FF\r", "p 0a OK01x", "kz 0a FF\r", "z 0a OK00x"}, 0, nil},
		{"lamp, no signal", lgFaults, []string{"dp 0a FF\r", "p 0a OK00x", "kz 0a FF\r", "z 0a OK01x"}, 2, nil},
		{"without a lamp", lgFaults, []string{"dp 0a FF\r", "p 0a NG02x", "kz 0a FF\r", "z 0a OK07x"}, 1, nil},
		{"without a state", lgFaults, []string{"dp 0a FF\r", "p 0a OK00x", "kz 0a FF\r", "z 0a NG02x"}, 1, nil},
		{"neither lamp nor state", lgFaults, []string{"dp 0a FF\r", "p 0a NG02x", "kz 0a FF\r", "z 0a NG02x"}, 0, hal.ErrUnsupported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			defer p.answers(lines(test.lines)...)()
			l := newPanel(t, rs232.ProtocolLG, p, rs232.Config{SetID: 10, Attempts: 1}).(*rs232.LG)
			got, err := test.call(t.Context(), l)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v, error %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

func lines(text []string) (exchanges [][]byte) {
	for _, s := range text {
		exchanges = append(exchanges, []byte(s))
	}
	return exchanges
}

func TestLGWaits(t *testing.T) {
	p := newPeer(t)
	defer p.answers(lines([]string{"ka 01 01\r", "a 01 NG03x", "ka 01 01\r", "a 01 OK01x"})...)()
	if err := newPanel(t, rs232.ProtocolLG, p, rs232.Config{SetID: 1}).SetPower(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// TestLGWaitRests: with a rest of an hour a panel that says "wait" is not asked again before the context ends.
func TestLGWaitRests(t *testing.T) {
	p := newPeer(t)
	defer p.answers(lines([]string{"ka 01 01\r", "a 01 NG03x"})...)()
	l := newPanel(t, rs232.ProtocolLG, p, rs232.Config{SetID: 1, Timing: rs232.Timing{Again: time.Hour}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.SetPower(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("SetPower: %v, want context.DeadlineExceeded", err)
	}
}

// TestLGInputRests: nothing is sent in the 2 s after the input was changed.
func TestLGInputRests(t *testing.T) {
	p := newPeer(t)
	defer p.answers(lines([]string{"xb 01 91\r", "b 01 OK91x"})...)()
	l := newPanel(t, rs232.ProtocolLG, p, rs232.Config{SetID: 1}).(*rs232.LG)
	if err := l.SetInput(t.Context(), "hdmi2"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Power(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Power within the rest: %v, want context.DeadlineExceeded", err)
	}
}

// TestLGLateAcknowledgement: the panel takes "on" in silence, and its acknowledgement comes when the driver asks for
// power, where the same bytes mean that it is on.
func TestLGLateAcknowledgement(t *testing.T) {
	p := newPeer(t)
	l := newPanel(t, rs232.ProtocolLG, p, rs232.Config{SetID: 1, Attempts: 1, Timing: rs232.Timing{Reply: 200 * time.Millisecond}})
	if err := l.SetPower(t.Context(), true); !errors.Is(err, hal.ErrSilent) {
		t.Fatalf("SetPower: %v, want ErrSilent", err)
	}
	p.expect([]byte("ka 01 01\r"))
	defer p.answers(lines([]string{"kd 01 FF\r", "a 01 OK01xa 01 OK01xd 01 NG01x", "ka 01 FF\r", "a 01 OK00x", "ka 01 FF\r", "a 01 OK00x"})...)()
	if power, err := l.Power(t.Context()); err != nil || power != hal.PowerOff {
		t.Errorf("Power: %v, %v, want off", power, err)
	}
}

func TestLGBroadcastCannotBeReadBack(t *testing.T) {
	l := newPanel(t, rs232.ProtocolLG, newPeer(t), rs232.Config{SetID: rs232.LGBroadcast})
	if power, err := l.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("Power: %v, %v, want unknown and ErrUnsupported", power, err)
	}
}

func TestLGSetIDs(t *testing.T) {
	for _, id := range []int{-1, 100} {
		if _, err := rs232.New(rs232.ProtocolLG, rs232.Config{SetID: id, Log: logger(t)}); err == nil {
			t.Errorf("set ID %d was taken", id)
		}
	}
}

var _ interface {
	hal.Panel
	hal.Settler
	hal.Dimmer
	hal.Thermometer
	hal.InputSwitcher
	hal.SignalDetector
	hal.Speaker
	hal.Diagnoser
	hal.HourMeter
	hal.Identifier
} = (*rs232.LG)(nil)
