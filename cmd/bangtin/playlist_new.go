package main

import (
	"context"
	"strings"
	"time"

	"bangtin/media"
)

func (p *Program) playlistNew(o *options) action {
	id := o.text("id", say("short name of the playlist: 3 to 40 of a-z, 0-9 and -"))
	title := o.text("title", say("title for people"))
	audience := o.list("audience", say("display id, several times or with commas; * for all"))
	above := o.number("above", say("make its version higher than this one: the way out where a clock that was wrong made the last version too high for what came after"))
	return func(_ context.Context, dir string) error {
		if err := o.require("id", "title", "audience"); err != nil {
			return err
		}
		if *above < 0 || *above >= media.MaxVersion {
			return &problem{field: "--above", what: say("is not a version"), remedy: say("copy it from playlist show, or from what the display reports"), usage: true}
		}
		now := p.Now().UTC()
		d := &draft{dir: dir, playlist: &media.Playlist{
			ID: *id, Version: nextVersion(now, uint64(*above)), Title: *title, Created: now.Truncate(time.Second),
			Audience: strings.FieldsFunc(strings.Join(*audience, ","), func(r rune) bool { return r == ',' || r == ' ' }),
		}}
		if err := d.problemsBesides("items"); err != nil {
			return err
		}
		for _, file := range []string{d.draftFile(), d.envelopeFile()} {
			if there, err := exists(file); err != nil || there {
				if err == nil {
					err = &problem{field: dir, what: say("holds a playlist already"), remedy: say("choose another folder")}
				}
				return err
			}
		}
		if err := makeFolder(d.content()); err != nil {
			return err
		}
		if err := d.save(); err != nil {
			return err
		}
		p.tell(say("Playlist %s begun in %s. Next: bangtin playlist add %s", *id, dir, dir))
		return p.result(draftObject{Dir: dir, Playlist: d.playlist.ID, Version: d.playlist.Version})
	}
}
