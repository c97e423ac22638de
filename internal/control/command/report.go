package command

import (
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// A Report is what the department needs to know of a controller that it cannot see. It holds no secret: no key, no
// certificate, no file's content.
type Report struct {
	At         time.Time         `json:"at"` // UTC, by the display's clock
	Device     string            `json:"device"`
	Version    string            `json:"version"`     // of the daemon
	System     string            `json:"system"`      // the kernel's name and release
	Run        time.Duration     `json:"run_ns"`      // since the daemon's start
	Uptime     time.Duration     `json:"uptime_ns"`   // since the kernel's start
	State      wire.State        `json:"state"`       // as reported, alarms and outbox included
	Trust      uint64            `json:"trust"`       // version of the trust document that stands
	DiskFree   int64             `json:"disk_free"`   // bytes below the data folder
	Memory     int64             `json:"memory"`      // bytes that the daemon has from the system
	MemoryFree int64             `json:"memory_free"` // bytes that nobody uses
	Missing    []string          `json:"missing"`     // SHA-256 of files that playlists lack
	Lacking    map[string]string `json:"lacking"`     // what the daemon does without, by code
	Incidents  []journal.Record  `json:"incidents"`   // the newest first
	Problems   []string          `json:"problems"`    // what could not be found out
}
