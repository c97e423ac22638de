package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"

	"bangtin/image/boottest/guest"
)

// tests picks the tests that are for the bench.
const tests = "^TestBench"

// A payload is what one guest runs, and the files for it.
type payload struct {
	jobs  []guest.Job
	files map[string]string // where in the guest, and where here
}

// rooms are those of which tests on the bench are expected.
func rooms() []string { return []string{"hal/cec", "hal/gpio", "hal/hwmon", "hal/rs232"} }

// jobs compiles what shall run. temp is kept until the guest has it.
func (b *bench) jobs(ctx context.Context, temp string) (*payload, error) {
	p := &payload{files: map[string]string{}}
	if b.command != "" {
		p.jobs = append(p.jobs, guest.Job{Name: "command", Dir: "/", Args: []string{"/bin/sh", "-c", b.command}})
	}
	wanted := b.rooms
	if len(wanted) == 0 && b.command == "" {
		for _, room := range rooms() {
			if _, err := os.Stat(room); err == nil {
				wanted = append(wanted, room)
			} else {
				fmt.Fprintf(b.out, "%s is left out: %v\n", room, err)
			}
		}
	}
	for i, room := range wanted {
		if err := p.addRoom(ctx, room, filepath.Join(temp, fmt.Sprintf("%d.test", i))); err != nil {
			return nil, err
		}
	}
	if len(p.jobs) == 0 {
		return nil, fmt.Errorf("nothing to run: no room given and none found")
	}
	return p, nil
}

// addRoom adds the tests of a package's folder, or of a test program and the folder it lies in. made is where the
// program may be put.
func (p *payload) addRoom(ctx context.Context, room, made string) error {
	info, err := os.Stat(room)
	if err != nil {
		return fmt.Errorf("cannot find the room: %w", err)
	}
	folder, program := room, made
	if info.IsDir() {
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", made, ".")
		cmd.Dir = room
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot compile the tests of %s: %w\n%s", room, err, out)
		}
	} else {
		folder, program = filepath.Dir(room), room
	}
	list, err := exec.CommandContext(ctx, program, "-test.list", tests).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot list the tests of %s: %w\n%s", room, err, list)
	}
	if !bytes.HasPrefix(list, []byte("TestBench")) {
		return fmt.Errorf("%s has no test whose name begins with TestBench", room)
	}
	name := strings.ReplaceAll(strings.Trim(filepath.Clean(room), "/."), "/", "-")
	dir := guest.Payload + "/" + name
	p.files[dir+"/room.test"] = program
	p.jobs = append(p.jobs, guest.Job{
		Name: room, Dir: dir,
		Args: []string{dir + "/room.test", "-test.run", tests, "-test.v", "-test.count", "1", "-test.timeout", "5m"},
	})
	return p.addFolder(filepath.Join(folder, "testdata"), dir+"/testdata")
}

// addFolder adds all files of a folder, which need not exist.
func (p *payload) addFolder(from, to string) error {
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return nil
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		p.files[to+"/"+rest] = path
		return nil
	})
}

// add puts the payload into the initial file system.
func (p *payload) add(c *cpio) error {
	for to, from := range p.files {
		c.copy(to, from)
	}
	text, err := json.Marshal(p.jobs)
	if err != nil {
		return err
	}
	c.file(guest.Jobs, 0o644, text)
	return nil
}

// addInit adds this very program as the guest's first process. It must not need a C library.
func addInit(c *cpio) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("cannot tell how this program was built")
	}
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" && s.Value != "0" {
			return fmt.Errorf("this program goes into the guest: build it with CGO_ENABLED=0")
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.copy(guest.Init, self)
	return nil
}
