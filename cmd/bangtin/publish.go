package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bangtin/internal/wire"
	"bangtin/media"
)

func (p *Program) playlistPublish(o *options) action {
	trustFile := o.text("trust", say("trust document to check the signatures against"))
	displays := o.list("display", say("only to these displays of its audience; several times or with commas"))
	wait := o.yes("wait", say("follow the playlist until each display plays it"))
	timeout := o.text("timeout", say("how long to wait (10m)"))
	center := o.center()
	return func(ctx context.Context, path string) error {
		if err := o.require("trust"); err != nil {
			return err
		}
		limit, err := span("--timeout", *timeout, 10*time.Minute, maxWait)
		if err != nil {
			return err
		}
		d, err := openExport(path)
		if err != nil {
			return err
		}
		raw, _, err := approved(d, *trustFile)
		if err != nil {
			return err
		}
		if err := d.playlist.Validate(); err != nil {
			return err
		}
		targets, err := targetsOf(d.playlist.Audience, *displays)
		if err != nil {
			return err
		}
		c, err := p.openAccess(*center)
		if err != nil {
			return err
		}
		uploaded, err := p.bring(ctx, c, d)
		if err != nil {
			return err
		}
		e := &edition{p: p, goal: playing(d.version()), digest: d.digest(), raw: raw, targets: targets, uploaded: uploaded,
			topic: wire.Topics.DesiredPlaylist, filters: []string{wire.AllConn, wire.AllState}}
		if *wait {
			e.wait = limit
		}
		return e.publish(ctx, c)
	}
}

// openExport opens the folder that playlist export wrote, or its playlist.json.
func openExport(path string) (*draft, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info.IsDir() {
		return openDraft(path)
	}
	if filepath.Base(path) != filepath.Base(envelopeIn("")) {
		return nil, &problem{field: path, what: say("is not the folder of a playlist"), remedy: say("give the folder that playlist export wrote, or its playlist.json")}
	}
	return openDraft(filepath.Dir(path))
}

// targetsOf is who gets the playlist: nil stands for every display that the broker has heard of.
func targetsOf(audience, only []string) ([]string, error) {
	named, err := displaysOf(only)
	if err != nil {
		return nil, err
	}
	everyone := slices.Equal(audience, []string{wire.Everyone})
	for _, d := range named {
		if !everyone && !slices.Contains(audience, d) {
			return nil, &problem{field: "--display", what: say("%s is not in the playlist's audience", d), remedy: say("name displays of its audience, or leave --display out"), usage: true}
		}
	}
	switch {
	case len(named) > 0:
		return named, nil
	case everyone:
		return nil, nil
	}
	return slices.Sorted(slices.Values(audience)), nil
}

// bring uploads the files that the centre lacks, and returns how many.
func (p *Program) bring(ctx context.Context, c *access, d *draft) (uploaded int, err error) {
	depot, err := p.openDepot(c)
	if err != nil {
		return 0, err
	}
	files := d.playlist.Files()
	for i, f := range files {
		there, err := depot.there(ctx, f)
		if err != nil {
			return uploaded, p.notBrought(c, f, err)
		}
		if there {
			p.tell(say("File %d of %d is at the centre already.", i+1, len(files)))
			continue
		}
		path := contentFile(d.dir, f.SHA256)
		if err := checkFile(path, f); err != nil {
			return uploaded, err
		}
		if err := depot.put(ctx, path, f); err != nil {
			return uploaded, p.notBrought(c, f, err)
		}
		uploaded++
		p.tell(say("File %d of %d uploaded, %d kB.", i+1, len(files), (f.Size+1023)/1024))
	}
	return uploaded, nil
}

func (p *Program) notBrought(c *access, f media.File, err error) error {
	return &problem{field: c.Content + f.SHA256, what: say("was not taken by the centre; nothing was published"),
		remedy: say("try again: what is there already is not sent twice"), cause: err}
}

// An edition is something signed that displays shall hold until it is replaced, on its way to them.
type edition struct {
	p        *Program
	goal     arrival
	digest   string
	raw      []byte
	targets  []string // nil: every display that the broker has heard of
	uploaded int
	topic    func(wire.Topics) string
	filters  []string
	wait     time.Duration // 0: do not

	wall *wall
}

