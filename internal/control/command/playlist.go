package command

import (
	"context"
	"time"

	"bangtin/internal/wire"
)

const (
	acceptWithin = time.Minute      // for the playlist itself to come: it is sent beside the command, over the same link
	playlistMost = 30 * time.Minute // for its files
)

// PlaylistEvidence is what plays, and what was still missing.
type PlaylistEvidence struct {
	Playlist string `json:"playlist,omitempty"` // id@version that plays
	Item     string `json:"item,omitempty"`
	Missing  int    `json:"missing,omitempty"` // files that the accepted playlist lacks
	First    string `json:"first,omitempty"`   // of them: its SHA-256
}

// playlist hurries the accepted playlist along and waits until an item of it plays.
func (c *Commands) playlist(ctx context.Context, cmd *wire.Command, beat func()) outcome {
	args, err := cmd.Playlist()
	if err != nil {
		return failed("unreadable", nil)
	}
	began := time.Now()
	limit := min(playlistMost, max(cmd.Expires.Sub(c.cfg.Clock.Certain()), acceptWithin))
	c.cfg.Library.Hurry()
	for {
		beat()
		name, current := c.cfg.Library.Standing(args.Digest)
		player := c.cfg.Display.State().Player
		evidence := PlaylistEvidence{Playlist: player.Playlist, Item: player.Item}
		passed := time.Since(began)
		switch {
		case current && player.State == "playing" && player.Playlist == name:
			return done(evidence)
		case name == "" && passed > acceptWithin:
			return failed("not-accepted", evidence)
		case passed > limit && current:
			return failed("not-playing", evidence)
		case passed > limit:
			return c.lacking(evidence)
		}
		if !next(ctx, c.cfg.Display, nil) {
			return outcome{}
		}
	}
}

// lacking tells a playlist that waits for its files from one that waits for its days.
func (c *Commands) lacking(evidence PlaylistEvidence) outcome {
	missing := c.cfg.Library.Missing()
	if len(missing) == 0 {
		return failed("not-due", evidence)
	}
	evidence.Missing, evidence.First = len(missing), missing[0].SHA256
	return failed("files-missing", evidence)
}
