package mpv

import "bangtin/media"

// What is tested beside the exported names: parts that cannot be brought about from outside in reasonable time.
var (
	Backoff    = backoff
	NewMutter  = newMutter
	Connectors = connectors
)

const ShownQueue = shownQueue

// Finish is finish.
func (p *Player) Finish(shown media.Shown) error { return p.finish(shown) }
func (o Options) Arguments() []string            { return o.arguments(3) }
func (o Options) Environment() []string          { return o.environment() }
