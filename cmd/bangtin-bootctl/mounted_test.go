package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// TestBenchVolumes changes environments on FAT, on a kernel that has it, and cuts the changes at every sector.
func TestBenchVolumes(t *testing.T) {
	r := newRig(t, "vfat", fat)
	r.update()
	r.cut()
}

// TestVolumes does the changes on file systems of another kind, so that what does not hang on FAT is tried on every machine.
// Cuts are not for it: ext4 has a journal that makes them good.
func TestVolumes(t *testing.T) { newRig(t, "ext4", ext4).update() }

// TestTogether: whoever looks while another changes something waits, and fails neither.
func TestTogether(t *testing.T) {
	r := newRig(t, "ext4", ext4)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				if out, err := r.try("get-state", "A"); out != "good\n" || err != nil {
					t.Errorf("%q, %v", out, err)
				}
			}
		})
	}
	for range 10 {
		r.do("set-primary", "B")
		r.do("set-state", "B", "bad")
	}
	all.Wait()
}

// A rig is a controller's partitions on loop devices.
type rig struct {
	t     *testing.T
	l     loader
	nodes map[string]string // by label
}

func newRig(t *testing.T, kind string, made func(t *testing.T, file string)) *rig {
	t.Helper()
	known(t, kind)
	dir := t.TempDir()
	r := &rig{t: t, nodes: map[string]string{}}
	p := partitions{sys: dir + "/sys", dev: "/dev", disk: dir + "/disk", kind: kind}
	r.must(os.MkdirAll(p.sys+"/class/block/sdx", 0o755))
	r.must(os.WriteFile(p.disk, []byte("sdx\n"), 0o600))
	r.l = loader{places: p, slot: dir + "/slot", say: os.Stderr}
	r.runs(layout.A)
	file := filepath.Join(dir, "made")
	made(t, file)
	for _, part := range layout.Partitions() {
		if part.Role != layout.Env && part.Role != layout.Boot {
			continue
		}
		own := filepath.Join(dir, part.Label())
		copyFile(t, own, file)
		node := loop(t, own)
		r.nodes[part.Label()] = node
		var s unix.Stat_t
		r.must(unix.Stat(node, &s))
		entry := filepath.Join(p.sys, "class/block/sdx", filepath.Base(node))
		r.must(os.Mkdir(entry, 0o755))
		r.must(os.WriteFile(entry+"/partition", fmt.Appendln(nil, part.Number), 0o600))
		r.must(os.WriteFile(entry+"/dev", fmt.Appendf(nil, "%d:%d\n", unix.Major(s.Rdev), unix.Minor(s.Rdev)), 0o600))
	}
	r.put(layout.Env, layout.A, bootctl.FileName, encode(t, bootctl.Env{Kernel: bootctl.KernelPath(layout.A), Revision: 7, Watchdog: 60}))
	r.put(layout.Env, layout.B, bootctl.FileName, encode(t, bootctl.Env{State: bootctl.Failed}))
	r.put(layout.Boot, layout.A, bootctl.LabelName, bootctl.Label(layout.A))
	return r
}

func encode(t *testing.T, env bootctl.Env) []byte {
	t.Helper()
	file, err := env.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) runs(slot layout.Slot) {
	r.t.Helper()
	r.must(os.WriteFile(r.l.slot, []byte(slot+"\n"), 0o600))
}

// put writes over a file of a partition, which is as long.
func (r *rig) put(role layout.Role, slot layout.Slot, name string, data []byte) {
	r.t.Helper()
	r.must(r.l.with(role, slot, toWrite, func(folder string) error {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if info, err := f.Stat(); err != nil || info.Size() != int64(len(data)) {
			return fmt.Errorf("%s has another size: %w", name, err)
		}
		if _, err = f.Write(data); err == nil {
			err = f.Sync()
		}
		return errors.Join(err, f.Close())
	}))
}

func (r *rig) try(words ...string) (string, error) {
	var out bytes.Buffer
	err := r.l.obey(words, &out)
	return out.String(), err
}

func (r *rig) do(words ...string) string {
	r.t.Helper()
	out, err := r.try(words...)
	if err != nil {
		r.t.Fatalf("%q: %v", words, err)
	}
	return out
}

// start does what the loader does at a start, and says which slot that is.
func (r *rig) start() bootctl.Choice {
	r.t.Helper()
	c := bootctl.Choose(r.file(layout.Env, layout.A, bootctl.FileName), r.file(layout.Env, layout.B, bootctl.FileName))
	if c.Writes != "" {
		env, err := bootctl.Decode(r.file(layout.Env, c.Writes, bootctl.FileName))
		r.must(err)
		env.State, env.Revision = c.State, c.Revision
		r.put(layout.Env, c.Writes, bootctl.FileName, encode(r.t, env))
	}
	r.runs(c.Boots)
	return c
}

func (r *rig) file(role layout.Role, slot layout.Slot, name string) (data []byte) {
	r.t.Helper()
	r.must(r.l.with(role, slot, toRead, func(folder string) (err error) {
		data, err = os.ReadFile(filepath.Join(folder, name))
		return err
	}))
	return data
}

