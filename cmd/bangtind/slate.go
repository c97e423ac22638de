package main

import (
	"context"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// nameWithin is how long the first picture of a new display may wait for its gate's name to be drawn.
const nameWithin = 10 * time.Second

// slatePicture is what the display shows while it has nothing better: the plain picture that is part of this program, or,
// where there is no programme yet, its gate's name. It is drawn at each such start and never kept: what is read from
// a disk and shown has a signature. It is never an error.
func (d *display) slatePicture(ctx context.Context, opt mpv.Options) []byte {
	if d.library.Holds() || opt.Video == mpv.VideoNull {
		return media.SlatePNG()
	}
	ctx, cancel := context.WithTimeout(ctx, nameWithin)
	defer cancel()
	page, err := mpv.NamePage(ctx, opt, d.site.Gate)
	if err != nil {
		d.log.Warn("the slate has no name", "err", err)
		return media.SlatePNG()
	}
	return page
}
