package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"bangtin/internal/flash"
)

// imageSuffix ends the name of an image; the files that belong to it have others in its place.
const imageSuffix = ".img.zst"

// maxSums bounds the file of checksums, in bytes: it has about 100 for each of seven files.
const maxSums = 64 << 10

// maxWindow is what unpacking an image may take of memory, in bytes. At level 19 zstd looks back 8 MiB.
const maxWindow = 64 << 20

func (p *Program) flash(o *options) action {
	to := o.text("to", say("the medium, such as /dev/sdb; without it the media of this machine are listed"))
	yes := o.yes("yes", say("do not ask: everything on the medium is lost"))
	internal := o.yes("internal", say("write to a disk that is built in, too"))
	return func(ctx context.Context, image string) error {
		disks, err := flash.Disks("/")
		if err != nil {
			return &problem{field: "flash", what: say("cannot see the media of this machine"),
				remedy: say("use Linux, or on Windows what docs/cai-dat.md says"), cause: err}
		}
		if *to == "" {
			return p.tellDisks(disks)
		}
		job, err := p.openImage(ctx, image)
		if err != nil {
			return err
		}
		defer job.close()
		disk, err := chooseDisk(disks, *to, job.blocks.Size, *internal)
		if err != nil {
			return err
		}
		if !*yes {
			if err := p.confirmFlash(disk); err != nil {
				return err
			}
		}
		return p.writeImage(ctx, job, disk)
	}
}

// tellDisks lists what could be written to, and what could not.
func (p *Program) tellDisks(disks []flash.Disk) error {
	listed := []diskObject{}
	for _, d := range disks {
		about := []string{fmt.Sprintf("%.1f GB", float64(d.Bytes)/1e9), d.Model}
		if !d.Portable() {
			about = append(about, p.text(say("built in")))
		}
		if d.Locked {
			about = append(about, p.text(say("read-only")))
		}
		if len(d.Users) > 0 {
			about = append(about, p.text(say("in use: %s", strings.Join(d.Users, " "))))
		}
		fmt.Fprintf(p.Stdout, "%-14s %s\n", d.Path, strings.Join(about, ", "))
		listed = append(listed, diskObject{d.Path, d.Bytes, d.Model, d.Bus, d.Parts, d.Users, d.Locked})
	}
	p.tell(say("Name one of them: bangtin flash IMAGE --to /dev/…"))
	return p.result(disksObject{listed})
}

type disksObject struct {
	Disks []diskObject `json:"disks"`
}

type diskObject struct {
	Path   string   `json:"path"`
	Bytes  int64    `json:"bytes"`
	Model  string   `json:"model"`
	Bus    string   `json:"bus,omitempty"`
	Parts  []string `json:"partitions,omitempty"`
	Users  []string `json:"users,omitempty"`
	Locked bool     `json:"locked,omitempty"`
}

// chooseDisk finds the disk that was named, and refuses one that must not be written to.
func chooseDisk(disks []flash.Disk, path string, size int64, internal bool) (flash.Disk, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	for _, d := range disks {
		if d.Path != real {
			continue
		}
		switch {
		case len(d.Users) > 0:
			return d, &problem{field: path, what: say("is in use: %s", strings.Join(d.Users, " ")), remedy: say("check that it is the right one, and eject it first: umount %s*", d.Path)}
		case d.Locked:
			return d, &problem{field: path, what: say("is read-only"), remedy: say("slide its switch, or take another one")}
		case d.Bytes < size:
			return d, &problem{field: path, what: say("has %d bytes, and the image has %d", d.Bytes, size), remedy: say("take a larger one: 8 GB or more")}
		case !d.Portable() && !internal:
			return d, &problem{field: path, what: say("is built into this machine"), remedy: say("check that it is the right one, and add --internal")}
		}
		return d, nil
	}
	return flash.Disk{}, &problem{field: path, what: say("is not a whole disk of this machine"), remedy: say("list them: bangtin flash IMAGE")}
}

// confirmFlash has the person read what is lost.
func (p *Program) confirmFlash(d flash.Disk) error {
	if len(d.Parts) > 0 {
		p.say(say("There are partitions on %s: %s", d.Path, strings.Join(d.Parts, ", ")))
	}
	err := p.agree(say("Everything on %s (%s, %s) will be lost. Write to it? [y/N] ", d.Path, d.Model, fmt.Sprintf("%.1f GB", float64(d.Bytes)/1e9)),
		say("give --yes once you are sure of the medium"))
	if errors.Is(err, errNotAgreed) {
		return &problem{field: d.Path, what: say("was not written to: the answer was not y"), remedy: say("nothing was changed")}
	}
	return err
}

// An imageJob is an image that was checked and can be written.
type imageJob struct {
	file   *os.File
	blocks *flash.Map
	name   string
	sum    string
}

func (j *imageJob) close() { _ = j.file.Close() } // it was read alone

