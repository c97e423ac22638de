// Package journal holds the words of what a controller remembers: record types, the closed list of causes of
// darkness, and the hash chain that binds the records. It is pure; internal/journal/sqlite keeps it on disk.
package journal

import (
	"encoding/json"
	"time"
)

// TimeTrust says how far the wall clock of a record may be believed, worst first.
type TimeTrust string

const (
	Untrusted    TimeTrust = "untrusted"    // the clock is below the floor, or was never set
	Floored      TimeTrust = "floored"      // not below the floor, but nobody confirmed it
	Synchronised TimeTrust = "synchronised" // the kernel's clock is disciplined by NTP or PTP
	Signed       TimeTrust = "signed"       // confirmed by the centre's signed time
)

// A Stamp is the (boot, monotonic, wall, trust) that stands on every record, so that a wrong wall clock can be
// corrected afterwards.
type Stamp struct {
	Boot  string        `json:"boot"`  // random identity of this run of the daemon
	Mono  time.Duration `json:"mono"`  // nanoseconds since the daemon's start, never stepping
	Wall  time.Time     `json:"wall"`  // UTC
	Trust TimeTrust     `json:"trust"` // of Wall
}

// Kind names the type of a record's body.
type Kind string

const (
	KindBoot       Kind = "boot"       // Boot
	KindSegment    Kind = "segment"    // Segment
	KindPlay       Kind = "play"       // Play
	KindIncident   Kind = "incident"   // Incident
	KindOrder      Kind = "order"      // Order
	KindCommand    Kind = "command"    // Command
	KindClock      Kind = "clock"      // Clock
	KindCheckpoint Kind = "checkpoint" // Checkpoint
)

// A Record is one link of the hash chain. Body is kept as the exact bytes that were hashed.
type Record struct {
	Seq   uint64          `json:"seq"` // 1 for the first, rising by one
	Stamp Stamp           `json:"stamp"`
	Kind  Kind            `json:"kind"`
	Body  json.RawMessage `json:"body"`
	Prev  Hash            `json:"prev"` // Hash of the record before; all zero for the first
	Hash  Hash            `json:"hash"`
}

// An Entry is a record that is not yet part of the chain.
type Entry struct {
	Stamp Stamp
	Kind  Kind
	Body  any // marshalled to JSON when committed
}

// Airtime is what an interval of time counts as.
type Airtime string

const (
	Idle       Airtime = "idle"       // outside every window: nothing is owed
	OnAir      Airtime = "on-air"     // panel read back as on and approved content shown
	Unverified Airtime = "unverified" // content shown to a panel that cannot be read back
	Lost       Airtime = "lost"       // owed and not delivered; has exactly one Cause
	Void       Airtime = "void"       // takes back what earlier records booked here: their clock was wrong, or their proof too old; see Effective
)

// Cause is why a second inside a window was lost. The list is closed: a cause outside it is a bug.
type Cause string

const (
	CauseSafety          Cause = "safety"              // smoke or over-temperature cut-off
	CauseDepartment      Cause = "department-override" // switched off, or to the safe screen, from afar
	CauseLocal           Cause = "local-override"      // switched off by key switch or console
	CauseMainsLost       Cause = "mains-lost"          // the supply is absent
	CausePanelStarting   Cause = "panel-starting"      // commanded on, still within its settling time
	CausePanelSilent     Cause = "panel-silent"        // does not answer
	CausePanelRefused    Cause = "panel-refused"       // answers, and will not switch on
	CausePanelOff        Cause = "panel-off"           // reads off though it was on: remote control, power loss of the panel alone
	CauseContradicted    Cause = "panel-contradicted"  // reads on, and draws what a dark one draws
	CauseNoSignal        Cause = "no-signal"           // on, and sees no picture on its input
	CauseInputWrong      Cause = "input-wrong"         // on, and shows another input than this display's
	CausePlayerStarting  Cause = "player-starting"     // within the time a start takes
	CausePlayerStalled   Cause = "player-stalled"      // runs, but the picture does not advance
	CausePlayerDown      Cause = "player-down"         // no process, or it does not answer
	CauseNoContent       Cause = "no-content"          // no approved playlist with verified files
	CauseUpdate          Cause = "update"              // a system update in progress
	CauseClockUntrusted  Cause = "clock-untrusted"     // the clock stepped over these seconds: nobody can tell
	CauseControllerDown  Cause = "controller-down"     // the daemon was not running, mains unknown or present
	CauseControllerMains Cause = "controller-down-mains-lost"
	CauseAccountingLost  Cause = "records-damaged" // the journal was damaged and set aside: nobody can tell any more
)

// Causes lists every Cause there is, in the order of their declaration.
func Causes() []Cause {
	return []Cause{
		CauseSafety, CauseDepartment, CauseLocal, CauseMainsLost, CausePanelStarting, CausePanelSilent,
		CausePanelRefused, CausePanelOff, CauseContradicted, CauseNoSignal, CauseInputWrong, CausePlayerStarting,
		CausePlayerStalled, CausePlayerDown, CauseNoContent, CauseUpdate, CauseClockUntrusted, CauseControllerDown, CauseControllerMains, CauseAccountingLost,
	}
}

