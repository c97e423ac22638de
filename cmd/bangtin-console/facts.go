package main

import (
	"time"

	"bangtin/internal/control/local"
	"bangtin/internal/notice"
)

// Facts is all that the page shows. What is not known is empty.
type Facts struct {
	Now      time.Time // of the system's clock
	Version  string
	Released time.Time
	Slot     string // A or B

	Daemon    *Daemon // nil when it does not answer
	DaemonWhy string  // why not

	Notices    []notice.Notice
	NoticesBad bool // some cannot be read

	Failed    []string // units; nil where nobody knows which
	FailedWhy string   // why nobody does

	Addresses []Address // nil where nobody knows
	Data      *Disk
	Uptime    time.Duration // of the kernel; 0 when it is not known
	Silent    []text        // sources that did not answer in time
}

// Daemon is what it says of the display.
type Daemon struct {
	State
	local.Here
}

// State is what the page reads of the reported state, which is wire.State: docs/schemas/state.json. What is new in it
// does no harm.
type State struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	Gate    string    `json:"gate"`
	Time    struct {
		Trust string `json:"trust"`
	} `json:"time"`
	Want struct {
		Panel  string `json:"panel"`
		Show   string `json:"show"`
		Rule   string `json:"rule"`
		Reason string `json:"reason"`
	} `json:"want"`
	Panel struct {
		Power      string     `json:"power"`
		VerifiedAt *time.Time `json:"verified_at"`
		Error      string     `json:"error"`
	} `json:"panel"`
	Player struct {
		State    string `json:"state"`
		Playlist string `json:"playlist"`
		Item     string `json:"item"`
	} `json:"player"`
	Airtime struct {
		RequiredS   int64 `json:"required_s"`
		DeliveredS  int64 `json:"delivered_s"`
		UnverifiedS int64 `json:"unverified_s"`
	} `json:"airtime"`
	Mains        *bool `json:"mains"`
	Temperatures []struct {
		Sensor  string   `json:"sensor"`
		Celsius *float64 `json:"celsius"`
	} `json:"temperatures"`
	Outbox struct {
		Depth uint64 `json:"depth"`
	} `json:"outbox"`
	Alarms []string `json:"alarms"`
}

// An Address is a network interface with what it has.
type Address struct {
	Interface string
	Up        bool // its cable is in, or it is connected
	IPs       []string
}

// A Disk is the room for data. Whether it can be written a notice says (D02): this program's sandbox shows all as read-only.
type Disk struct {
	Free, Total uint64 // bytes
	Memory      bool   // it is no disk: what is written is gone with the power
	Missing     bool   // /data is a folder of the root
}
