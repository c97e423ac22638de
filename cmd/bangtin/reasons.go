package main

import "strings"

// reasonWords says why a display did not obey, or could not, or what is wrong with it, and what to do. The code stays,
// for whoever looks it up.
func (p *Program) reasonWords(code string) string {
	if ph, ok := reasonWord(code); ok {
		return visible(code) + ", " + p.text(ph)
	}
	return visible(code)
}

// alarmWords says several, one after the other.
func (p *Program) alarmWords(codes []string) string {
	var all []string
	for _, c := range codes {
		all = append(all, p.reasonWords(c))
	}
	return strings.Join(all, "; ")
}

// reasonWord knows every code of PROTOCOL.md, and the alarms of OPERATIONS.md.
func reasonWord(code string) (phrase, bool) {
	for _, among := range []func(string) (phrase, bool){orderWord, timeWord, deedWord, playlistWord, gateWord, machineWord} {
		if ph, ok := among(code); ok {
			return ph, true
		}
	}
	switch {
	case strings.HasPrefix(code, "sensor-faulty"):
		return say("that sensor says nothing sensible: replace it"), true
	case strings.HasPrefix(code, "notice"):
		return say("its code is in OPERATIONS.md, section Notice codes: what is wrong, and what to do"), true
	case strings.HasPrefix(code, "refused"):
		return say("something unsigned or not for it was refused: who sends it?"), true
	}
	return phrase{}, false
}

// orderWord says what can be wrong with the command, or with who signed it.
func orderWord(code string) (phrase, bool) {
	switch code {
	case "malformed", "bad-order":
		return say("it is no command that this display understands: make it anew with this program"), true
	case "oversized":
		return say("it is too large: name fewer displays"), true
	case "wrong-type":
		return say("it was signed for another purpose: make it anew"), true
	case "bad-signature":
		return say("it was changed after it was signed: send the file as it was signed, or make it anew"), true
	case "unknown-key", "wrong-role", "role-unassigned":
		return say("the trust document of the display does not grant this to the key: bangtin trust show"), true
	case "revoked":
		return say("the keys that signed it were struck while it waited: have it signed by keys that stand"), true
	case "lacking-role":
		return say("it needs holders of role trust: have them sign it, or name one display and an end"), true
	case "threshold", "duty-missing":
		return say("it needs the signatures of more people: bangtin sign draft"), true
	case "same-person":
		return say("one person signed it with several keys: have another person sign"), true
	case "bad-document":
		return say("the trust document contradicts itself: make it anew"), true
	case "wrong-device", "other-display":
		return say("it is for other displays: name this one"), true
	case "retained":
		return say("it came as something that the broker keeps: send it with bangtin send"), true
	}
	return phrase{}, false
}

// timeWord says what of its time or of its order.
func timeWord(code string) (phrase, bool) {
	switch code {
	case "id-reused":
		return say("another command had the same id: make it anew"), true
	case "replayed":
		return say("a command of this key with a later time was obeyed before: the clock of the machine that made it was fast. Set the clocks right; until that time is past, sign with another key"), true
	case "too-far":
		return say("it was made in the future by the display's clock, or ends too late: look at this machine's clock"), true
	case "stale":
		return say("a newer order stands there: make it anew; where a power command is stale too, with --as-trust, signed by two people of the role trust"), true
	case "expired":
		return say("it came too late: make the command anew"), true
	case "busy":
		return say("it has too many commands open: the same may be sent again in a minute"), true
	case "on-air":
		return say("the display owes its programme now: wait, or give --force"), true
	case "storage":
		return say("its disk takes no records, so it could not tell a second time from the first: for power and playlist give an order that stands; replace the disk"), true
	case "superseded":
		return say("a later command took its place"), true
	case "overruled":
		return say("something that ranks higher holds there: fire safety, a blackout, or people on site"), true
	}
	return phrase{}, false
}

// deedWord says what the display tried and could not.
func deedWord(code string) (phrase, bool) {
	switch code {
	case "panel-failed", "panel-disobeys":
		return say("the panel does not do what it is told: somebody has to look at it"), true
	case "panel-unverified":
		return say("the panel could not be read back: look at the display, or at its serial line"), true
	case "player-silent", "player-down", "player-refused", "not-restarted":
		return say("the player shows nothing: bangtin send restart-player, then send reboot"), true
	case "not-accepted":
		return say("the display does not hold this playlist: publish it"), true
	case "files-missing":
		return say("its files are not there yet: publish the playlist, or wait"), true
	case "not-due":
		return say("no item of it is to be shown now: look at from and until"), true
	case "not-playing":
		return say("it is there and does not play: bangtin send diagnostics"), true
	case "no-picture", "no-report":
		return say("the display could not make it: try again, then send reboot"), true
	case "no-upload", "not-uploaded":
		return say("the centre did not take the file: is its HTTPS there, and the display's certificate good?"), true
	case "no-reboot", "still-running":
		return say("the controller could not be started anew from here: somebody has to switch it off and on"), true
	}
	return phrase{}, false
}

