package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bangtin/internal/pki/enrol"
	"bangtin/internal/site"
	"bangtin/internal/stick"
)

type stickObject struct {
	Folder string   `json:"folder"`
	Site   string   `json:"site"`
	Files  []string `json:"files"`
}

// A load is what lies on a stick, by its name there.
type load struct {
	name string
	data []byte
	mode fs.FileMode
}

func (p *Program) siteStick(o *options) action {
	file := o.text("site", say("the display's site file; its seal lies beside it"))
	document := o.text("trust", say("trust document that the display gets, or goes by already"))
	code := o.text("code", say("one-time code of bangtin center enrol, by which the display is let in"))
	return func(_ context.Context, dir string) error {
		if err := o.require("site", "trust"); err != nil {
			return err
		}
		loads, err := p.stickLoads(*file, *document, *code)
		if err != nil {
			return err
		}
		s, err := verifyLoads(loads, *file, *document)
		if err != nil {
			return p.stickRefused(*file, err)
		}
		folder := filepath.Join(dir, stick.Folder)
		if err := freeStick(dir, folder); err != nil {
			return err
		}
		if err := layOut(dir, folder, loads); err != nil {
			return err
		}
		read, err := readLoads(folder, loads)
		if err != nil {
			return err
		}
		if _, err := verifyLoads(read, filepath.Join(folder, stick.Site), filepath.Join(folder, stick.Trust)); err != nil {
			return p.stickRefused(folder, err)
		}
		p.tell(say("Stick of %s (%s): %s. It was verified as the display will do it.", s.ID, s.Gate, folder))
		if *code == "" {
			p.tell(say("Without --code the display is not let in by the centre: it shows its programme from sticks alone."))
		}
		p.tell(say("Next: eject the stick, put it in the display and switch that on."))
		return p.result(stickObject{Folder: folder, Site: s.ID, Files: names(loads)})
	}
}

// stickLoads gathers everything before anything is written.
func (p *Program) stickLoads(file, document, code string) ([]load, error) {
	text, err := readSiteFile(file)
	if err != nil {
		return nil, err
	}
	seal, err := readSmall(sealOf(file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &problem{field: sealOf(file), what: say("is missing"), remedy: say("seal the file first: bangtin site seal %s --key KEY", file), cause: err}
	}
	if err != nil {
		return nil, err
	}
	d, err := readSmall(document)
	if err != nil {
		return nil, err
	}
	loads := []load{{stick.Site, text, 0o600}, {stick.Seal, seal, 0o644}, {stick.Trust, d, 0o644}}
	if code == "" {
		return loads, nil
	}
	c, err := enrol.ParseCode(code)
	if err != nil {
		return nil, &problem{field: "--code", what: say("is not a code"), remedy: say("copy it from bangtin center enrol: eight groups of four"), cause: err, usage: true}
	}
	return append(loads, load{stick.Code, []byte(c.String() + "\n"), 0o600}), nil
}

// verifyLoads does what the display does with the first three.
func verifyLoads(loads []load, file, document string) (*site.Site, error) {
	d, err := parseTrust(document, loads[2].data)
	if err != nil {
		return nil, err
	}
	s, _, err := stick.Open(d, loads[1].data, loads[0].data, time.Time{})
	return s, refused(sealOf(file), err)
}

// stickRefused says what to do about a file and a seal that do not fit.
func (p *Program) stickRefused(file string, err error) error {
	if errors.Is(err, stick.ErrOther) {
		return &problem{field: sealOf(file), what: say("is not the seal of this file, which was changed since"), remedy: say("seal the file again: bangtin site seal %s --key KEY", file), cause: err}
	}
	var wrong *site.Error
	if errors.As(err, &wrong) {
		return p.tellSiteFindings(file, err)
	}
	return err
}

// freeStick refuses a place that is none, or taken.
func freeStick(dir, folder string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return unreadable(dir, err)
	}
	if !info.IsDir() {
		return &problem{field: dir, what: say("is not a folder"), remedy: say("give the folder at which the stick is mounted")}
	}
	there, err := exists(folder)
	if err == nil && there {
		err = &problem{field: folder, what: say("exists already and is never overwritten"), remedy: say("remove that folder from the stick, or take another stick")}
	}
	return err
}

// layOut writes the files into a folder of another name, which gets its own at the end: a display never sees half.
func layOut(dir, folder string, loads []load) (err error) {
	part, err := os.MkdirTemp(dir, ".bangtin-*.part")
	if err != nil {
		return unwritable(dir, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	for _, l := range loads {
		if err := writeNew(filepath.Join(part, l.name), l.data, l.mode); err != nil {
			return err
		}
	}
	if err := os.Chmod(part, 0o755); err != nil { // a temporary folder is its owner's alone
		return unwritable(part, err)
	}
	if err := os.Rename(part, folder); err != nil {
		return unwritable(folder, err)
	}
	if err := syncFolder(dir); err != nil {
		return unwritable(dir, err)
	}
	return nil
}

// readLoads reads from the stick what was written there.
func readLoads(folder string, loads []load) ([]load, error) {
	var read []load
	for _, l := range loads {
		path := filepath.Join(folder, l.name)
		data, err := readSmall(path)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(data, l.data) {
			return nil, &problem{field: path, what: say("is not on the stick as it was written"), remedy: say("take another stick")}
		}
		read = append(read, load{l.name, data, l.mode})
	}
	return read, nil
}

func names(loads []load) []string {
	var all []string
	for _, l := range loads {
		all = append(all, l.name)
	}
	return all
}