// update is an update that ends well, after which nothing is mounted anywhere.
func (r *rig) update() {
	r.t.Helper()
	if got := r.do("get-primary") + r.do("get-state", "A") + r.do("get-state", "B"); got != "A\ngood\nbad\n" {
		r.t.Errorf("before: %q", got)
	}
	r.do("set-state", "B", "bad")
	r.do("set-primary", "B")
	if c := r.start(); c.Boots != layout.B || c.Writes != layout.B {
		r.t.Errorf("the trial: %+v", c)
	}
	if got := r.file(layout.Boot, layout.B, bootctl.LabelName); !bytes.Equal(got, bootctl.Label(layout.B)) {
		r.t.Errorf("the boot partition is called %q", got)
	}
	r.do("set-state", "B", "good")
	if c := r.start(); c.Boots != layout.B || c.Writes != "" {
		r.t.Errorf("confirmed: %+v", c)
	}
	status := r.do("status")
	if strings.Count(status, "complete") != 2 {
		r.t.Errorf("%s", status)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	r.must(err)
	for label, node := range r.nodes {
		if strings.Contains(string(mounts), node+" ") {
			r.t.Errorf("%s is still mounted", label)
		}
		// Only what nobody has mounted, wherever, can be opened for oneself.
		f, err := os.OpenFile(node, os.O_RDWR|unix.O_EXCL, 0)
		if err != nil {
			r.t.Errorf("%s is still in use: %v", label, err)
			continue
		}
		r.must(f.Close())
	}
}

// cut does the changes of an update back to A, each cut at every sector that changes, on the partitions themselves.
func (r *rig) cut() {
	r.t.Helper()
	for _, words := range []string{"set-state A bad", "set-primary A"} {
		labels := []string{"BOOT-A", "ENV-A"} // in the order of their writes
		before := r.images(labels)
		old := r.next()
		r.do(strings.Fields(words)...)
		after, now := r.images(labels), r.next()
		for _, label := range labels {
			r.write(label, 0, before[label])
		}
		cuts := 0
		for _, label := range labels {
			for at := 0; at < len(before[label]); at += 512 {
				from, to := before[label][at:at+512], after[label][at:at+512]
				if bytes.Equal(from, to) {
					continue
				}
				for _, piece := range [][]byte{append(bytes.Clone(to[:256]), from[256:]...), to} {
					r.write(label, int64(at), piece)
					cuts++
					if c := r.next(); c != old && c != now {
						r.t.Errorf("%s, cut in sector %d of %s: %+v, neither %+v nor %+v", words, at/512, label, c, old, now)
					}
				}
			}
		}
		if cuts == 0 || old == now && words == "set-primary A" {
			r.t.Errorf("%s changes nothing: %d cuts, %+v", words, cuts, now)
		}
		r.t.Logf("%s: %d cuts, %+v, then %+v", words, cuts, old, now)
	}
}

// next is what a start would do now, without doing it.
func (r *rig) next() bootctl.Choice {
	r.t.Helper()
	return bootctl.Choose(r.file(layout.Env, layout.A, bootctl.FileName), r.file(layout.Env, layout.B, bootctl.FileName))
}

// images are the partitions' bytes.
func (r *rig) images(labels []string) map[string][]byte {
	r.t.Helper()
	all := map[string][]byte{}
	for _, label := range labels {
		data, err := os.ReadFile(r.nodes[label])
		r.must(err)
		all[label] = data
	}
	return all
}

func (r *rig) write(label string, at int64, data []byte) {
	r.t.Helper()
	f, err := os.OpenFile(r.nodes[label], os.O_WRONLY, 0)
	r.must(err)
	_, err = f.WriteAt(data, at)
	r.must(errors.Join(err, f.Sync(), f.Close()))
}

// known skips a test where the kernel cannot mount what it is about.
func known(t *testing.T, kind string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	for _, module := range []string{"loop", kind} {
		_ = exec.Command("modprobe", module).Run() // where it is a module; nothing follows from its failure
	}
	all, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(all), "\t"+kind+"\n") {
		t.Skipf("this kernel has no %s", kind)
	}
}

// loop makes a block device of a file.
func loop(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.Command("losetup", "-f", "--show", file).CombinedOutput()
	if err != nil {
		t.Skipf("there is no loop device: %v: %s", err, out)
	}
	node := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", node).CombinedOutput(); err != nil {
			t.Errorf("%s stays: %v: %s", node, err, out)
		}
	})
	return node
}

// fat unpacks what mkfs.vfat -F 16 -s 2 and mcopy made of an environment's file, a label and a kernel.
func fat(t *testing.T, file string) {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", "volume.fat.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unpacked)
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func ext4(t *testing.T, file string) {
	t.Helper()
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip("without mkfs.ext4 (package e2fsprogs) there is no such disk")
	}
	root := t.TempDir()
	for name, data := range map[string][]byte{
		bootctl.FileName: make([]byte, bootctl.FileSize), bootctl.LabelName: bootctl.Label(""), layout.Kernel: []byte("kernel\n"),
	} {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-d", root, file, "16M").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
