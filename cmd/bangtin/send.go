package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// commandLife is how long a command may be taken where --expires says nothing: a display that is away for a moment
// still gets it from the centre, and nothing happens when nobody expects it any more.
const commandLife = 15 * time.Minute

func (p *Program) send(o *options) action {
	s := newSendOptions(o)
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
	switch {
	case *s.command != "" && kind != "":
		return nil, &problem{field: "--command", what: say("stands beside a new command"), remedy: say("give one of them"), usage: true}
	case *s.command == "" && kind == "":
		return nil, missing("KIND")
	}
	if err := s.check(kind); err != nil {
		return nil, err
	}
	if *s.command != "" {
		return p.readCommand(*s.command, *s.trust)
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
		if err := p.remember(path, out.command.Counter); err != nil {
			return err
		}
	}
	return out.seal("--key", *s.trust, *s.out != "")
}

// seal counts or, with a trust document, verifies the signatures. A draft may still lack some. field is what gave them.
func (out *outgoing) seal(field, trustFile string, draft bool) error {
	out.digest = digestOf(out.envelope.Payload)
	if draft {
		return nil
	}
	role := out.role()
	if need := trust.MinThreshold(role); len(out.envelope.Signatures) < need {
		return &problem{field: field, what: say("this command needs the role %s and %d people to sign it", string(role), need),
			remedy: say("write it with --out FILE, have the next person sign with bangtin sign draft FILE, then bangtin send --command FILE")}
	}
	return checkSigned(field, trustFile, out.raw, role.Type())
}

// checkSigned verifies, where a trust document is given, that displays will find enough signatures. field is what gave
// them.
func checkSigned(field, trustFile string, raw []byte, t trust.Type) error {
	if trustFile == "" {
		return nil
	}
	doc, err := readTrust(trustFile)
	if err != nil {
		return err
	}
	if _, err := doc.Verify(raw, t); err != nil {
		return refused(field, err)
	}
	return nil
}

func (p *Program) readCommand(path, trustFile string) (*outgoing, error) {
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
	return out, out.seal(path, trustFile, false)
}

// newCommand is what the options ask for. Of a playlist that is at hand it also returns id@version.
func (p *Program) newCommand(kind string, s *sendOptions) (c *wire.Command, playlist string, err error) {
	count, err := p.made(*s.keys...)
	if err != nil {
		return nil, "", err
	}
	c = &wire.Command{Counter: count, Expires: time.UnixMilli(int64(count)).UTC().Add(commandLife)}
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

// arguments reads those of the kind. A power state is a kind of its own to people.
func (p *Program) arguments(kind string, s *sendOptions) (k wire.CommandKind, args any, playlist string, err error) {
	if wish := wire.PowerWish(kind); isWish(wish) {
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
