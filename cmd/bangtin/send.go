package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// commandLife is how long a command may be taken where --expires says nothing: a display that is away for a moment
// still gets it from the centre, and nothing happens when nobody expects it any more.
const commandLife = 15 * time.Minute

// sendOptions are the options of bangtin send.
type sendOptions struct {
	displays, keys                                              *[]string
	until, reason, digest, playlist, expires                    *string
	center, passphraseFile, trust, out, command, patience, save *string
	seconds                                                     *int
	fleet, force, wait, asTrust                                 *bool
}

func (p *Program) send(o *options) action {
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
		wait:     o.yes("wait", say("follow the command until each display was seen to obey")),
		patience: o.text("timeout", say("how long to wait (2m)")),
		save:     o.text("save", say("folder for the screenshot or report that the display leaves at the centre")),
	}
	s.passphraseFile = o.text("passphrase-file", say("take the passphrase from the first line of this file"))
	return func(ctx context.Context, kind string) error {
		out, err := p.outgoing(kind, s)
		if err != nil {
			return err
		}
		if *s.out != "" {
			return p.keepCommand(out, *s.out)
		}
		return p.sendNow(ctx, out, s)
	}
}

// An outgoing command is signed and knows what it will look like when it is obeyed.
type outgoing struct {
	command  *wire.Command
	envelope *trust.Envelope
	raw      []byte
	digest   string
	playlist string // id@version of DoPlaylist, where the playlist is at hand
}

// outgoing makes the command, or reads it from the file that holds it.
func (p *Program) outgoing(kind string, s *sendOptions) (*outgoing, error) {
	if *s.command != "" {
		if kind != "" {
			return nil, &problem{field: "--command", what: say("stands beside a new command"), remedy: say("give one of them"), usage: true}
		}
		return p.readCommand(*s.command)
	}
	if kind == "" {
		return nil, missing("KIND")
	}
	c, playlist, err := p.newCommand(kind, s)
	if err != nil {
		return nil, err
	}
	payload, err := wire.Encode(c)
	if err != nil {
		return nil, err
	}
	if _, err := wire.ParseCommand(payload); err != nil {
		return nil, &problem{field: kind, what: say("the display would refuse this order"), remedy: say("see the detail"), cause: err}
	}
	role := c.Role()
	if *s.asTrust {
		role = trust.RoleTrust
	}
	out := &outgoing{command: c, envelope: &trust.Envelope{Type: role.Type(), Payload: payload}, playlist: playlist}
	return out, p.signCommand(out, s)
}

// role is the one that it is signed as: what the command needs, or trust.
func (out *outgoing) role() trust.Role { return out.envelope.Type.Role() }

func (p *Program) signCommand(out *outgoing, s *sendOptions) error {
	if len(*s.keys) == 0 {
		return missing("--key")
	}
	for _, path := range *s.keys {
		signer, err := p.readKey(path, *s.passphraseFile)
		if err != nil {
			return err
		}
		if out.raw, err = sign(out.envelope, signer, path); err != nil {
			return err
		}
	}
	return out.seal(*s.trust, *s.out != "")
}

// seal counts or, with a trust document, verifies the signatures. A draft may still lack some.
func (out *outgoing) seal(trustFile string, draft bool) error {
	out.digest = digestOf(out.envelope.Payload)
	if draft {
		return nil
	}
	role := out.role()
	if need := trust.MinThreshold(role); len(out.envelope.Signatures) < need {
		return &problem{field: "--key", what: say("this command needs the role %s and %d people to sign it", string(role), need),
			remedy: say("write it with --out FILE, have the next person sign with bangtin sign draft FILE, then bangtin send --command FILE")}
	}
	return checkSigned(trustFile, out.raw, role)
}

// checkSigned verifies, where a trust document is given, that displays will find enough signatures.
func checkSigned(trustFile string, raw []byte, role trust.Role) error {
	if trustFile == "" {
		return nil
	}
	doc, err := readTrust(trustFile)
	if err != nil {
		return err
	}
	if _, err := doc.Verify(raw, role.Type()); err != nil {
		return refused("--key", err)
	}
	return nil
}

