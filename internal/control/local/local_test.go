package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/control/local"
)

func TestParseRequest(t *testing.T) {
	tests := []struct {
		name, line, want string // want is part of the error; empty for none
	}{
		{"status", `{"do":"status"}`, ""},
		{"off", `{"do":"off","for":"30m","reason":"r"}`, ""},
		{"unknown verb", `{"do":"reboot"}`, `cannot do "reboot"`},
		{"no verb", `{}`, `cannot do ""`},
		{"unknown field", `{"do":"status","force":true}`, `unknown field "force"`},
		{"despite", `{"do":"clear-fire","reason":"r","despite_silent_smoke":true}`, ""},
		{"despite what", `{"do":"on","despite_silent_smoke":true}`, "that is for clear-fire"},
		{"two objects", `{"do":"status"}{"do":"off"}`, "more than one object"},
		{"not JSON", `status`, "cannot read the request"},
		{"too long", `{"do":"` + strings.Repeat("x", local.MaxLine) + `"}`, "longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := local.ParseRequest([]byte(tt.line))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"do":"off","for":"30m","reason":"BĐBP đề nghị"}`))
	f.Add([]byte(`{"do":"status"} `))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := local.ParseRequest(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := local.ParseRequest(again); err != nil || back != r {
			t.Errorf("%q is read as %+v, and that as %+v, %v", line, r, back, err)
		}
	})
}

// echo answers with what it was asked, and by whom.
type echo struct{}

func (echo) Handle(_ context.Context, r local.Request, by local.Peer) local.Answer {
	if r.Do == local.ClearFire {
		return local.Answer{Error: "cannot clear: smoke"}
	}
	raw, err := json.Marshal(map[string]any{"do": r.Do, "uid": by.UID, "pid": by.PID})
	if err != nil {
		return local.Answer{Error: err.Error()}
	}
	return local.Answer{State: raw}
}

func serve(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "local-") // a socket's path holds 107 bytes only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "run", "control.sock")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := &local.Server{Path: path, Handler: echo{}, Log: slog.New(slog.DiscardHandler)}
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("server ended with %v", err)
		}
	})
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := local.Ask(ctx, path, local.Request{Do: local.Status}); err == nil {
			return path
		}
	}
	t.Fatal("the server does not answer")
	return ""
}

func TestAskIsAnsweredWithThePeerTheKernelNames(t *testing.T) {
	a, err := local.Ask(t.Context(), serve(t), local.Request{Do: local.Status})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ UID, PID int }
	if err := json.Unmarshal(a.State, &got); err != nil {
		t.Fatal(err)
	}
	if got.UID != os.Getuid() || got.PID != os.Getpid() {
		t.Errorf("peer is %+v, want uid %d and pid %d", got, os.Getuid(), os.Getpid())
	}
}

func TestARefusalIsTheDaemonsOwnSentence(t *testing.T) {
	_, err := local.Ask(t.Context(), serve(t), local.Request{Do: local.ClearFire})
	if err == nil || err.Error() != "cannot clear: smoke" {
		t.Errorf("got %v", err)
	}
}

func TestSocketIsClosedToOthers(t *testing.T) {
	info, err := os.Stat(serve(t))
	if err != nil {
		t.Fatal(err)
	}
	if perm := info.Mode().Perm(); perm&0o007 != 0 {
		t.Errorf("the socket has mode %o", perm)
	}
}

func TestGarbageGetsOneLineAndHarmsNobody(t *testing.T) {
	path := serve(t)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(strings.Repeat("x", local.MaxLine+1) + "\n")); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "\n"); err == nil && n != 1 {
		t.Errorf("answered with %d lines: %q", n, raw)
	}
	if _, err := local.Ask(t.Context(), path, local.Request{Do: local.Status}); err != nil {
		t.Errorf("the next one is not served: %v", err)
	}
}

func TestTooManyClientsAreTurnedAway(t *testing.T) {
	path := serve(t)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range 40 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	if _, err := local.Ask(t.Context(), path, local.Request{Do: local.Status}); err == nil {
		t.Error("the 41st client is served")
	}
}
