package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strings"
	"time"

	"bangtin/media"
)

// itemSeconds is how long a picture or a text is shown where nobody says otherwise.
const itemSeconds = 10

// additions are the options of playlist add.
type additions struct {
	picture, video                        *string
	text, nonSecret                       *bool
	heading, body, foreground, background *string
	id, title, category, language         *string
	seconds                               *int
	from, until                           *string
	sourceType, organisation, document    *string
	contributor, rights, editor, approver *string
	fonts                                 *string
}

func (p *Program) playlistAdd(o *options) action {
	a := &additions{
		picture:      o.text("picture", say("PNG or JPEG file to show")),
		video:        o.text("video", say("MP4 or WebM file to show")),
		text:         o.yes("text", say("show a text, given with --heading and --body")),
		heading:      o.text("heading", say("heading of the text, one line")),
		body:         o.text("body", say("body of the text; a line end begins a paragraph")),
		foreground:   o.text("foreground", say("colour of the letters (#ffffff)")),
		background:   o.text("background", say("colour behind the letters (#003366)")),
		id:           o.text("id", say("short name of the item (item-1, item-2, …)")),
		title:        o.text("title", say("title for people")),
		category:     o.text("category", say("country-promotion, integration-achievements, border-rules, sea-islands, essential-info, economy-investment or foreign-affairs")),
		language:     o.text("language", say("vi, en, km, or zxx for no words")),
		seconds:      o.number("seconds", say("how long a picture or text is shown (10); a video's length is measured")),
		from:         o.text("from", say("not shown before this time")),
		until:        o.text("until", say("not shown after this time")),
		sourceType:   o.text("source-type", say("agency, press or censored")),
		organisation: o.text("organisation", say("organisation it comes from")),
		document:     o.text("document", say("number of the document that carries or clears it")),
		contributor:  o.text("contributor", say("who is liable and paid for it")),
		rights:       o.text("rights", say("licence or agreement under which it is shown")),
		editor:       o.text("editor", say("person who edited it")),
		approver:     o.text("approver", say("short name of the person who approves and signs it, never the editor")),
		nonSecret:    o.yes("non-secret", say("declare that it holds no state secret")),
		fonts:        o.fonts(),
	}
	return func(ctx context.Context, dir string) error {
		d, err := openDraft(dir)
		if err != nil {
			return err
		}
		if err := d.changeable(); err != nil {
			return err
		}
		return p.add(ctx, d, a)
	}
}

// add puts the file in place before the draft names it, and neither when something is wrong with the item.
func (p *Program) add(ctx context.Context, d *draft, a *additions) error {
	item, err := p.describe(a)
	if err != nil {
		return err
	}
	if item.ID == "" {
		item.ID = freeID(d.playlist)
	}
	if err := p.checkLetters([]media.Item{*item}, *a.fonts); err != nil {
		return err
	}
	var file *stowed
	if item.Kind != media.TextCard {
		if file, err = p.takeFile(ctx, d, a, item); err != nil {
			return err
		}
		defer file.discard() // once kept there is nothing left under the temporary name
	}
	d.playlist.Items = append(d.playlist.Items, *item)
	if err := d.problemsBesides(""); err != nil {
		return err
	}
	if file != nil {
		if err := file.keep(); err != nil {
			return err
		}
	}
	if err := d.save(); err != nil {
		return err
	}
	p.tell(say("Item %d added: %s, %d s", len(d.playlist.Items), item.ID, item.Seconds))
	return p.result(itemObject{Dir: d.dir, Item: item.ID, Number: len(d.playlist.Items), Seconds: item.Seconds})
}

