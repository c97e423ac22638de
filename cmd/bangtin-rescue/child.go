package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// findWithin is how long the partition may take to turn up. The root is on the same disk: it takes milliseconds.
	findWithin = 30 * time.Second
	// takeWithin is how long a child may take: the check, the growth, and a minute to mount.
	takeWithin = checkWithin + growWithin + time.Minute
	// dieWithin is how long a child that was killed may take to be gone.
	dieWithin = 2 * time.Second
	maxAnswer = 16 << 10 // bytes of what a child says
)

// errHangs: the disk does not answer.
var errHangs = errors.New("the disk does not answer")

// await is the data partition, as soon as it is there.
func (v volume) await(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, v.Wait)
	defer cancel()
	for {
		device, err := v.Find()
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return device, err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ask has a child take the partition. A disk that is broken can keep whoever has to do with it in the kernel, where no
// signal reaches it: then the child is left behind, and the start goes on without the disk.
func (v volume) ask(ctx context.Context) (finding, error) {
	device, err := v.await(ctx)
	if err != nil {
		return finding{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, v.Limit)
	defer cancel()
	wait, err := startChild(ctx, v.Say, append(append([]string{}, v.Child...), "take", device, v.Under))
	if err != nil {
		return finding{}, err
	}
	type result struct {
		f   finding
		err error
	}
	done := make(chan result, 1)
	go func() {
		f, err := wait()
		done <- result{f, err}
	}()
	select {
	case got := <-done:
		if ctx.Err() == nil {
			return got.f, got.err
		}
	case <-ctx.Done():
		select { // that it is killed, or that it cannot be
		case <-done:
		case <-time.After(dieWithin):
		}
	}
	return finding{}, fmt.Errorf("cannot take the data partition within %v: %w", v.Limit, errHangs)
}

// startChild starts it. What it returns waits for its end, and may wait for ever.
func startChild(ctx context.Context, say *os.File, argv []string) (wait func() (finding, error), err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) } // e2fsck too
	cmd.Stderr = say
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot take the data partition: %w", err)
	}
	return func() (finding, error) {
		raw, err := io.ReadAll(io.LimitReader(out, maxAnswer))
		if err := errors.Join(err, cmd.Wait()); err != nil {
			return finding{}, fmt.Errorf("cannot take the data partition: %w", err)
		}
		return parseAnswer(raw)
	}, nil
}

// An answer is what the child says on its standard output.
type answer struct {
	finding
	Failed string `json:"failed,omitempty"` // what kept it from finding anything
}

func parseAnswer(raw []byte) (finding, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var a answer
	if err := d.Decode(&a); err != nil {
		return finding{}, fmt.Errorf("cannot understand what was found of data: %w", err)
	}
	if a.Failed != "" {
		return finding{}, errors.New(a.Failed)
	}
	if a.At == "" {
		return finding{}, errors.New("cannot understand what was found of data: nothing was")
	}
	return a.finding, nil
}

// answer takes, and writes the answer.
func (t taker) answer(ctx context.Context, to io.Writer) error {
	f, err := t.take(ctx)
	a := answer{finding: f}
	if err != nil {
		a.Failed = err.Error()
		a.Failed = a.Failed[:min(len(a.Failed), maxSaid)]
	}
	a.Why = a.Why[:min(len(a.Why), maxSaid)]
	if err := json.NewEncoder(to).Encode(a); err != nil {
		return fmt.Errorf("cannot say what was found: %w", err)
	}
	return nil
}
