package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"bangtin/internal/trust"
)

// evidence is what a display answers with, whatever the kind of the command (PROTOCOL.md, "Commands").
type evidence struct {
	Panel      string     `json:"panel"`
	VerifiedAt *time.Time `json:"verified_at"`
	Rule       string     `json:"rule"`
	Why        string     `json:"why"`
	State      string     `json:"state"`
	Item       string     `json:"item"`
	Text       string     `json:"text"`
	Playlist   string     `json:"playlist"`
	Missing    int        `json:"missing"`
	First      string     `json:"first"`
	Name       string     `json:"name"`
	SHA256     string     `json:"sha256"`
	Bytes      int        `json:"bytes"`
	Before     string     `json:"before"`
	After      string     `json:"after"`
	Error      string     `json:"error"`
}

// evidenceWords says it to people. What is not of this form is shown as it came.
func (p *Program) evidenceWords(raw json.RawMessage) string {
	var e evidence
	if len(raw) == 0 || trust.DecodeJSON(raw, &e) != nil {
		return visible(compact(raw))
	}
	words := p.shownWords(&seen{Power: e.Panel, VerifiedAt: e.VerifiedAt, Rule: e.Rule, Player: e.State, Playlist: e.Playlist})
	all := []string{}
	add := func(had string, ph phrase) {
		if had != "" {
			all = append(all, p.text(ph))
		}
	}
	add(words, phrase{english: words})
	add(e.Why, say("because %s", p.localTimes(visible(e.Why))))
	add(e.Item, say("item %s", visible(e.Item)))
	add(e.Text, say("on the screen: %s", visible(e.Text)))
	add(e.First, say("%d files are missing", e.Missing))
	add(e.Name, say("left %s at the centre, %d kB", visible(e.Name), (e.Bytes+999)/1000))
	add(e.After, say("the controller has started anew"))
	add(e.Error, say("error: %s", visible(e.Error)))
	return strings.Join(all, ", ")
}

// localTimes writes the times in what a display says, which are UTC there, as people in Vietnam read them.
func (p *Program) localTimes(text string) string {
	return timesOfDisplays.ReplaceAllStringFunc(text, func(s string) string {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return s
		}
		return p.moment(at)
	})
}

var timesOfDisplays = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// reasonWords says why a display did not obey, or could not. The code stays, for whoever looks it up.
func (p *Program) reasonWords(code string) string {
	if ph, ok := reasonWord(code); ok {
		return visible(code) + ", " + p.text(ph)
	}
	return visible(code)
}

// reasonWord knows the reasons that a person can do something about.
func reasonWord(code string) (phrase, bool) {
	switch code {
	case "on-air":
		return say("the display owes its programme now: wait, or give --force"), true
	case "busy":
		return say("it has too many commands open: send this again in a minute"), true
	case "stale":
		return say("a newer power order stands there: make the command anew"), true
	case "replayed", "id-reused":
		return say("it has obeyed a later command of this key: make the command anew, and look at this machine's clock"), true
	case "too-far":
		return say("it was made in the future by the display's clock: look at this machine's clock"), true
	case "expired":
		return say("it came too late: make the command anew"), true
	case "unknown-key", "wrong-role":
		return say("the trust document of the display does not grant this to the key"), true
	case "lacking-role", "threshold":
		return say("it needs the signatures of more people: bangtin sign draft"), true
	case "overruled":
		return say("something that ranks higher holds there"), true
	case "superseded":
		return say("a later command took its place"), true
	case "panel-failed", "panel-disobeys":
		return say("the panel does not do what it is told: somebody has to look at it"), true
	case "panel-unverified":
		return say("the panel could not be read back"), true
	case "files-missing":
		return say("its files are not there yet: publish the playlist, or wait"), true
	case "not-accepted":
		return say("the display does not hold this playlist: publish it"), true
	case "no-upload", "not-uploaded":
		return say("the centre did not take the file"), true
	}
	return phrase{}, false
}
