package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
	"bangtin/media"
)

// A content is what an envelope says. There is one for each kind of payload that people sign; what cannot be shown
// is not signed.
type content interface {
	show(p *Program) error
	// signable refuses what no display would take, at now.
	signable(now time.Time) error
	// mayBeSignedBy refuses a key that holds the role in d and still may not sign this.
	mayBeSignedBy(d *trust.Document, key string) error
}

// openContent reads the payload of a draft. The types power and trust carry commands too.
func openContent(path string, e *trust.Envelope) (content, error) {
	switch e.Type {
	case trust.TypePlaylist:
		d := &draft{dir: filepath.Dir(path), envelope: e}
		return &playlistContent{d}, d.parse(path, e.Payload)
	case trust.TypeTrust:
		if c, err := wire.ParseCommand(e.Payload); err == nil {
			return &commandContent{path, c, e.Type}, nil
		}
		d, err := trust.DecodeDocument(e.Payload)
		if err != nil {
			return nil, refused(path, err)
		}
		return &documentContent{path, d}, nil
	case trust.TypePower:
		if c, err := wire.ParseCommand(e.Payload); err == nil {
			return &commandContent{path, c, e.Type}, nil
		}
		o, err := wire.ParsePowerOrder(e.Payload)
		if err != nil {
			return nil, &problem{field: path, what: say("the display would refuse this order"), remedy: say("see the detail"), cause: err}
		}
		return &orderContent{path, o}, nil
	}
	return nil, &problem{field: path, what: say("is of a kind that people do not sign with this program"),
		remedy: say("check that this is the right file"), cause: fmt.Errorf("payload type %s", e.Type)}
}

// A playlistContent may lie alone, or in the folder of its draft with its files.
type playlistContent struct{ draft *draft }

func (c *playlistContent) show(p *Program) error {
	if err := p.showPlaylist(c.draft.playlist); err != nil {
		return err
	}
	there, err := exists(c.draft.content())
	if err == nil && !there && len(c.draft.playlist.Files()) > 0 {
		p.tell(say("The pictures and videos are not beside this file: look at them before you sign."))
	}
	return err
}

// signable looks at the files too, where they are there.
func (c *playlistContent) signable(time.Time) error {
	if err := c.draft.playlist.Validate(); err != nil {
		return err
	}
	there, err := exists(c.draft.content())
	if err != nil || !there {
		return err
	}
	for _, f := range c.draft.playlist.Files() {
		if err := checkFile(contentFile(c.draft.dir, f.SHA256), f); err != nil {
			return err
		}
	}
	return nil
}

func (c *playlistContent) mayBeSignedBy(d *trust.Document, key string) error {
	return approves(c.draft.playlist, d, key)
}

type documentContent struct {
	path     string
	document *trust.Document
}

func (c *documentContent) show(p *Program) error                       { return p.showDocument(c.path, c.document) }
func (c *documentContent) signable(time.Time) error                    { return nil } // it was decoded
func (c *documentContent) mayBeSignedBy(*trust.Document, string) error { return nil }

type orderContent struct {
	path  string
	order *wire.PowerOrder
}

func (c *orderContent) show(p *Program) error {
	until, err := optionalClock(c.order.Until)
	if err != nil {
		return err
	}
	p.tell(say("%s: standing order, version %d", c.path, c.order.Version))
	return p.table(
		row{say("display"), c.order.Device}, row{say("what"), p.text(wishWord(c.order.State))},
		row{say("until"), until}, row{say("reason"), c.order.Reason},
	)
}

func (c *orderContent) signable(now time.Time) error { return notPast(c.path, c.order.Until, now) }

func (c *orderContent) mayBeSignedBy(*trust.Document, string) error { return nil }

type commandContent struct {
	path    string
	command *wire.Command
	carrier trust.Type
}

func (c *commandContent) show(p *Program) error {
	expires, err := clock(c.command.Expires)
	if err != nil {
		return err
	}
	made, err := clock(time.UnixMilli(int64(c.command.Counter)))
	if err != nil {
		return err
	}
	whom := strings.Join(c.command.Audience, " ")
	if slices.Equal(c.command.Audience, []string{wire.Everyone}) {
		whom = p.text(say("all displays"))
	}
	p.tell(say("%s: command %s", c.path, c.command.ID))
	rows, err := p.commandRows(c.command)
	if err != nil {
		return err
	}
	rows = append([]row{{say("display"), whom}, {say("what"), p.text(commandWord(c.command.Kind))}}, rows...)
	return p.table(append(rows, row{say("made"), made}, row{say("not taken after"), expires})...)
}

