package rs232_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/hal/rs232"
)

// A necCall is one method of the driver, with its value and its error.
type necCall func(context.Context, *rs232.NEC) (any, error)

func necPower(ctx context.Context, n *rs232.NEC) (any, error)      { return n.Power(ctx) }
func necBrightness(ctx context.Context, n *rs232.NEC) (any, error) { return n.Brightness(ctx) }
func necInput(ctx context.Context, n *rs232.NEC) (any, error)      { return n.Input(ctx) }
func necSignal(ctx context.Context, n *rs232.NEC) (any, error)     { return n.Signal(ctx) }
func necVolume(ctx context.Context, n *rs232.NEC) (any, error)     { return n.Volume(ctx) }
func necMuted(ctx context.Context, n *rs232.NEC) (any, error)      { return n.Muted(ctx) }
func necHours(ctx context.Context, n *rs232.NEC) (any, error)      { return n.Hours(ctx) }
func necSerial(ctx context.Context, n *rs232.NEC) (any, error)     { return n.Serial(ctx) }
func necModel(ctx context.Context, n *rs232.NEC) (any, error)      { return n.Model(ctx) }

func necFaults(ctx context.Context, n *rs232.NEC) (any, error) {
	faults, err := n.Diagnose(ctx)
	return strings.Join(faults, ", "), err
}

func necTemperature(ctx context.Context, n *rs232.NEC) (any, error) {
	v, err := n.Temperature(ctx)
	return v.String(), err
}

func necSetPower(on bool) necCall {
	return func(ctx context.Context, n *rs232.NEC) (any, error) { return nil, n.SetPower(ctx, on) }
}

func necSetBrightness(percent int) necCall {
	return func(ctx context.Context, n *rs232.NEC) (any, error) { return nil, n.SetBrightness(ctx, percent) }
}

func necSetVolume(percent int) necCall {
	return func(ctx context.Context, n *rs232.NEC) (any, error) { return nil, n.SetVolume(ctx, percent) }
}

func necSetMute(muted bool) necCall {
	return func(ctx context.Context, n *rs232.NEC) (any, error) { return nil, n.SetMute(ctx, muted) }
}

// TestNECDocumentedExchanges: each method sends the documented request and understands the documented reply.
func TestNECDocumentedExchanges(t *testing.T) {
	tests := []struct {
		vector string
		id     int
		call   necCall
		want   any
	}{
		{"set backlight 100 id1", 1, necSetBrightness(100), nil},
		{"power status id1 on", 1, necPower, hal.PowerOn},
		{"power status id1 suspend", 1, necPower, hal.PowerOff},
		{"get input id1", 1, necInput, "dvi"},
		{"power on id1", 1, necSetPower(true), nil},
		{"set mute on '*'", rs232.NECBroadcast, necSetMute(true), nil},
		{"set volume 25 '*'", rs232.NECBroadcast, necSetVolume(25), nil},
		{"power off '*'", rs232.NECBroadcast, necSetPower(false), nil},
		{"self diagnosis two faults id1", 1, necFaults, "fan, no signal"},
		{"self diagnosis two faults id1", 1, necSignal, false},
		{"operating time 30-min units id1", 1, necHours, 2330},
	}
	for _, test := range tests {
		t.Run(test.vector, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			defer p.answers(exchangeOf(t, "nec-frames.json", test.vector))()
			got, err := test.call(t.Context(), newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: test.id}).(*rs232.NEC))
			if err != nil || got != test.want {
				t.Errorf("got %v, error %v, want %v", got, err, test.want)
			}
		})
	}
}

// necTalk writes exchanges with the panel of monitor ID 100: requests as type and message, each with its reply.
func necTalk(text []string) (exchanges [][]byte) {
	for i, s := range text {
		kind, message, _ := strings.Cut(s, " ")
		if i%2 == 0 {
			exchanges = append(exchanges, []byte(necFrame(0xA4, '0', kind[0], message)))
		} else {
			exchanges = append(exchanges, []byte(necFrame('0', 0xA4, kind[0], message)))
		}
	}
	return exchanges
}

