package main

import (
	"flag"
	"slices"
	"strings"

	"bangtin/internal/wire"
)

// sendOptions are the options of bangtin send.
type sendOptions struct {
	displays, keys                                              *[]string
	until, reason, digest, playlist, expires                    *string
	center, passphraseFile, trust, out, command, patience, save *string
	seconds                                                     *int
	fleet, force, wait, asTrust                                 *bool
	given                                                       func() []string // the names of those that were given
}

func newSendOptions(o *options) *sendOptions {
	s := &sendOptions{
		displays: o.list("display", say("display id, several times or with commas")),
		fleet:    o.yes("fleet", say("every display")),
		until:    o.text("until", say("when on, off, blackout or safe ends: \"2027-02-06 18:00\" (Vietnam's time) or a span such as +2h")),
		reason:   o.text("reason", say("why, for the record")),
		seconds:  o.number("seconds", say("how long identify shows the gate's name, 1 to 300 (30)")),
		force:    o.yes("force", say("reboot even while the display owes its programme")),
		asTrust:  o.yes("as-trust", say("have the role trust sign it, though another would do: where displays answer stale for good")),
		digest:   o.text("digest", say("SHA-256 of the playlist to show now")),
		playlist: o.text("playlist", say("folder or file of the playlist to show now, in place of --digest")),
		expires:  o.text("expires", say("not to be taken later than this (+15m); 24 hours at most")),
		keys:     o.list("key", say("private key to sign with; several times where several people sign at one desk")),
		trust:    o.text("trust", say("trust document to check the signatures against")),
		out:      o.text("out", say("do not send: write the command to this file, for the next signature or for later")),
		command:  o.text("command", say("send the signed command of this file")),
		center:   o.center(),
		wait:     o.yes("wait", say("follow the command until each display says that it obeyed and its state shows it; both are unsigned: proof is its record at the centre")),
		patience: o.text("timeout", say("how long to wait (2m)")),
		save:     o.text("save", say("folder for the screenshot or report that the display leaves at the centre")),
		given:    o.given,
	}
	s.passphraseFile = o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	return s
}

// given lists the options of this call.
func (o *options) given() []string {
	var all []string
	o.set.Visit(func(f *flag.Flag) { all = append(all, f.Name) })
	return all
}

// check refuses the options that would change nothing: whoever gives one means something by it.
func (s *sendOptions) check(kind string) error {
	used := slices.Concat(s.ofMaking(kind), s.ofSending())
	for _, name := range s.given() {
		if slices.Contains(used, name) {
			continue
		}
		unused := &problem{field: "--" + name, what: say("is not used together with the rest"),
			remedy: say("leave it out, or see bangtin help send"), usage: true}
		if *s.out == "" && (name == "timeout" || name == "save") {
			unused.remedy = say("leave it out, or add --wait")
		}
		return unused
	}
	return nil
}

// ofMaking are the options of a new command of the kind, or of one from a file, which is made already.
func (s *sendOptions) ofMaking(kind string) []string {
	if *s.command != "" {
		return []string{"command", "trust", "json"}
	}
	all := []string{"display", "fleet", "expires", "key", "passphrase-file", "trust", "out", "json"}
	if isWish(wire.PowerWish(kind)) {
		return append(all, "until", "reason", "as-trust")
	}
	switch wire.CommandKind(kind) {
	case wire.DoPlaylist:
		return append(all, "digest", "playlist")
	case wire.DoIdentify:
		return append(all, "seconds")
	case wire.DoReboot:
		return append(all, "force")
	}
	return all
}

// ofSending are the options of what happens to the command once it is signed.
func (s *sendOptions) ofSending() []string {
	switch {
	case *s.out != "":
		return nil
	case !*s.wait:
		return []string{"center", "wait"}
	}
	return []string{"center", "wait", "timeout", "save"}
}

func isWish(w wire.PowerWish) bool {
	return slices.Contains([]wire.PowerWish{wire.WishOn, wire.WishOff, wire.WishBlackout, wire.WishSafe, wire.WishSchedule}, w)
}

func (s *sendOptions) audience() ([]string, error) {
	named, err := displaysOf(*s.displays)
	if err != nil {
		return nil, err
	}
	if *s.fleet == (len(named) > 0) {
		return nil, &problem{field: "--display", what: say("one of --display and --fleet is needed, and only one"), remedy: say("name the displays, or give --fleet for all"), usage: true}
	}
	if *s.fleet {
		return []string{wire.Everyone}, nil
	}
	return named, nil
}

// displaysOf reads --display, which may be given several times and hold several ids: sorted, each once.
func displaysOf(option []string) ([]string, error) {
	named := strings.FieldsFunc(strings.Join(option, ","), func(r rune) bool { return r == ',' || r == ' ' })
	for _, d := range named {
		if wire.CheckDevice(d) != nil {
			return nil, &problem{field: "--display", what: say("%q is not a display id", d), remedy: say("use 3 to 40 of a-z, 0-9 and -"), usage: true}
		}
	}
	slices.Sort(named)
	return slices.Compact(named), nil
}