func (e *edition) publish(ctx context.Context, c *access) error {
	e.wall = newWall(e.p.Now)
	ctx, cancel := context.WithCancel(ctx)
	l, err := e.p.dial(ctx, c, e.filters, e.wall.hear)
	if err != nil {
		cancel()
		return err
	}
	defer l.hangUp()
	defer cancel()
	if e.targets == nil {
		settle(ctx, e.p.Patience.defaults().Settle, e.wall.keptSoFar)
		e.targets = e.wall.seen()
	}
	if len(e.targets) == 0 {
		return &problem{field: "--display", what: say("the broker has not heard of any display"), remedy: say("name the displays with --display: they get it when they come")}
	}
	for _, d := range e.targets {
		topics, err := wire.NewTopics(d)
		if err != nil {
			return err
		}
		if err := l.link.Publish(ctx, e.topic(topics), true, e.raw); err != nil {
			return &problem{field: d, what: say("cannot be sent the message"), remedy: say("try again: nothing breaks by doing it twice"), cause: err}
		}
	}
	e.p.tell(say("Published for %d displays: %s", len(e.targets), strings.Join(e.targets, " ")))
	if e.wait == 0 {
		return e.p.result(publishObject{SHA256: e.digest, Published: e.targets, Uploaded: e.uploaded})
	}
	waiting, stop := context.WithTimeout(ctx, e.wait)
	defer stop()
	e.follow(waiting, l)
	return e.tellEnds()
}

// follow tells of each display when the edition is there, until it is at all or ctx ends.
func (e *edition) follow(ctx context.Context, l *line) {
	told := map[string]bool{}
	for ctx.Err() == nil {
		for _, d := range e.targets {
			if told[d] || !e.reached(d) {
				continue
			}
			told[d] = true
			e.p.tell(e.goal.there(d))
		}
		if len(told) == len(e.targets) {
			return
		}
		select {
		case <-e.wall.wake:
		case <-l.broke: // the line is made anew by itself, and the broker brings what it keeps
		case <-ctx.Done():
		}
	}
}

func (e *edition) reached(display string) bool {
	s, ok := e.wall.sight(display)
	return ok && s.state != nil && e.goal.shownBy(s.state)
}

// A publishObject is the result of a publish. Waited is left out where nobody waited.
type publishObject struct {
	SHA256    string       `json:"sha256"`
	Uploaded  int          `json:"uploaded"`
	Published []string     `json:"published"`
	Waited    *waitsObject `json:"waited,omitempty"`
}

type waitsObject struct {
	Playing []string    `json:"playing,omitzero"` // a playlist
	Holding []string    `json:"holding,omitzero"` // a trust document
	Open    []notObject `json:"open"`
}

type notObject struct {
	Display string `json:"display"`
	Why     string `json:"why"`
}

// tellEnds lists where it is not yet, and why as far as states tell.
func (e *edition) tellEnds() error {
	w := waitsObject{Open: []notObject{}}
	there := []string{}
	for _, d := range e.targets {
		if e.reached(d) {
			there = append(there, d)
			continue
		}
		why := e.p.text(e.why(d))
		e.p.tell(e.goal.open(d, why))
		w.Open = append(w.Open, notObject{d, why})
	}
	e.p.tell(e.goal.sum(len(there), len(w.Open)))
	e.goal.list(&w, there)
	if err := e.p.result(publishObject{SHA256: e.digest, Uploaded: e.uploaded, Published: e.targets, Waited: &w}); err != nil {
		return err
	}
	if len(w.Open) > 0 {
		return exit(exitOpen)
	}
	return nil
}

func (e *edition) why(display string) phrase {
	s, ok := e.wall.sight(display)
	switch {
	case !ok || s.conn == "":
		return say("the broker has never heard of it; it gets it when it comes")
	case s.conn != wire.Online:
		return say("it is offline; it gets it when it comes back")
	case s.state == nil:
		return say("it is online and has told no state")
	}
	return e.goal.why(e.p, s.state)
}