// TestNECReplies: what a panel with set ID 100 answers, exchange by exchange, and what the driver makes of it.
func TestNECReplies(t *testing.T) {
	model := func(name string) []string { return []string{"A C217", "B C317" + fmt.Sprintf("%X", name)} }
	sensor := []string{"E 02780001", "F 0002780000030001"}
	tests := []struct {
		name string
		call necCall
		talk []string
		want any
		err  error
	}{
		{"standby", necPower, []string{"A 01D6", "B 0200D60000040002"}, hal.PowerOff, nil},
		{"off", necPower, []string{"A 01D6", "B 0200D60000040004"}, hal.PowerOff, nil},
		{"mode 0", necPower, []string{"A 01D6", "B 0200D60000040000"}, hal.PowerUnknown, hal.ErrSilent},
		{"mode without digits", necPower, []string{"A 01D6", "B 0200D6000004ON01"}, hal.PowerUnknown, hal.ErrSilent},
		{"busy", necPower, []string{"A 01D6", "B BE"}, hal.PowerUnknown, hal.ErrRefused},
		{"result 01", necPower, []string{"A 01D6", "B 0201D60000040001"}, hal.PowerUnknown, hal.ErrRefused},
		{"power refused", necSetPower(true), []string{"A C203D60001", "B 01C203D60001"}, nil, hal.ErrRefused},
		{"brightness", necBrightness, []string{"C 0010", "D 0000100000640046"}, 70, nil},
		{"brightness of 200 %", necBrightness, []string{"C 0010", "D 00001000006400C8"}, 0, hal.ErrSilent},
		{"no brightness", necBrightness, []string{"C 0010", "D 0100100000000000"}, 0, hal.ErrRefused},
		{"input without a name", necInput, []string{"C 0060", "D 000060000011000C"}, "0x0C", nil},
		{"NEC's temperature", necTemperature, append(append(model("P403"), sensor...), "C 0279", "D 00027900FFFF0033"), "25.500°C", nil},
		{"NEC's temperature below zero", necTemperature, append(append(model("P403"), sensor...), "C 0279", "D 00027900FFFFFFEC"), "-10°C", nil},
		{"Mitsubishi's temperature", necTemperature, append(append(model("MDT652S"), sensor...), "C 0279", "D 00027900FFFF0032"), "50°C", nil},
		{"temperature of a single sensor", necTemperature, append(model("P403"), "E 02780001", "F 0102780000000000", "C 0279", "D 00027900FFFF0032"), "25°C", nil},
		{"hotter than can be", necTemperature, append(append(model("P403"), sensor...), "C 0279", "D 00027900FFFF0100"), "-273.150°C", hal.ErrSilent},
		{"temperature of an unknown model", necTemperature, []string{"A C217", "B BE"}, "-273.150°C", hal.ErrRefused},
		{"temperature of no model", necTemperature, []string{"A C217", "B C317"}, "-273.150°C", hal.ErrRefused},
		{"volume", necVolume, []string{"C 0062", "D 0000620000640064"}, 100, nil},
		{"muted", necMuted, []string{"C 008D", "D 00008D0000020001"}, true, nil},
		{"not muted", necMuted, []string{"C 008D", "D 00008D0000020002"}, false, nil},
		{"mute neither", necMuted, []string{"C 008D", "D 00008D0000020003"}, false, hal.ErrSilent},
		{"unmute", necSetMute(false), []string{"E 008D0002", "F 00008D0000020002"}, nil, nil},
		{"nothing wrong", necFaults, []string{"A B1", "B A100"}, "", nil},
		{"two fans and an unknown fault", necFaults, []string{"A B1", "B A18081F0"}, "fan, code F0", nil},
		{"half a code", necFaults, []string{"A B1", "B A180F"}, "", hal.ErrSilent},
		{"signal", necSignal, []string{"A B1", "B A180"}, true, nil},
		{"hours of an old model", necHours, []string{"C 00FF", "D 0100FF0000000000", "C 00FA", "D 0000FA00FFFF0003"}, 1, nil},
		{"serial", necSerial, []string{"A C216", "B C3163132333441" + "00FF"}, "1234A", nil},
		{"serial as it is", necSerial, []string{"A C216", "B C316NX-1234"}, "NX-1234", nil},
		{"model", necModel, model("P403"), "P403", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			defer p.answers(necTalk(test.talk)...)()
			n := newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: 100, Attempts: 1}).(*rs232.NEC)
			got, err := test.call(t.Context(), n)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v, error %v, want %v, %v", got, err, test.want, test.err)
			}
		})
	}
}

