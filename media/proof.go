package media

import "bangtin/internal/journal"

// Play is the proof of play for a finished showing. Panel is "on", "unverified" or "off", the worst that the panel
// was while it ran.
func Play(s Shown, panel string) journal.Play {
	return journal.Play{
		Playlist:  s.Clip.Playlist,
		Version:   s.Clip.Version,
		Item:      s.Clip.Item.ID,
		SHA256:    s.Clip.SHA256,
		Category:  string(s.Clip.Item.Category),
		Language:  string(s.Clip.Item.Language),
		Start:     s.Start.UTC(),
		DurationS: s.Duration.Seconds(),
		Complete:  s.Complete,
		Panel:     panel,
	}
}
