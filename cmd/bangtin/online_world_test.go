package main

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"bangtin/internal/fleet"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// The tool over a centre that the tool made: its broker's configuration, its ACL, its operator's folder.
func TestOnlineOverTheCentreAsItIsMade(t *testing.T) {
	f := newField(t)
	f.serve()
	f.operator("truc-ban")
	f.startBroker()
	doc, err := trust.ParseDocument(f.read("c/trust.json"))
	f.check(err)
	s := &standIn{t: t, id: "tinh-bien-01", answers: make(chan wire.CommandAck, 16), changed: make(chan struct{}, 1)}
	s.state = wire.State{Gate: "Cửa khẩu Tịnh Biên", Boot: "b", Version: "v", Time: wire.TimeState{Trust: "signed"},
		Want: wire.WantState{Panel: "on", Show: "programme"}, Player: wire.PlayerState{State: "playing"}, Panel: wire.PanelState{Power: "on"}}
	s.commands = obedient(s)
	files := f.display("tinh-bien-01")
	display, err := fleet.New(fleet.Config{
		Device: s.id, URL: "tls://127.0.0.1:" + strconv.Itoa(f.ports[0]), CA: files.CA, Certificate: files.Certificate, Key: files.Key, Boot: "b", Version: "v",
		Now: time.Now, Floor: func() time.Time { return time.Unix(0, 0) }, Trust: doc, Log: slog.New(slog.DiscardHandler),
		Pace: fleet.Pace{Retry: fleet.Backoff{Min: 20 * time.Millisecond, Max: 200 * time.Millisecond}},
	}, fleet.Ports{Outbox: noOutbox{}, Orders: s, State: s.present, Changed: s.changed, Answers: s.answers})
	f.check(err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- display.Run(ctx) }()
	defer func() {
		cancel()
		f.check(<-ended)
	}()
	code, out, errs := f.run("send off --display tinh-bien-01 --until +2h --reason bão --key @duc.key --trust @c/trust.json --center @c/operators/truc-ban --wait --timeout 20s")
	if code != exitOK || !strings.Contains(out, "1 verified") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = f.run("trust publish @c/trust.json --first --center @c/operators/truc-ban")
	if code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	f.until("the trust document comes", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.trusts) == 1 })
	f.must("power --display tinh-bien-01 --state off --until +1h --reason bão --key @duc.key --out @order.json")
	code, out, errs = f.run("power publish @order.json --trust @c/trust.json --center @c/operators/truc-ban")
	if code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	f.until("the order comes", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.orders) == 1 })
	code, out, errs = f.run("watch --once --center @c/operators/truc-ban --window 00:00-23:59")
	if code != exitFailed || !strings.Contains(out, "DARK inside its window") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}

}
