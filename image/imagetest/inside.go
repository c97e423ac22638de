package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// An agent is the bench's hand inside the guest: image/imagetest/agent.
type agent struct {
	conn net.Conn
	in   *json.Decoder
	id   int
}

// agentPort is the name of its virtio port.
const agentPort = "bangtin.agent"

// withAgent gives a machine the agent's port.
func (m machine) withAgent(dir string) machine {
	m.more = append(m.more, "-device", "virtio-serial-pci", "-chardev", "socket,id=agent,path="+filepath.Join(dir, m.name+".agent")+",server=on,wait=off",
		"-device", "virtserialport,chardev=agent,name="+agentPort)
	return m
}

// agent joins the agent. It may not be there yet: a question waits for it.
func (b *bench) agent(m machine) (*agent, error) {
	conn, err := dialUnix(filepath.Join(b.work, m.name+".agent"))
	if err != nil {
		return nil, err
	}
	return &agent{conn: conn, in: json.NewDecoder(conn)}, nil
}

// startInside switches on a display of the bench's image that was set up by this site file, and joins its agent. Who has
// it cuts it.
func (b *bench) startInside(ctx context.Context, name, site string) (*running, *agent, error) {
	disk, err := b.newDisk(ctx, name, b.benchImage)
	if err != nil {
		return nil, nil, err
	}
	if err := b.commission(ctx, disk, site); err != nil {
		return nil, nil, err
	}
	m := machine{name: name, disk: disk}.withAgent(b.work)
	r, err := b.start(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	a, err := b.agent(m)
	if err != nil {
		r.cut()
		return nil, nil, err
	}
	return r, a, nil
}

// run has a line run inside, and returns what it said. The error has it too.
func (a *agent) run(ctx context.Context, limit time.Duration, command string) (string, error) {
	type request struct {
		ID      int    `json:"id"`
		Run     string `json:"run"`
		Seconds int    `json:"seconds"`
	}
	a.id++
	if err := a.conn.SetDeadline(time.Now().Add(limit + stepLimit)); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = a.conn.SetDeadline(time.Now()) })
	defer stop()
	if err := json.NewEncoder(a.conn).Encode(request{a.id, command, int(limit.Seconds())}); err != nil {
		return "", fmt.Errorf("cannot ask the agent: %w", err)
	}
	for {
		var answer struct {
			ID   int    `json:"id"`
			Said string `json:"said"`
			Code int    `json:"code"`
		}
		if err := a.in.Decode(&answer); err != nil {
			return "", fmt.Errorf("no answer from the agent to %q: %w", command, err)
		}
		if answer.ID != a.id {
			continue // to one that was given up
		}
		if answer.Code != 0 {
			return answer.Said, fmt.Errorf("%q ended with %d inside: %s", command, answer.Code, tail(answer.Said, 1000))
		}
		return answer.Said, nil
	}
}
