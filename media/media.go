// Package media decides what may be shown and keeps it ready: the playlist and its approval, the content store,
// the airtime schedule and the proof of play. Package media/mpv puts it on the output.
package media

import "time"

// A Clip is one approved item whose file is verified and ready to be shown.
type Clip struct {
	Playlist string // id of the playlist
	Version  uint64 // of the playlist
	Item     Item
	Path     string // absolute, of the verified file in the store; empty for a text item, which the player sets itself
	SHA256   string // of the file, or of the text's canonical JSON, in lower-case hex
}

// A Programme is what the player repeats: the clips of one playlist, in order.
type Programme struct {
	Playlist string
	Version  uint64
	Clips    []Clip
}

// PlayerState is what the player can say of itself.
type PlayerState string

const (
	PlayerStarting PlayerState = "starting" // the process is being started or has not shown a frame yet
	PlayerPlaying  PlayerState = "playing"  // an approved clip is on the output
	PlayerStalled  PlayerState = "stalled"  // runs, but position or heartbeat stands still
	PlayerDown     PlayerState = "down"     // no process, or it does not answer
	PlayerSlate    PlayerState = "slate"    // the built-in picture is on the output
)

// Playing is the newest observation of the player.
type Playing struct {
	State     PlayerState
	Playlist  string
	Version   uint64
	Item      string
	PositionS float64   // seconds into the clip, by mpv for video, by the clock for stills and texts
	Since     time.Time // when the clip's first frame was reported
	At        time.Time // when this was observed; an old one is worth nothing
	Detail    string    // one English line: the last error, or empty
}

// Shown is one finished showing of a clip.
type Shown struct {
	Clip     Clip
	Start    time.Time     // first frame reported
	Duration time.Duration // seen on the output
	Complete bool          // ran to its planned end
}
