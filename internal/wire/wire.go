// Package wire is what a display and the department say to each other: topics, messages and orders. It is pure;
// internal/fleet carries it over MQTT.
package wire

import (
	"encoding/json"
	"time"

	"bangtin/internal/trust"
)

// Limits on what arrives, checked before anything is parsed or allocated.
const (
	MaxOrder      = trust.MaxEnvelope // bytes of one signed message: what may be obeyed can also be delivered
	MaxPayload    = 4 << 10           // bytes of the signed part of a power order or an acknowledgement
	MaxConn       = 1 << 10           // bytes of a birth or will
	MaxState      = 64 << 10          // bytes of a reported state; with seven sensors it has about 1230, and compressed 620
	MaxBatch      = 100               // records in one evt message
	MaxBatchBytes = 64 << 10          // bytes of one evt message, unless a single record is larger by itself
)

// Conn is the birth and the will of a device. Session tells a late will from a newer birth.
type Conn struct {
	State   string `json:"state"`   // "online", "off" or "lost"
	Session string `json:"session"` // random, new at every connection
	Boot    string `json:"boot"`    // of the daemon's run
	Version string `json:"version"` // of the daemon
}

// State is the whole reported state of a display, published on change and as heartbeat.
type State struct {
	Seq          uint64        `json:"seq"` // rises by one with every State of one run
	At           time.Time     `json:"at"`  // UTC
	Boot         string        `json:"boot"`
	Version      string        `json:"version"`
	Gate         string        `json:"gate"`
	Time         TimeState     `json:"time"`
	Want         WantState     `json:"want"`
	Panel        PanelState    `json:"panel"`
	Player       PlayerState   `json:"player"`
	Airtime      AirtimeState  `json:"airtime"` // of today in the site's time zone
	Mains        *bool         `json:"mains"`   // null when no input tells
	Temperatures []Temperature `json:"temperatures"`
	Sensors      []Sensor      `json:"sensors,omitempty"` // at most MaxSensors, mains and temperatures among them
	Outbox       Outbox        `json:"outbox"`
	Alarms       []string      `json:"alarms,omitempty"`        // codes of what is wrong now, sorted
	TrustVersion uint64        `json:"trust_version,omitempty"` // of the trust document that stands; 0 when there is none
}

type TimeState struct {
	Trust string `json:"trust"` // untrusted, floored, synchronised or signed
}

type WantState struct {
	Panel  string `json:"panel"`  // "on" or "off"
	Show   string `json:"show"`   // "programme" or "slate"
	Rule   string `json:"rule"`   // which rule of the decision won
	Reason string `json:"reason"` // why, in one English line
}

type PanelState struct {
	Power      string     `json:"power"`                 // unknown, off, on, warming or cooling
	VerifiedAt *time.Time `json:"verified_at"`           // when Power was last read back; null if never
	Error      string     `json:"error,omitempty"`       // of the last attempt
	OnSeconds  int64      `json:"on_seconds,omitempty"`  // in its life, by the whole hours that the panel tells; left out where it does not
	Brightness *int       `json:"brightness,omitempty"`  // percent
	CelsiusX10 *int       `json:"celsius_x10,omitempty"` // tenths of a degree
}

type PlayerState struct {
	State     string  `json:"state"`      // starting, playing, stalled, down or slate
	Playlist  string  `json:"playlist"`   // id@version; empty when there is none
	Item      string  `json:"item"`       //
	PositionS float64 `json:"position_s"` // seconds into the item
}

// AirtimeState counts whole seconds since local midnight. Required = Delivered + Unverified + the sum of Lost.
type AirtimeState struct {
	RequiredS   int64  `json:"required_s"` // owed up to now
	DeliveredS  int64  `json:"delivered_s"`
	UnverifiedS int64  `json:"unverified_s"`
	Lost        []Lost `json:"lost"`
}

type Lost struct {
	Cause string `json:"cause"`
	S     int64  `json:"s"`
}

type Temperature struct {
	Sensor  string   `json:"sensor"`
	Celsius *float64 `json:"celsius"` // null when the sensor is faulty
}

type Outbox struct {
	Depth uint64 `json:"depth"` // records not yet acknowledged by the centre
}

// Batch carries journal records, oldest first and without a gap from SeqFrom on.
type Batch struct {
	Boot    string            `json:"boot"`
	SeqFrom uint64            `json:"seq_from"`
	Records []json.RawMessage `json:"records"`
}

// RecordsAck is signed by the collect role after the centre has committed. Head is the chain hash, in hex, of
// record UptoSeq.
type RecordsAck struct {
	Device  string `json:"device"`
	UptoSeq uint64 `json:"upto_seq"`
	Head    string `json:"head"`
}

// PowerOrder is what the department wants of one display's power until replaced or past.
type PowerOrder struct {
	Device  string     `json:"device"`
	Version uint64     `json:"version"` // strictly rising; UTC milliseconds by custom
	State   PowerWish  `json:"state"`
	Until   *time.Time `json:"until"` // required for everything but "schedule"
	Reason  string     `json:"reason"`
}

type PowerWish string

const (
	WishSchedule PowerWish = "schedule" // back to the schedule
	WishOn       PowerWish = "on"
	WishOff      PowerWish = "off"      // a local "on" may lift it
	WishBlackout PowerWish = "blackout" // nothing but fire safety stands above it
	WishSafe     PowerWish = "safe"     // the built-in safe picture
)
