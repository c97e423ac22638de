package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A monitor is QEMU's machine protocol (docs/interop/qmp-spec of QEMU 7.2): JSON on a socket.
type monitor struct {
	conn    net.Conn
	replies chan reply

	mu     sync.Mutex // of a question and its answer
	events sync.Mutex
	seen   []string
}

type reply struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// answerWithin is how long QEMU may take: its lock is held while it emulates a device.
const answerWithin = 30 * time.Second

// dialMonitor waits for QEMU's socket, which is there soon after it was started.
func dialMonitor(path string) (*monitor, error) {
	conn, err := dialUnix(path)
	if err != nil {
		return nil, err
	}
	m := &monitor{conn: conn, replies: make(chan reply, 1)}
	go m.read()
	return m, m.ask("qmp_capabilities", nil, nil)
}

func dialUnix(path string) (net.Conn, error) {
	end := time.Now().Add(answerWithin)
	for {
		conn, err := net.Dial("unix", path)
		if err == nil || time.Now().After(end) {
			return conn, err
		}
		time.Sleep(20 * time.Millisecond) // nothing tells when QEMU listens
	}
}

func (m *monitor) read() {
	defer close(m.replies)
	in := json.NewDecoder(m.conn)
	for {
		var r reply
		if in.Decode(&r) != nil {
			return
		}
		switch {
		case r.Event != "":
			m.events.Lock()
			m.seen = append(m.seen, r.Event+" "+string(r.Data))
			m.events.Unlock()
		case r.Return != nil || r.Error != nil:
			m.replies <- r
		}
	}
}

// happened lists the events since QEMU was started.
func (m *monitor) happened() []string {
	m.events.Lock()
	defer m.events.Unlock()
	return append([]string(nil), m.seen...)
}

// ask has QEMU do something, and takes its answer.
func (m *monitor) ask(command string, arguments, answer any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	question := map[string]any{"execute": command}
	if arguments != nil {
		question["arguments"] = arguments
	}
	if err := json.NewEncoder(m.conn).Encode(question); err != nil {
		return err
	}
	select {
	case r, ok := <-m.replies:
		if !ok {
			return errors.New("QEMU is gone")
		}
		if r.Error != nil {
			return fmt.Errorf("cannot %s: %s", command, r.Error.Desc)
		}
		if answer == nil {
			return nil
		}
		return json.Unmarshal(r.Return, answer)
	case <-time.After(answerWithin):
		m.conn.Close() // its answer would be taken for the next one's
		return fmt.Errorf("cannot %s: no answer within %v", command, answerWithin)
	}
}