func (p *Program) readCommand(path string) (*outgoing, error) {
	raw, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	e, err := trust.ParseEnvelope(raw)
	if err != nil {
		return nil, refused(path, err)
	}
	c, err := wire.ParseCommand(e.Payload)
	if err != nil || e.Type != c.Role().Type() && e.Type != trust.TypeTrust {
		return nil, &problem{field: path, what: say("is not a signed command"), remedy: say("check that this is the right file"), cause: err}
	}
	if !c.Expires.After(p.Now()) {
		return nil, &problem{field: path, what: say("has expired"), remedy: say("make the command anew, and have it signed")}
	}
	out := &outgoing{command: c, envelope: e, raw: raw}
	return out, out.seal("", false)
}

// newCommand is what the options ask for. Of a playlist that is at hand it also returns id@version.
func (p *Program) newCommand(kind string, s *sendOptions) (c *wire.Command, playlist string, err error) {
	now := p.Now()
	c = &wire.Command{Counter: nextVersion(now, 0), Expires: now.UTC().Add(commandLife)}
	if c.Audience, err = s.audience(); err != nil {
		return nil, "", err
	}
	if *s.expires != "" {
		if c.Expires, err = p.when("--expires", *s.expires); err != nil {
			return nil, "", err
		}
	}
	c.Expires = c.Expires.Truncate(time.Millisecond)
	var args any
	if c.Kind, args, playlist, err = p.arguments(kind, s); err != nil {
		return nil, "", err
	}
	if args != nil {
		if c.Args, err = wire.Encode(args); err != nil {
			return nil, "", err
		}
	}
	var id [16]byte
	rand.Read(id[:])
	c.ID = hex.EncodeToString(id[:])
	return c, playlist, nil
}

func (s *sendOptions) audience() ([]string, error) {
	named := strings.FieldsFunc(strings.Join(*s.displays, ","), func(r rune) bool { return r == ',' || r == ' ' })
	if *s.fleet == (len(named) > 0) {
		return nil, &problem{field: "--display", what: say("one of --display and --fleet is needed, and only one"), remedy: say("name the displays, or give --fleet for all"), usage: true}
	}
	if *s.fleet {
		return []string{wire.Everyone}, nil
	}
	for _, d := range named {
		if wire.CheckDevice(d) != nil {
			return nil, &problem{field: "--display", what: say("%q is not a display id", d), remedy: say("use 3 to 40 of a-z, 0-9 and -"), usage: true}
		}
	}
	slices.Sort(named)
	return slices.Compact(named), nil
}

// arguments reads those of the kind. A power state is a kind of its own to people.
func (p *Program) arguments(kind string, s *sendOptions) (k wire.CommandKind, args any, playlist string, err error) {
	switch wish := wire.PowerWish(kind); wish {
	case wire.WishOn, wire.WishOff, wire.WishBlackout, wire.WishSafe, wire.WishSchedule:
		a := wire.PowerArgs{State: wish, Reason: *s.reason}
		if a.Reason == "" {
			return "", nil, "", missing("--reason")
		}
		a.Until, err = p.optionalTime("--until", *s.until)
		return wire.DoPower, a, "", err
	}
	switch k := wire.CommandKind(kind); k {
	case wire.DoPlaylist:
		digest, playlist, err := s.whichPlaylist()
		return k, wire.PlaylistArgs{Digest: digest}, playlist, err
	case wire.DoIdentify:
		a := wire.IdentifyArgs{Seconds: *s.seconds}
		if a.Seconds == 0 {
			a.Seconds = 30
		}
		return k, a, "", nil
	case wire.DoReboot:
		return k, wire.RebootArgs{Force: *s.force}, "", nil
	case wire.DoRestartPlayer, wire.DoScreenshot, wire.DoDiagnostics:
		return k, nil, "", nil
	}
	return "", nil, "", &problem{field: kind, what: say("is not a kind of command"),
		remedy: say("use on, off, blackout, safe, schedule, playlist, identify, restart-player, reboot, screenshot or diagnostics"), usage: true}
}

// whichPlaylist is named by its digest, or lies at hand with its version.
func (s *sendOptions) whichPlaylist() (digest, version string, err error) {
	if (*s.digest == "") == (*s.playlist == "") {
		return "", "", &problem{field: "--digest", what: say("one of --digest and --playlist is needed, and only one"), remedy: say("give one of them"), usage: true}
	}
	if *s.digest != "" {
		return *s.digest, "", nil
	}
	d, err := openDraft(*s.playlist)
	if err != nil {
		return "", "", err
	}
	if d.envelope == nil {
		return "", "", &problem{field: *s.playlist, what: say("is not signed"), remedy: say("have them sign with: bangtin playlist approve %s", *s.playlist)}
	}
	return d.digest(), d.version(), nil
}
