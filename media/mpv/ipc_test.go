package mpv_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/media/mpv"
)

func TestParseLine(t *testing.T) {
	for _, test := range []struct{ name, line, event, reply, fails string }{
		{name: "event", line: `{"event":"end-file","reason":"eof","playlist_entry_id":7}`, event: "end-file"},
		{name: "answer", line: `{"data":1.5,"request_id":3,"error":"success"}`, reply: "success"},
		{name: "not JSON", line: `mpv: hello`, fails: "cannot read a line from mpv"},
		{name: "cut", line: `{"event":"end-fi`, fails: "cannot read a line from mpv"},
		{name: "neither", line: `{"data":1}`, fails: "neither an event nor an answer"},
		{name: "wrong kind", line: `{"event":"x","playlist_entry_id":"seven"}`, fails: "cannot read a line from mpv"},
		{name: "empty", line: ``, fails: "cannot read a line from mpv"},
		{name: "long", line: `"` + strings.Repeat("x", mpv.MaxLine) + `"`, fails: "longer than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := mpv.ParseLine([]byte(test.line))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("error %v, want one line with %q", err, test.fails)
				}
				return
			}
			if err != nil || m.Event != test.event || m.Error != test.reply {
				t.Fatalf("%+v, %v", m, err)
			}
		})
	}
}

func FuzzIPCLine(f *testing.F) {
	f.Add([]byte(`{"event":"start-file","playlist_entry_id":1}`))
	f.Add([]byte(`{"data":null,"request_id":1,"error":"property unavailable"}`))
	f.Add([]byte(`{"event":"end-file","reason":"error","playlist_entry_id":3,"file_error":"loading failed"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := mpv.ParseLine(line)
		if err != nil {
			if m.Event != "" || m.Error != "" || m.Data != nil {
				t.Errorf("a refused line left %+v", m)
			}
			return
		}
		if m.Event == "" && m.Error == "" {
			t.Error("an accepted line is neither event nor answer")
		}
		if m.Data != nil && !json.Valid(m.Data) {
			t.Errorf("data is not JSON: %q", m.Data)
		}
	})
}

// peer plays mpv: it answers each command by what reply makes of it.
func peer(t *testing.T, conn net.Conn, reply func(request int64, command json.RawMessage) string) {
	t.Helper()
	go func() {
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			var c struct {
				Request int64           `json:"request_id"`
				Command json.RawMessage `json:"command"`
			}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Errorf("the client wrote %q", lines.Bytes())
			}
			if _, err := conn.Write([]byte(reply(c.Request, c.Command))); err != nil {
				return // the client has gone
			}
		}
	}()
}

// inBubble runs f with a client on virtual time; it fails if a goroutine is left behind.
func inBubble(t *testing.T, f func(t *testing.T, c *mpv.Client, other net.Conn, log *bytes.Buffer)) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		var log bytes.Buffer
		c := mpv.NewClient(ours, slog.New(slog.NewTextHandler(&log, nil)), time.Now)
		f(t, c, theirs, &log)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := theirs.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestClientCommands(t *testing.T) {
	inBubble(t, func(t *testing.T, c *mpv.Client, other net.Conn, _ *bytes.Buffer) {
		peer(t, other, func(request int64, command json.RawMessage) string {
			answer, err := json.Marshal(map[string]any{"request_id": request, "error": "success", "data": command})
			if err != nil {
				t.Error(err)
			}
			if strings.Contains(string(command), "duration") {
				answer = []byte(`{"request_id":2,"error":"property unavailable"}`)
			}
			return "{\"event\":\"pause\"}\n\n" + string(answer) + "\n"
		})
		data, err := c.Do(t.Context(), "loadfile", map[string]any{"url": "/a"})
		if err != nil || string(data) != `{"name":"loadfile","url":"/a"}` {
			t.Errorf("%s, %v", data, err)
		}
		var refused *mpv.CommandError
		var seconds float64
		if err := c.Get(t.Context(), "duration", &seconds); !errors.As(err, &refused) || refused.Reason != "property unavailable" {
			t.Errorf("unexpected %v", err)
		}
		if m := <-c.Events(); m.Event != "pause" {
			t.Errorf("unexpected %+v", m)
		}
	})
}

func TestClientGivesUpOnSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, c *mpv.Client, other net.Conn, _ *bytes.Buffer) {
		peer(t, other, func(int64, json.RawMessage) string { return "\n" })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := c.Do(ctx, "ping", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("unexpected %v", err)
		}
	})
}

func TestClientGivesUpOnAPeerThatDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, c *mpv.Client, _ net.Conn, _ *bytes.Buffer) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := c.Do(ctx, "ping", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("unexpected %v", err)
		}
	})
}

func TestClientAndBadPeers(t *testing.T) {
	for _, test := range []struct {
		name, send string
		want       error
		logged     int
	}{
		{name: "one malformed line is passed over", send: "what?\n", want: mpv.ErrClosed, logged: 1},
		{name: "a line too long", send: strings.Repeat("x", mpv.MaxLine+2), want: mpv.ErrLongLine},
		{name: "nonsense without end", send: strings.Repeat("{}\n", 100), logged: 16},
		{name: "events that nobody reads", send: strings.Repeat("{\"event\":\"x\"}\n", 2000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *mpv.Client, other net.Conn, log *bytes.Buffer) {
				// The client may hang up before all is written.
				_, sent := other.Write([]byte(test.send))
				if err := other.Close(); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if err := c.Err(); err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("the connection ended with %v (sending: %v), want %v", err, sent, test.want)
				}
				if n := strings.Count(log.String(), "\n"); n != test.logged {
					t.Errorf("%d lines logged, want %d: %s", n, test.logged, log)
				}
				if _, err := c.Do(t.Context(), "ping", nil); err == nil {
					t.Error("a dead connection takes commands")
				}
			})
		})
	}
}

// TestTheEndOfTheCallerLeavesTheConnection: half a line is never left on the wire for a caller's sake, and mpv that
// takes no line is given up all the same.
func TestTheEndOfTheCallerLeavesTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, c *mpv.Client, other net.Conn, _ *bytes.Buffer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- c.Start(ctx, "screenshot-to-file", nil) }()
		time.Sleep(2 * time.Second) // mpv has taken nothing yet
		peer(t, other, func(request int64, command json.RawMessage) string {
			if strings.Contains(string(command), "screenshot") {
				return "" // it takes long
			}
			return fmt.Sprintf(`{"data":7,"request_id":%d,"error":"success"}`+"\n", request)
		})
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller gets %v", err)
		}
		var seven int
		if err := c.Get(t.Context(), "pid", &seven); err != nil || seven != 7 {
			t.Errorf("afterwards: %d, %v", seven, err)
		}
	})
	inBubble(t, func(t *testing.T, c *mpv.Client, _ net.Conn, _ *bytes.Buffer) {
		if err := c.Start(t.Context(), "screenshot-to-file", nil); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("a mpv that takes no line: %v", err)
		}
	})
}
