package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// A disk is what of a controller's a start depends on: two environments, two boot partitions, and the slot that runs.
type disk struct {
	t   *testing.T
	dir string
}

// newDisk has A confirmed, running and at a revision, and B given up and written anew: with nobody's label.
func newDisk(t *testing.T, revision uint32) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	for _, slot := range []layout.Slot{layout.A, layout.B} {
		for _, role := range []layout.Role{layout.Env, layout.Boot} {
			d.must(os.Mkdir(d.path(role, slot), 0o755))
		}
		d.write(d.path(layout.Boot, slot)+layout.Kernel, []byte("kernel of "+slot))
	}
	d.label(layout.A, bootctl.Label(layout.A))
	d.label(layout.B, bootctl.Label(""))
	d.env(layout.A, bootctl.Env{Kernel: bootctl.KernelPath(layout.A), Revision: revision, Watchdog: 60})
	d.env(layout.B, bootctl.Env{State: bootctl.Failed})
	d.runs(layout.A)
	return d
}

func (d *disk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) path(role layout.Role, slot layout.Slot) string {
	part, ok := layout.Find(role, slot)
	if !ok {
		d.t.Fatalf("no %s of %s", role, slot)
	}
	return filepath.Join(d.dir, part.Label())
}

func (d *disk) write(path string, data []byte) {
	d.t.Helper()
	d.must(os.WriteFile(path, data, 0o600))
}

func (d *disk) labelFile(slot layout.Slot) string {
	return filepath.Join(d.path(layout.Boot, slot), bootctl.LabelName)
}

func (d *disk) envFile(slot layout.Slot) string {
	return filepath.Join(d.path(layout.Env, slot), bootctl.FileName)
}

func (d *disk) label(slot layout.Slot, label []byte) { d.t.Helper(); d.write(d.labelFile(slot), label) }

func (d *disk) env(slot layout.Slot, env bootctl.Env) {
	d.t.Helper()
	file, err := env.Encode()
	d.must(err)
	d.write(d.envFile(slot), file)
}

func (d *disk) runs(slot layout.Slot) { d.t.Helper(); d.write(d.dir+"/slot", []byte(slot+"\n")) }

func (d *disk) file(path string) []byte {
	d.t.Helper()
	data, err := os.ReadFile(path)
	d.must(err)
	return data
}

func (d *disk) read(slot layout.Slot) bootctl.Env {
	d.t.Helper()
	env, err := bootctl.Decode(d.file(d.envFile(slot)))
	d.must(err)
	return env
}

// command runs the program with words.
func (d *disk) command(words ...string) (out, said string, err error) {
	var o, s bytes.Buffer
	err = run(append([]string{"-folders", d.dir, "-slot", d.dir + "/slot"}, words...), &o, &s)
	return o.String(), s.String(), err
}

func (d *disk) do(words ...string) string {
	d.t.Helper()
	out, said, err := d.command(words...)
	if err != nil || said != "" {
		d.t.Fatalf("%q: %v %s", words, err, said)
	}
	return out
}

// starts does what the loader does at a start, and returns what came of it.
func (d *disk) starts() started {
	d.t.Helper()
	c := bootctl.Choose(d.file(d.envFile(layout.A)), d.file(d.envFile(layout.B)))
	s := d.choice(c)
	if c.Writes != "" {
		env := d.read(c.Writes)
		env.State, env.Revision = c.State, c.Revision
		d.env(c.Writes, env)
	}
	if s.volume != "" {
		d.runs(s.volume)
	}
	return s
}

// started is a start: what was chosen, whether as a trial, and which slot's boot partition the label led to.
type started struct {
	slot, volume layout.Slot
	trial        bool
}

// choice finds the kernel of a choice as the loader does: on the first volume whose label begins as the path's.
func (d *disk) choice(c bootctl.Choice) started {
	d.t.Helper()
	s := started{slot: c.Boots, trial: c.Writes == c.Boots}
	if c.Boots == "" {
		return s
	}
	kernel := d.read(c.Boots).Kernel
	for _, slot := range []layout.Slot{layout.A, layout.B} {
		text := bytes.ReplaceAll(d.file(d.labelFile(slot)), []byte{0}, nil)
		want := bytes.Split([]byte(kernel), []byte(":"))
		if len(want) == 3 && bytes.HasPrefix(text, want[1]) {
			if s.volume != "" {
				d.t.Errorf("two volumes are called %s", want[1])
			}
			s.volume = slot
		}
	}
	return s
}
