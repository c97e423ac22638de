package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"bangtin/internal/wire"
	"bangtin/media"
)

const (
	// restartWithin is how long a player may take to show a picture again.
	restartWithin = time.Minute
	// restartLook is how often it is looked at meanwhile: mpv takes longer to come up.
	restartLook = 20 * time.Millisecond
)

// PlayerEvidence is what the player was seen to do.
type PlayerEvidence struct {
	State string `json:"state"` // starting, playing, stalled, down or slate
	Item  string `json:"item,omitempty"`
	Text  string `json:"text,omitempty"` // that was put over it
	Error string `json:"error,omitempty"`
}

// FileEvidence is what was sent to the centre.
type FileEvidence struct {
	Name   string `json:"name,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int    `json:"bytes,omitempty"`
	Error  string `json:"error,omitempty"`
}

func (c *Commands) identify(cmd *wire.Command) outcome {
	args, err := cmd.Identify()
	if err != nil {
		return failed("unreadable", nil)
	}
	now := c.cfg.Player.Playing()
	evidence := PlayerEvidence{State: string(now.State), Item: now.Item, Text: c.cfg.Gate}
	if !showing(now) {
		evidence.Error = now.Detail
		return failed("player-down", evidence)
	}
	if err := c.cfg.Player.Identify(c.cfg.Gate, time.Duration(args.Seconds)*time.Second); err != nil {
		evidence.Error = err.Error()
		return failed("player-refused", evidence)
	}
	return done(evidence)
}

// showing holds for a player that puts something out.
func showing(p media.Playing) bool {
	return p.State == media.PlayerPlaying || p.State == media.PlayerSlate
}

// restartPlayer is done when the player has been gone and shows something again. It asks until the player is gone: one that
// was restarted a moment ago takes the next wish for the same one.
func (c *Commands) restartPlayer(ctx context.Context, beat func()) outcome {
	tick := time.NewTicker(restartLook)
	defer tick.Stop()
	limit := time.NewTimer(restartWithin)
	defer limit.Stop()
	for gone := false; ; {
		beat()
		if !gone {
			c.cfg.Player.Restart()
		}
		now := c.cfg.Player.Playing()
		gone = gone || !showing(now)
		evidence := PlayerEvidence{State: string(now.State), Item: now.Item, Error: now.Detail}
		if gone && showing(now) {
			return done(evidence)
		}
		select {
		case <-tick.C:
		case <-limit.C:
			if !gone {
				return failed("not-restarted", evidence)
			}
			return failed("player-down", evidence)
		case <-ctx.Done():
			return outcome{}
		}
	}
}

func (c *Commands) screenshot(ctx context.Context, cmd *wire.Command) outcome {
	picture, err := c.cfg.Player.Screenshot(ctx)
	if err != nil {
		return failed("no-picture", FileEvidence{Error: err.Error()})
	}
	return c.send(ctx, cmd.ID+".jpg", picture)
}

// send uploads what a command asked for.
func (c *Commands) send(ctx context.Context, name string, content []byte) outcome {
	sum := sha256.Sum256(content)
	evidence := FileEvidence{Name: name, SHA256: hex.EncodeToString(sum[:]), Bytes: len(content)}
	if c.cfg.Sender == nil {
		evidence.Error = "the site file has no [content]"
		return failed("no-upload", evidence)
	}
	if err := c.cfg.Sender.Send(ctx, name, content); err != nil {
		evidence.Error = err.Error()
		return failed("not-uploaded", evidence)
	}
	return done(evidence)
}
