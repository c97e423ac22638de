package mpv

import (
	"context"
	"fmt"
	"os"

	"bangtin/media"
)

// NamePage draws the picture of a display that has no programme: its gate's name, and a welcome in three languages, white
// on the slate's blue. It is a PNG as large as texts are. It takes what drawing a text takes: 0.3 s on a PC, seconds on a small board, 15 s at most;
// and it needs the fonts. It must not run beside a Player with the same runtime folder.
func NamePage(ctx context.Context, opt Options, name string) ([]byte, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	path, err := newPress(opt).find(ctx, media.Text{
		Heading: oneLine(name), Body: "Chào mừng quý khách\nWelcome\nសូមស្វាគមន៍", Foreground: "#ffffff", Background: "#0b2a4a",
	})
	if err != nil {
		return nil, fmt.Errorf("cannot draw the name of the gate: %w", err)
	}
	return os.ReadFile(path)
}
