package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
)

// Ask sends one request to the daemon's socket and waits for the answer, at most until ctx ends. A request the
// daemon refuses comes back as an error with the daemon's own sentence.
func Ask(ctx context.Context, path string, r Request) (Answer, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return Answer{}, fmt.Errorf("cannot reach the daemon: %w", err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return Answer{}, fmt.Errorf("cannot reach the daemon: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	raw, err := json.Marshal(r)
	if err != nil {
		return Answer{}, err
	}
	if _, err := conn.Write(append(raw, '\n')); err != nil {
		return Answer{}, fmt.Errorf("cannot ask the daemon: %w", err)
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	if !lines.Scan() {
		return Answer{}, fmt.Errorf("cannot read the daemon's answer: %w", errors.Join(lines.Err(), ctx.Err(), errors.New("it hung up")))
	}
	var a Answer
	if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
		return Answer{}, fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}
