package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errSlow: the device did not answer in time.
var errSlow = errors.New("it does not answer")

// read has a child read a device. A stick that is broken can keep whoever reads it in the kernel, where no signal
// reaches it: then the child is left behind, and the start goes on.
func (m *Main) read(ctx context.Context, device medium) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, m.Limit)
	defer cancel()
	type result struct {
		r   reading
		err error
	}
	done := make(chan result, 1)
	path := filepath.Join(m.Paths.Devices, device.name)
	go func() {
		r, err := readByChild(ctx, append(append([]string{}, m.Reader...), path))
		done <- result{r, err}
	}()
	select {
	case got := <-done:
		if got.err != nil && ctx.Err() != nil {
			return reading{}, fmt.Errorf("cannot read %s: %w", device.name, errSlow)
		}
		return got.r, got.err
	case <-ctx.Done():
		return reading{}, fmt.Errorf("cannot read %s: %w", device.name, errSlow)
	}
}

func readByChild(ctx context.Context, argv []string) (reading, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET=")
	complaint := &tail{}
	cmd.Stderr = complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return reading{}, fmt.Errorf("cannot start reading: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return reading{}, fmt.Errorf("cannot start reading: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(out, maxReading+1))
	if err == nil && len(raw) > maxReading {
		err = fmt.Errorf("it says more than %d bytes", maxReading)
		_ = cmd.Process.Kill() // it may still write
	}
	if failed := cmd.Wait(); failed != nil && err == nil {
		err = fmt.Errorf("%w: %s", failed, complaint)
	}
	if err != nil {
		return reading{}, fmt.Errorf("cannot read %s: %w", argv[len(argv)-1], err)
	}
	return parseReading(raw)
}

// parseReading is strict, as what the child says comes from whoever made the stick.
func parseReading(raw []byte) (reading, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var r reading
	if err := d.Decode(&r); err != nil {
		return reading{}, fmt.Errorf("cannot understand what was read: %w", err)
	}
	most := limits()
	for name, data := range r.Files {
		if limit, known := most[name]; !known || int64(len(data)) > limit {
			return reading{}, fmt.Errorf("cannot understand what was read: %.40q is none of ours, or too long", name)
		}
	}
	if len(r.Problems) > len(most)+1 {
		return reading{}, errors.New("cannot understand what was read: too many problems")
	}
	return r, nil
}

// A tail keeps the first of what a child complains of.
type tail struct{ kept []byte }

const maxComplaint = 1000 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[:min(len(p), maxComplaint-len(t.kept))]...)
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.kept)) }