// playlistWord says what is wrong with a playlist or with its files.
func playlistWord(code string) (phrase, bool) {
	switch code {
	case "older", "playlist-older":
		return say("an older version came than the one it holds: publish the newest"), true
	case "future", "playlist-future":
		return say("it was made in the future: look at the clock of the editor's machine"), true
	case "invalid", "playlist-unfit":
		return say("it is not to be shown as it is: make it anew"), true
	case "missing-glyph":
		return say("a text has characters that the display's fonts lack: change the text"), true
	case "playlist-misaddressed":
		return say("it is signed for other displays: correct the audience"), true
	case "playlist-unverifiable":
		return say("the signatures of what it showed do not count any more: have it signed by keys that stand"), true
	case "content-damage", "content-damaged":
		return say("a file that came is not the approved one: publish again"), true
	case "content-full":
		return say("no room for the files: make a shorter playlist"), true
	case "content-read-only":
		return say("the disk takes no more writes: replace it"), true
	case "content-missing":
		return say("files of the playlist do not come: publish again, and look at the centre's HTTPS"), true
	case "content-unreachable":
		return say("it has no certificate and gets no files: enrol it"), true
	case "no-content":
		return say("there is nothing approved to show: bangtin playlist publish"), true
	case "inbox-unfit":
		return say("something on the stick is not as it must be: export anew"), true
	}
	return phrase{}, false
}

// gateWord says what is wrong at the gate.
func gateWord(code string) (phrase, bool) {
	if ph, ok := lightWord(code); ok {
		return ph, true
	}
	switch code {
	case "mains-lost":
		return say("no supply at the gate: call them, then the electricity company"), true
	case "fire":
		return say("smoke, or too hot: somebody has to go there"), true
	case "relay-failed":
		return say("the cut-off relay does not switch: somebody has to go there today"), true
	case "door-open":
		return say("the cabinet is open: is it one of ours?"), true
	case "panel-silent", "panel-starting":
		return say("the panel does not answer: its cable, its own mains switch"), true
	case "panel-refused":
		return say("the panel answers and does not switch: its menu, then replace it"), true
	case "panel-off":
		return say("the panel went off by itself: a remote control, or its supply"), true
	case "player-starting", "player-stalled":
		return say("no picture from the player: it is restarted by itself; then send restart-player"), true
	}
	return phrase{}, false
}

// lightWord says what is wrong with a panel beyond its power, and with what watches it.
func lightWord(code string) (phrase, bool) {
	switch code {
	case "panel-hot":
		return say("the panel is too warm and was dimmed: its fans, its filter, the sun"), true
	case "tamper":
		return say("somebody is at it: one of ours? Else call the gate at once"), true
	case "hardware-unusable":
		return say("its site file says what cannot be of its wiring: bangtind --check, there"), true
	case "fan-stopped":
		return say("a fan does not turn: replace it before it gets hot"), true
	case "panel-dark-but-on", "panel-contradicted":
		return say("the panel says it is on and draws no light's worth of power: somebody has to look at it"), true
	case "panel-lit-but-off":
		return say("the panel says it is off and draws power as when lit: who has the remote control?"), true
	case "no-signal":
		return say("the panel is on and gets no picture: the video cable, its input"), true
	case "input-wrong":
		return say("the panel showed another input: who was there, and what is plugged into it?"), true
	case "panel-fault":
		return say("the panel reports a fault of its own: have it mended"), true
	case "panel-degrading":
		return say("the panel is wearing out: plan a visit"), true
	case "brightness-disobeyed":
		return say("the panel does not take its brightness: its menu, energy saving"), true
	}
	return phrase{}, false
}

// machineWord says what is wrong with the controller.
func machineWord(code string) (phrase, bool) {
	switch code {
	case "trust-unusable", "signature-refused":
		return say("something unsigned or not for it was refused: who sends it?"), true
	case "clock-untrusted":
		return say("it does not know the time: network to the centre, battery of its clock"), true
	case "clock-disagrees":
		return say("two sources of time contradict each other: the centre's clock first"), true
	case "clock-stepped":
		return say("its clock was moved"), true
	case "certificate-expiring", "enrolment-unfinished":
		return say("its certificate is not in order: is the centre reachable? Else enrol anew"), true
	case "fonts-missing", "slate-missing":
		return say("files of the program are gone: reinstall"), true
	case "journal-in-memory", "records-dropped":
		return say("the disk takes no records: replace it soon"), true
	case "journal-damaged", "journal-missing", "journal-newer":
		return say("a journal was set aside and a new one begun: the disk, or the version"), true
	case "journal-altered", "records-damaged":
		return say("somebody changed its records: keep the file, and find out who"), true
	}
	return phrase{}, false
}