// TestNECModelIsAskedOnce: the second temperature asks for the sensor only.
func TestNECModelIsAskedOnce(t *testing.T) {
	p := newPeer(t)
	n := newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: 100}).(*rs232.NEC)
	sensor := []string{"E 02780001", "F 0002780000030001", "C 0279", "D 00027900FFFF0032"}
	defer p.answers(necTalk(append(append([]string{"A C217", "B C31750343033"}, sensor...), sensor...))...)()
	for range 2 {
		if v, err := necTemperature(t.Context(), n); v != "25°C" || err != nil {
			t.Errorf("Temperature: %v, %v, want 25°C", v, err)
		}
	}
}

func TestNECBusyIsAskedOnceMore(t *testing.T) {
	p := newPeer(t)
	defer p.answers(necTalk([]string{"A C203D60001", "B BE", "A C203D60001", "B 00C203D60001"})...)()
	n := newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: 100})
	if err := n.SetPower(t.Context(), true); err != nil {
		t.Error(err)
	}
}

// TestNECNullMessageOfAnother: the null message that answers a request given up comes when the driver reads power, and
// then the answer to that reading, where it means the next one.
func TestNECNullMessageOfAnother(t *testing.T) {
	p := newPeer(t)
	n := newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: 100, Attempts: 1})
	exchanges := necTalk([]string{
		"A 01D6", "B BE", "C 0012", "B 0200D60000040001", "C 008C", "D 01008C0000000000", "A 01D6", "B 0200D60000040004",
	})
	late := slices.Concat(exchanges[3], exchanges[1]) // the power of then, and another null message
	defer p.answers(exchanges[0], exchanges[1], exchanges[2], late, exchanges[4], exchanges[5], exchanges[6], exchanges[7])()
	for range 2 {
		if power, err := n.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrRefused) {
			t.Fatalf("Power: %v, %v, want unknown and ErrRefused", power, err)
		}
	}
	if power, err := n.Power(t.Context()); power != hal.PowerOff || err != nil {
		t.Errorf("Power: %v, %v, want off", power, err)
	}
}

// TestNECBusyRests: with a rest of an hour a busy panel is not asked again before the context ends.
func TestNECBusyRests(t *testing.T) {
	p := newPeer(t)
	defer p.answers(necTalk([]string{"A 01D6", "B BE"})...)()
	n := newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: 100, Timing: rs232.Timing{Again: time.Hour}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if power, err := n.Power(ctx); power != hal.PowerUnknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Power: %v, %v, want unknown and context.DeadlineExceeded", power, err)
	}
}

// TestNECLatePower: an answer that was given up comes when the driver asks again, after "off" was commanded.
func TestNECLatePower(t *testing.T) {
	p := newPeer(t)
	n := newPanel(t, rs232.ProtocolNEC, p, rs232.Config{SetID: 100, Attempts: 1, Timing: rs232.Timing{Reply: 200 * time.Millisecond}})
	if power, err := n.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrSilent) {
		t.Fatalf("Power: %v, %v, want unknown and ErrSilent", power, err)
	}
	exchanges := necTalk([]string{
		"A 01D6", "B 0200D60000040001", "A C203D60004", "B 00C203D60004", "C 0012", "D 0000120000640032", "A 01D6", "B 0200D60000040004",
	})
	p.expect(exchanges[0])
	exchanges[5] = append(exchanges[1], exchanges[5]...) // the late one
	defer p.answers(exchanges[2:]...)()
	if err := n.SetPower(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if power, err := n.Power(t.Context()); err != nil || power != hal.PowerOff {
		t.Errorf("Power: %v, %v, want off", power, err)
	}
}

func TestNECBroadcastCannotBeReadBack(t *testing.T) {
	n := newPanel(t, rs232.ProtocolNEC, newPeer(t), rs232.Config{SetID: rs232.NECBroadcast})
	if power, err := n.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("Power: %v, %v, want unknown and ErrUnsupported", power, err)
	}
}

func TestNECSetIDs(t *testing.T) {
	for _, id := range []int{-1, 101} {
		if _, err := rs232.New(rs232.ProtocolNEC, rs232.Config{SetID: id, Log: logger(t)}); err == nil {
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
} = (*rs232.NEC)(nil)
