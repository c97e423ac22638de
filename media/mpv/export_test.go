package mpv

import (
	"context"
	"time"
)

import "bangtin/media"

// What is tested beside the exported names: parts that cannot be brought about from outside in reasonable time.
var (
	Backoff    = backoff
	NewMutter  = newMutter
	Connectors = connectors
	Shrink     = shrink
	ReadShot   = readShot
	OneLine    = oneLine
)

const ShownQueue = shownQueue

// Finish is finish.
func (p *Player) Finish(shown media.Shown) error { return p.finish(shown) }
func (o Options) Arguments() []string            { return o.arguments() }
func (o Options) Environment() []string          { return o.environment() }

// Rest is rest.
func (p *Player) Rest(ctx context.Context, d time.Duration) bool { return p.rest(ctx, d) }

// Nameplate is the ASS of a name.
func (t *Typesetter) Nameplate(text string, output Sheet, rotate int) (string, error) {
	plate, err := t.nameplate(text, output, rotate)
	return plate.events, err
}
