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
