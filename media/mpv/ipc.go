package mpv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// MaxLine is the longest line accepted from mpv, in bytes. mpv's own answers to what is asked here stay below 1 KiB.
const MaxLine = 1 << 20

const (
	eventQueue  = 1024            // events waiting to be read; a few arrive per item
	maxNonsense = 16              // malformed lines after which a connection is given up
	writeWithin = 5 * time.Second // until a command of Start is on the wire

	playerEnded = "player-ended" // an event of bangtin-player, the last one: mpv ended, for a reason
)

// ErrClosed says that the connection to mpv has ended.
var ErrClosed = errors.New("connection to mpv is closed")

// ErrLongLine says that mpv sent a line above MaxLine.
var ErrLongLine = fmt.Errorf("mpv sent a line longer than %d bytes", MaxLine)

// A CommandError is mpv's refusal of one command.
type CommandError struct{ Reason string }

func (e *CommandError) Error() string { return "mpv refuses: " + e.Reason }

// A Message is one line from mpv: an event when Event is set, an answer otherwise.
type Message struct {
	Request   int64           `json:"request_id"`        // of the command answered
	Error     string          `json:"error"`             // "success" or mpv's reason
	Data      json.RawMessage `json:"data"`              // of an answer
	Event     string          `json:"event"`             // name of an event
	Entry     int64           `json:"playlist_entry_id"` // start-file and end-file, from 1
	Reason    string          `json:"reason"`            // end-file: eof, stop, quit, error, redirect, unknown
	FileError string          `json:"file_error"`        // end-file with reason error

	At time.Time `json:"-"` // when a Client read it
}

// ParseLine reads one line of mpv's JSON IPC without its newline. It keeps nothing of line.
func ParseLine(line []byte) (Message, error) {
	if len(line) > MaxLine {
		return Message{}, ErrLongLine
	}
	var m Message
	if err := json.Unmarshal(line, &m); err != nil {
		return Message{}, fmt.Errorf("cannot read a line from mpv: %w", err)
	}
	if m.Event == "" && m.Error == "" {
		return Message{}, errors.New("cannot read a line from mpv: neither an event nor an answer")
	}
	return m, nil
}

// A Client is one connection to mpv. Its methods may be called from any goroutine.
type Client struct {
	conn   net.Conn
	log    *slog.Logger
	now    func() time.Time
	events chan Message
	done   chan struct{} // closed when the reader has ended

	writing sync.Mutex // one line at a time

	mu      sync.Mutex
	next    int64
	waiting map[int64]chan Message
	err     error // why the reader ended
}

// NewClient takes over conn and starts reading. Close ends it.
func NewClient(conn net.Conn, log *slog.Logger, now func() time.Time) *Client {
	c := &Client{
		conn: conn, log: log, now: now,
		events:  make(chan Message, eventQueue),
		done:    make(chan struct{}),
		waiting: make(map[int64]chan Message),
	}
	go c.read()
	return c
}

// Events carries mpv's events in their order and is closed when the connection ends. A reader that leaves 1,024 of
// them unread loses the connection: an event must not be skipped, and an answer must not wait behind it.
func (c *Client) Events() <-chan Message { return c.events }

// Err says why the connection ended; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and waits for its reader.
func (c *Client) Close() error {
	err := c.conn.Close()
	<-c.done
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("cannot close the connection to mpv: %w", err)
	}
	return nil
}

// Do sends a command with named arguments (mpv's input.rst names them) and waits for its answer. Names rather than
// positions, because the third position of loadfile became an index in mpv 0.38.
func (c *Client) Do(ctx context.Context, name string, arguments map[string]any) (json.RawMessage, error) {
	command := map[string]any{"name": name}
	for k, v := range arguments {
		command[k] = v
	}
	data, err := c.call(ctx, map[string]any{"command": command})
	if err != nil {
		return nil, fmt.Errorf("cannot do %s: %w", name, err)
	}
	return data, nil
}

// Start is Do for a command that takes mpv long: mpv answers others meanwhile, and the end of ctx ends the waiting
// alone, never the connection.
func (c *Client) Start(ctx context.Context, name string, arguments map[string]any) error {
	command := map[string]any{"name": name}
	maps.Copy(command, arguments)
	writing, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), writeWithin, errHangs)
	defer cancel()
	if _, err := c.exchange(writing, ctx, map[string]any{"command": command, "async": true}); err != nil {
		return fmt.Errorf("cannot do %s: %w", name, err)
	}
	return nil
}

// Get reads a property into value. A property that is not available now is a *CommandError.
func (c *Client) Get(ctx context.Context, property string, value any) error {
	data, err := c.call(ctx, map[string]any{"command": []any{"get_property", property}})
	if err != nil {
		return fmt.Errorf("cannot get %s: %w", property, err)
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("cannot understand %s: %w", property, err)
	}
	return nil
}

func (c *Client) call(ctx context.Context, message map[string]any) (json.RawMessage, error) {
	return c.exchange(ctx, ctx, message)
}

// exchange gives up sending when writing ends, and waiting for the answer when waiting does.
func (c *Client) exchange(writing, waiting context.Context, message map[string]any) (json.RawMessage, error) {
	request, answer, err := c.expect()
	if err != nil {
		return nil, err
	}
	defer c.forget(request)
	message["request_id"] = request
	line, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	if err := c.write(writing, append(line, '\n')); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != "success" {
			return nil, &CommandError{m.Error}
		}
		return m.Data, nil
	case <-c.done:
		return nil, c.Err()
	case <-waiting.Done():
		return nil, context.Cause(waiting)
	}
}

func (c *Client) expect() (int64, chan Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.err
	}
	c.next++
	answer := make(chan Message, 1)
	c.waiting[c.next] = answer
	return c.next, answer, nil
}

func (c *Client) forget(request int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, request)
}

// write gives up when ctx does; half a line may then be on the wire, so the connection is closed.
func (c *Client) write(ctx context.Context, line []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	stop := context.AfterFunc(ctx, c.hangUp)
	_, err := c.conn.Write(line)
	switch inTime := stop(); {
	case !inTime:
		return context.Cause(ctx)
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		// There is nobody left; why may be waiting to be read.
		select {
		case <-c.done:
			return c.Err()
		case <-ctx.Done():
		}
		fallthrough
	case err != nil:
		c.hangUp()
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return nil
}

// hangUp makes reader and writers notice. That the connection may be closed already is no error here.
func (c *Client) hangUp() { _ = c.conn.Close() }

func (c *Client) read() {
	err := c.readLines()
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	c.hangUp() // a failed reader leaves nobody to answer; writers must notice
	close(c.done)
	close(c.events)
}

func (c *Client) readLines() error {
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	for nonsense := 0; lines.Scan(); {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		m, err := ParseLine(line)
		if err != nil {
			c.log.Warn("a line from mpv is ignored", "error", err)
			if nonsense++; nonsense >= maxNonsense {
				return fmt.Errorf("mpv sent %d lines that cannot be read, the last: %w", nonsense, err)
			}
			continue
		}
		if m.Event == playerEnded {
			return fmt.Errorf("%w: %.200s", ErrClosed, m.Reason)
		}
		m.At = c.now()
		if err := c.deliver(m); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return ErrLongLine
	case err == nil, errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF):
		return ErrClosed
	default:
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
}

func (c *Client) deliver(m Message) error {
	if m.Event != "" {
		select {
		case c.events <- m:
			return nil
		default:
			return fmt.Errorf("%d events of mpv were left unread", eventQueue)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.waiting[m.Request]; ok {
		delete(c.waiting, m.Request)
		answer <- m // has room for the one answer it will get
	}
	return nil
}