// describe fills in everything but the file.
func (p *Program) describe(a *additions) (*media.Item, error) {
	item := &media.Item{
		ID: *a.id, Title: *a.title, Category: media.Category(*a.category), Language: media.Language(*a.language),
		Seconds:     *a.seconds,
		Source:      media.Source{Type: media.SourceType(*a.sourceType), Organisation: *a.organisation, Document: *a.document},
		Contributor: *a.contributor, Rights: *a.rights, Editor: *a.editor, Approver: *a.approver, NonSecret: *a.nonSecret,
	}
	kinds := 0
	if *a.picture != "" {
		item.Kind, kinds = media.Picture, kinds+1
	}
	if *a.video != "" {
		item.Kind, kinds = media.Video, kinds+1
	}
	if *a.text {
		item.Kind, kinds = media.TextCard, kinds+1
		item.Text = &media.Text{
			Heading: *a.heading, Body: *a.body,
			Foreground: or(*a.foreground, "#ffffff"), Background: or(*a.background, "#003366"),
		}
	}
	if kinds != 1 {
		return nil, &problem{field: "--picture, --video, --text", what: say("one of them is needed, and only one"),
			remedy: say("add one item at a time"), usage: true}
	}
	if item.Seconds == 0 && item.Kind != media.Video {
		item.Seconds = itemSeconds
	}
	var err error
	if item.From, err = p.optionalTime("--from", *a.from); err != nil {
		return nil, err
	}
	item.Until, err = p.optionalTime("--until", *a.until)
	return item, err
}

func (p *Program) optionalTime(option, s string) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	t, err := p.when(option, s)
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// takeFile copies the picture or video into the draft and describes it in the item.
func (p *Program) takeFile(ctx context.Context, d *draft, a *additions, item *media.Item) (*stowed, error) {
	path, option, limit := *a.picture, "--picture", int64(media.MaxPicture)
	if item.Kind == media.Video {
		path, option, limit = *a.video, "--video", media.MaxVideo
	}
	s, err := stow(path, d.content(), limit)
	if err != nil {
		return nil, err
	}
	if err := p.examine(ctx, s, option, path, item); err != nil {
		s.discard()
		return nil, err
	}
	item.File = &s.file
	return s, nil
}

// examine looks at the copy, so that what is examined is what is kept.
func (p *Program) examine(ctx context.Context, s *stowed, option, path string, item *media.Item) error {
	if !strings.HasPrefix(s.file.Type, map[media.ItemKind]string{media.Picture: "image/", media.Video: "video/"}[item.Kind]) || s.file.Type == "" {
		return &problem{field: option + " " + path, what: say("is not a file of this kind"),
			remedy: say("pictures are PNG or JPEG, videos MP4 or WebM; convert it")}
	}
	if item.Kind == media.Picture {
		if err := wholePicture(s.temp); err != nil {
			return &problem{field: option + " " + path, what: say("is damaged or has too many pixels"),
				remedy: say("save the picture anew, at most %d pixels wide and high", media.MaxSide), cause: err}
		}
		return nil
	}
	length, err := p.Probe(ctx, s.temp)
	if errors.Is(err, exec.ErrNotFound) {
		if item.Seconds == 0 {
			return &problem{field: "--seconds", what: say("is missing, and ffprobe is not installed to measure the video"),
				remedy: say("give the video's length in seconds, rounded up, or install ffmpeg"), usage: true}
		}
		return nil
	}
	if err != nil {
		return &problem{field: option + " " + path, what: say("is not a video that can be measured"), remedy: say("convert it to MP4 or WebM anew"), cause: err}
	}
	measured := int(math.Ceil(length.Seconds()))
	if item.Seconds != 0 && item.Seconds != measured {
		return &problem{field: "--seconds", what: say("is %d, but the video takes %d", item.Seconds, measured), remedy: say("leave --seconds out")}
	}
	item.Seconds = measured
	return nil
}

// freeID is the first of item-1, item-2, … that no item has.
func freeID(p *media.Playlist) string {
	taken := map[string]bool{}
	for _, it := range p.Items {
		taken[it.ID] = true
	}
	n := 1
	for taken[fmt.Sprintf("item-%d", n)] {
		n++
	}
	return fmt.Sprintf("item-%d", n)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
