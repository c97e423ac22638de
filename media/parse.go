package media

import (
	"fmt"

	"bangtin/internal/trust"
)

// Limits on a playlist, checked before or while it is parsed.
const (
	MaxPlaylist = 1 << 20 // bytes of the payload; 500 items are about 400 kB
	MaxItems    = 500
)

// ParsePlaylist reads the payload of a playlist envelope, or a draft of one, as strictly as [trust.DecodeJSON]. What
// the playlist says is for Validate to judge.
func ParsePlaylist(payload []byte) (*Playlist, error) {
	if len(payload) > MaxPlaylist {
		return nil, fmt.Errorf("cannot read playlist: %d bytes, at most %d", len(payload), MaxPlaylist)
	}
	p := new(Playlist)
	if err := trust.DecodeJSON(payload, p); err != nil {
		return nil, fmt.Errorf("cannot read playlist: %w", err)
	}
	return p, nil
}