func (c *commandContent) signable(now time.Time) error {
	if need := c.command.Role(); need == trust.RoleTrust && c.carrier != need.Type() {
		return &problem{field: c.path, what: say("the display would refuse this order"), remedy: say("see the detail"),
			cause: fmt.Errorf("it needs role %s and is made for role %s", need, c.carrier.Role())}
	}
	return notPast(c.path, &c.command.Expires, now)
}

func (c *commandContent) mayBeSignedBy(*trust.Document, string) error { return nil }

// countOf is what displays count of what a key signs: commands and power orders.
func countOf(c content) (uint64, bool) {
	switch c := c.(type) {
	case *commandContent:
		return c.command.Counter, true
	case *orderContent:
		return c.order.Version, true
	}
	return 0, false
}

// commandRows are the arguments of a command.
func (p *Program) commandRows(c *wire.Command) ([]row, error) {
	switch c.Kind {
	case wire.DoPower:
		a, err := c.Power()
		if err != nil {
			return nil, err
		}
		until, err := optionalClock(a.Until)
		if err == nil && a.Until == nil && a.State != wire.WishSchedule {
			until = p.text(say("until somebody orders otherwise"))
		}
		return []row{{say("how"), p.text(wishWord(a.State))}, {say("until"), until}, {say("reason"), a.Reason}}, err
	case wire.DoPlaylist:
		a, err := c.Playlist()
		if err != nil {
			return nil, err
		}
		return []row{{phrase{english: "SHA-256"}, a.Digest}}, nil
	case wire.DoIdentify:
		a, err := c.Identify()
		if err != nil {
			return nil, err
		}
		return []row{{say("seconds"), strconv.Itoa(a.Seconds)}}, nil
	case wire.DoReboot:
		a, err := c.Reboot()
		if err != nil || !a.Force {
			return nil, err
		}
		return []row{{say("how"), p.text(say("also while the display is on air"))}}, nil
	}
	return nil, nil
}

// notPast refuses to sign what no display takes any more.
func notPast(path string, end *time.Time, now time.Time) error {
	if end == nil || end.After(now) {
		return nil
	}
	return &problem{field: path, what: say("is past"), remedy: say("make it anew")}
}

// A row is one line of a table; without words it is left out.
type row struct {
	label phrase
	words string
}

func (p *Program) table(rows ...row) error {
	w := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		if r.words != "" {
			fmt.Fprintf(w, "   %s\t%s\n", p.text(r.label), visible(r.words))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write table: %w", err)
	}
	return nil
}

func wishWord(w wire.PowerWish) phrase {
	switch w {
	case wire.WishOn:
		return say("on, whatever the schedule says")
	case wire.WishOff:
		return say("off; people on site may switch it on")
	case wire.WishBlackout:
		return say("dark; nobody on site may switch it on")
	case wire.WishSafe:
		return say("the built-in safe picture")
	case wire.WishSchedule:
		return say("back to the schedule")
	}
	return phrase{english: visible(string(w))}
}

func commandWord(k wire.CommandKind) phrase {
	switch k {
	case wire.DoPower:
		return say("switch the panel")
	case wire.DoPlaylist:
		return say("show the newest approved playlist now")
	case wire.DoIdentify:
		return say("show the gate's name on the screen")
	case wire.DoRestartPlayer:
		return say("restart the player")
	case wire.DoReboot:
		return say("restart the controller")
	case wire.DoScreenshot:
		return say("send a picture of the screen")
	case wire.DoDiagnostics:
		return say("send a report of the controller's state")
	}
	return phrase{english: visible(string(k))}
}

// showPlaylist prints everything that a signature stands for.
func (p *Program) showPlaylist(l *media.Playlist) error {
	p.tell(say("%s: %s, version %d, for %s", visible(l.ID), visible(l.Title), l.Version, visible(strings.Join(l.Audience, " "))))
	for i := range l.Items {
		if err := p.showItem(i+1, &l.Items[i]); err != nil {
			return err
		}
	}
	return nil
}
