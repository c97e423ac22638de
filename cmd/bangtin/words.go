package main

import "strings"

// shownWords says what a state showed.
func (p *Program) shownWords(e *seen) string {
	var all []string
	if e.Power != "" {
		all = append(all, p.text(say("panel %s", p.text(powerWord(e.Power)))))
	}
	if e.VerifiedAt != nil {
		all = append(all, p.text(say("read back at %s", p.second(*e.VerifiedAt))))
	}
	if e.Rule != "" {
		all = append(all, p.text(ruleWord(e.Rule)))
	}
	if e.Player != "" {
		all = append(all, p.text(say("player %s", p.text(playerWord(e.Player)))))
	}
	if e.Playlist != "" {
		all = append(all, visible(e.Playlist))
	}
	if e.Boot != "" {
		all = append(all, p.text(say("started anew as %s", visible(e.Boot))))
	}
	return strings.Join(all, ", ")
}

// The words of a state, as control and media write them. What is none of them is shown as it came.

func powerWord(s string) phrase {
	switch s {
	case "on":
		return say("on")
	case "off":
		return say("off")
	case "unknown":
		return say("not read back")
	case "warming":
		return say("warming up")
	case "cooling":
		return say("cooling down")
	}
	return phrase{english: visible(s)}
}

func playerWord(s string) phrase {
	switch s {
	case "starting":
		return say("starting")
	case "playing":
		return say("playing")
	case "stalled":
		return say("stalled")
	case "down":
		return say("not running")
	case "slate":
		return say("showing the built-in picture")
	}
	return phrase{english: visible(s)}
}

func ruleWord(s string) phrase {
	switch s {
	case "fire":
		return say("for fire safety")
	case "blackout":
		return say("by the department's blackout")
	case "safe":
		return say("by the department's safe picture")
	case "local":
		return say("by people on site")
	case "department":
		return say("by the department's order")
	case "no-time":
		return say("because the time is not known")
	case "schedule":
		return say("by the schedule")
	}
	return phrase{english: visible(s)}
}