// A Segment is a stretch of time with one state and one cause. From and To are whole UTC seconds since 1970;
// To is exclusive. A segment never crosses the edge of a window, so it is owed whole or not at all; one with the
// state Void owes nothing and may.
type Segment struct {
	From  int64   `json:"from"`
	To    int64   `json:"to"`
	State Airtime `json:"state"`
	Cause Cause   `json:"cause,omitempty"` // set exactly when State is Lost
	Rule  string  `json:"rule"`            // the rule of control.Decide that held
}

// A Play is proof that one item was shown. Duration is what was seen on the output, not what was planned.
type Play struct {
	Playlist  string    `json:"playlist"`
	Version   uint64    `json:"version"`
	Item      string    `json:"item"`
	SHA256    string    `json:"sha256"` // of the file, or of the item's canonical text
	Category  string    `json:"category"`
	Language  string    `json:"language"`
	Start     time.Time `json:"start"`      // when mpv reported its first frame
	DurationS float64   `json:"duration_s"` // seconds shown
	Complete  bool      `json:"complete"`   // ran to its planned end
	Panel     string    `json:"panel"`      // "on", "unverified" or "off" while it ran; the worst of them
}

// IncidentClass separates what Article 6.10 of the regulation separates.
type IncidentClass string

const (
	Technical IncidentClass = "technical"
	Supply    IncidentClass = "power-supply"
	Cyber     IncidentClass = "cyber"
	Fire      IncidentClass = "fire"
	Intrusion IncidentClass = "intrusion" // the cabinet was opened: Article 9.2
)

// An Incident is something a person must know of, opened by the controller itself.
type Incident struct {
	Class  IncidentClass `json:"class"`
	Code   string        `json:"code"`           // stable, lower case with hyphens: "panel-silent", "signature-refused"
	Detail string        `json:"detail"`         // one line in English, at most 500 bytes, no secrets
	Count  int           `json:"count"`          // how often it happened in the minute this stands for; at least 1
	Over   bool          `json:"over,omitempty"` // what the same code reported earlier has ended
}

// An Order is a wish of a person, accepted or refused: a signed message or a local override.
type Order struct {
	Source   string `json:"source"`             // "desired/power", "desired/playlist", "inbox", "local"
	Version  uint64 `json:"version,omitempty"`  // of the message
	Digest   string `json:"digest"`             // SHA-256 of the signed payload, in hex; empty for local ones
	People   string `json:"people,omitempty"`   // who signed, or the unix user
	Accepted bool   `json:"accepted"`           //
	Reason   string `json:"reason"`             // why refused, or what was asked
	Evidence string `json:"evidence,omitempty"` // further detail for an inquiry, at most 500 bytes
}

// A Command is one step of a signed command: taken, or what became of it. It is the proof; the answer on the wire is
// a courtesy.
type Command struct {
	ID       string          `json:"id"`     // of the command
	Digest   string          `json:"digest"` // SHA-256 of the signed payload, in hex
	Counter  uint64          `json:"ctr"`    // UTC milliseconds
	Kind     string          `json:"kind"`   // what was asked for
	People   string          `json:"people"` // who signed
	Status   string          `json:"status"` // RECEIVED, REJECTED, EXPIRED, DONE, FAILED or INTERRUPTED
	Reason   string          `json:"reason,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"` // what was read back; an object of at most 4 KiB
}

// A Clock tells that the time became believable in the middle of a run. Records of the same boot before it, whose
// stamp is less trusted, happened at Wall - (Mono - theirs).
type Clock struct {
	Boot  string        `json:"boot"`   // as in the stamps
	Mono  time.Duration `json:"mono"`   // nanoseconds since the start of that run
	Wall  time.Time     `json:"wall"`   // UTC at Mono
	Trust TimeTrust     `json:"trust"`  // Synchronised or Signed
	StepS int64         `json:"step_s"` // seconds by which the wall clock of the records moved, forward positive
}

// A Boot opens each run of the daemon.
type Boot struct {
	Version       string `json:"version"`
	LastHeartbeat int64  `json:"last_heartbeat,omitempty"` // UTC seconds; 0 when there was none
	Recovered     string `json:"recovered,omitempty"`      // what was set aside as damaged, if anything
}

// A Heartbeat is the state of the open segment, overwritten in place and not part of the chain. After a crash
// it tells how far the last run accounted for its time.
type Heartbeat struct {
	At      int64   `json:"at"`   // UTC seconds, exclusive end of what is accounted for
	Open    Segment `json:"open"` // To is not meaningful
	Mains   *bool   `json:"mains,omitempty"`
	Floor   int64   `json:"floor"`            // UTC seconds below which wall time does not go again
	Proved  int64   `json:"proved,omitempty"` // UTC seconds; what signed time has proved of Floor
	Version string  `json:"version"`          // of the daemon that wrote it
	Kernel  string  `json:"kernel,omitempty"` // identity of the kernel's run
}

// A Write is everything one transaction does. It is plain data, so that the same Write can be tested without
// a database and interrupted at its label.
type Write struct {
	Label     string            // names this kind of write for fault injection: "order.accept"
	Entries   []Entry           // appended to the chain, in order
	Settings  map[string][]byte // upserted; a nil value deletes
	Raise     map[string]uint64 // counters that must strictly rise; else the whole Write fails with ErrStale
	Lower     map[string]uint64 // counters that must strictly fall, likewise; never one that is also in Raise
	Heartbeat *Heartbeat        // overwrites the one heartbeat; nil leaves it
}
