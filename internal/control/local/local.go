// Package local is how people on site talk to the daemon: one JSON object a line over a unix socket, one answer
// a line for each request. It knows the protocol, the server and the client, and nothing of displays.
package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxLine is the longest request or answer in bytes. An answer with a whole state is about 2 kB.
const MaxLine = 64 << 10

// Verb is what a request asks for.
type Verb string

const (
	Status    Verb = "status"     // the whole state
	On        Verb = "on"         // panel on for a time, with a reason
	Off       Verb = "off"        // panel off for a time, with a reason
	Schedule  Verb = "schedule"   // back to the schedule, with a reason
	ClearFire Verb = "clear-fire" // lift the fire latch, with a reason
)

// A Request is one line from the client.
type Request struct {
	Do     Verb   `json:"do"`
	For    string `json:"for,omitempty"`    // a duration such as "30m", for on and off
	Reason string `json:"reason,omitempty"` // who asked and why
	// DespiteSilentSmoke is for clear-fire: a smoke detector that says nothing is no reason to refuse.
	DespiteSilentSmoke bool `json:"despite_silent_smoke,omitempty"`
}

// An Answer is one line from the daemon: Error is empty exactly when the request was done.
type Answer struct {
	Error string          `json:"error,omitempty"`
	State json.RawMessage `json:"state,omitempty"`
	Note  string          `json:"note,omitempty"` // what the person must know though it was done
	Here  *Here           `json:"here,omitempty"` // beside the state, in every answer without an Error
}

// Here is what a person at the display asks that the reported state does not say.
type Here struct {
	Device string `json:"device"`
	// Airing is what the present second counts as: idle, on-air, unverified or lost. Idle is outside every window.
	Airing string    `json:"airing"`
	Cause  string    `json:"cause,omitempty"` // of docs/OPERATIONS.md, where it is lost
	Start  time.Time `json:"start"`           // of the window that is now, else of the next one, with the site's offset from UTC
	End    time.Time `json:"end"`             //
	Link   *Link     `json:"link,omitempty"`  // nil for a display without a centre
}

// Link is how a display stands with its centre.
type Link struct {
	Up   bool   `json:"up"`
	ForS int64  `json:"for_s"`         // whole seconds since it came up or went down; since the start where it never was up
	Why  string `json:"why,omitempty"` // of the last attempt, where it is down: one English line
}

// A Peer is who is on the other end, as the kernel says.
type Peer struct {
	UID int
	PID int
}

// ParseRequest reads one line. An error is one sentence for the person who typed it.
func ParseRequest(line []byte) (Request, error) {
	var r Request
	if len(line) > MaxLine {
		return r, fmt.Errorf("cannot read the request: longer than %d bytes", MaxLine)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Request{}, fmt.Errorf("cannot read the request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Request{}, errors.New("cannot read the request: more than one object on a line")
	}
	if r.DespiteSilentSmoke && r.Do != ClearFire {
		return Request{}, fmt.Errorf("cannot do %q despite a silent smoke detector: that is for clear-fire", r.Do)
	}
	switch r.Do {
	case Status, On, Off, Schedule, ClearFire:
		return r, nil
	}
	return Request{}, fmt.Errorf("cannot do %q: say status, on, off, schedule or clear-fire", r.Do)
}
