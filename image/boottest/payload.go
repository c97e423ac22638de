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
	"slices"
	"time"

	"bangtin/image/boottest/guest"
	"bangtin/image/cpio"
)

// tests picks the tests that are for the bench.
const tests = "^TestBench"

// A payload is what one guest runs, and the files for it.
type payload struct {
	jobs  []guest.Job
	files map[string]string // where in the guest, and where here
}

// rooms are those of which tests on the bench are expected.
func rooms() []string {
	return []string{"hal/cec", "hal/drm", "hal/gpio", "hal/hwmon", "hal/rs232", "image/initrd", "cmd/bangtin-setup", "cmd/bangtin-bootctl"}
}

// payloads compiles what shall run: a payload for each guest. temp is kept until the last guest has its own.
func (b *bench) payloads(ctx context.Context, temp string) ([]*payload, error) {
	wanted := b.rooms
	if len(wanted) == 0 && b.command == "" {
		wanted = b.present()
	}
	var all []*payload
	for i, room := range wanted {
		p := b.payload()
		if err := p.addRoom(ctx, room, filepath.Join(temp, fmt.Sprintf("%d.test", i)), b.limit*9/10); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(wanted) == 0 && b.command != "" {
		all = append(all, b.payload())
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing to run: no room given and none found")
	}
	return all, nil
}

// present is which rooms there are. It tells of those that are not.
func (b *bench) present() []string {
	return slices.DeleteFunc(rooms(), func(room string) bool {
		_, err := os.Stat(room)
		if err != nil {
			fmt.Fprintf(b.out, "%s is left out: %v\n", room, err)
		}
		return err != nil
	})
}

func (b *bench) payload() *payload {
	p := &payload{files: map[string]string{}}
	if b.command != "" {
		p.jobs = append(p.jobs, guest.Job{Name: "command", Dir: "/", Args: []string{"/bin/sh", "-c", b.command}})
	}
	return p
}

// addRoom adds the tests of a package's folder, or of a test program and the folder it lies in. made is where the
// program may be put; it ends itself after limit, before its guest is ended, and tells where it was.
func (p *payload) addRoom(ctx context.Context, room, made string, limit time.Duration) error {
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
	dir := guest.Payload + "/room"
	p.files[dir+"/room.test"] = program
	p.jobs = append(p.jobs, guest.Job{
		Name: room, Dir: dir,
		Args: []string{dir + "/room.test", "-test.run", tests, "-test.v", "-test.count", "1", "-test.timeout", limit.String()},
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
func (p *payload) add(c *cpio.Writer) error {
	for to, from := range p.files {
		c.Copy(to, from)
	}
	text, err := json.Marshal(p.jobs)
	if err != nil {
		return err
	}
	c.File(guest.Jobs, 0o644, text)
	return nil
}