// openImage checks an image and its block map against the checksums beside them.
func (p *Program) openImage(ctx context.Context, path string) (*imageJob, error) {
	base, ok := strings.CutSuffix(path, imageSuffix)
	if !ok {
		return nil, &problem{field: path, what: say("is no image: its name does not end in %s", imageSuffix), remedy: say("give bangtin-VERSION-amd64.img.zst"), usage: true}
	}
	sums, err := readSums(base + ".sha256")
	if err != nil {
		return nil, err
	}
	table, err := os.ReadFile(base + ".bmap")
	if err != nil {
		return nil, unreadable(base+".bmap", err)
	}
	tableSum := sha256.Sum256(table)
	if sums[filepath.Base(base+".bmap")] != hex.EncodeToString(tableSum[:]) {
		return nil, damaged(base + ".bmap")
	}
	blocks, err := flash.ParseMap(table)
	if err != nil {
		return nil, &problem{field: base + ".bmap", what: say("cannot be used"), remedy: say("download it again"), cause: err}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	sum, err := sumOf(ctx, file)
	if err != nil {
		return nil, errors.Join(unreadable(path, err), file.Close())
	}
	if sums[filepath.Base(path)] != sum {
		return nil, errors.Join(damaged(path), file.Close())
	}
	p.tell(say("%s: whole, SHA-256 %s", filepath.Base(path), sum))
	return &imageJob{file: file, blocks: blocks, name: filepath.Base(path), sum: sum}, nil
}

func damaged(path string) error {
	return &problem{field: path, what: say("is not what its checksum says: it was damaged or changed"), remedy: say("download it again")}
}

// readSums reads lines of sha256sum.
func readSums(path string) (map[string]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &problem{field: path, what: say("is not there: without it nobody knows whether the image is whole"), remedy: say("put the files .sha256 and .bmap beside the image"), cause: err}
	}
	if info.Size() > maxSums {
		return nil, damaged(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	sums := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 {
			sums[f[1]] = f[0]
		}
	}
	return sums, nil
}

func sumOf(ctx context.Context, file *os.File) (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, &stoppable{ctx, file}); err != nil {
		return "", err
	}
	_, err := file.Seek(0, io.SeekStart)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// stoppable ends when the person does not want any more.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

func (p *Program) writeImage(ctx context.Context, job *imageJob, disk flash.Disk) (err error) {
	unpacked, err := zstd.NewReader(job.file, zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer unpacked.Close()
	medium, err := flash.OpenMedium(disk)
	if errors.Is(err, flash.ErrSwapped) {
		return &problem{field: disk.Path, what: say("is another medium by now"), remedy: say("list them anew: bangtin flash IMAGE"), cause: err}
	}
	if err != nil {
		return &problem{field: disk.Path, what: say("cannot be opened"), remedy: say("use sudo; no other program may use the medium"), cause: err}
	}
	began := time.Now()
	writing, reading := p.bar(say("writing")), p.bar(say("reading back"))
	err = flash.Write(ctx, medium, unpacked, job.blocks, writing, reading)
	fmt.Fprint(p.progress(), "\r\x1b[K")
	if err := errors.Join(err, medium.Close()); err != nil {
		return p.explainFlash(disk, err)
	}
	p.tell(say("%s is on %s, and was read back. It took %s.", job.name, disk.Path, time.Since(began).Round(time.Second)))
	p.tell(say("Next: put it into the controller, plug in the stick of bangtin site stick, switch on."))
	return p.result(flashObject{job.name, job.sum, disk.Path, job.blocks.Mapped()})
}

type flashObject struct {
	Image  string `json:"image"`
	SHA256 string `json:"sha256"` // of the file as it was downloaded
	Disk   string `json:"disk"`
	Bytes  int64  `json:"bytes"` // written and read back
}

func (p *Program) explainFlash(disk flash.Disk, err error) error {
	switch {
	case errors.Is(err, flash.ErrMedium):
		return &problem{field: disk.Path, what: say("does not hold what was written to it"), remedy: say("take another medium: this one is worn out, or smaller than it says"), cause: err}
	case errors.Is(err, flash.ErrImage):
		return &problem{field: "flash", what: say("the image is not the one of its block map"), remedy: say("download all its files again"), cause: err}
	}
	return &problem{field: disk.Path, what: say("was not written to its end, and cannot be started"), remedy: say("write to it again, or take another medium"), cause: err}
}

// bar shows how far it is, where somebody looks: once a second.
func (p *Program) bar(what phrase) flash.Progress {
	to := p.progress()
	var began, told time.Time
	var first int64
	return func(done, all int64) {
		now := time.Now()
		if began.IsZero() {
			began, told, first = now, now, done
		}
		if now.Sub(told) < time.Second {
			return
		}
		told = now
		rate := float64(done-first) / now.Sub(began).Seconds()
		left := time.Duration(float64(all-done) / rate * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(to, "\r\x1b[K%s: %d %%, %.0f MB/s, %s", p.text(what), done*100/max(all, 1), rate/1e6, left)
	}
}
