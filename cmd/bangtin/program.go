package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1 // refused, or something went wrong
	exitUsage  = 2 // an unknown command, or an option that is missing or wrong
	exitOpen   = 3 // no answer in time: what was asked may still happen
	exitDenied = 4 // a display refused
)

// A Program is one call of the command line. Its fields are all that it knows of the world, so tests run it in
// process.
type Program struct {
	Args   []string  // without the program's own name
	Stdin  io.Reader // asked for passphrases and a yes where it is a terminal; never read otherwise
	Stdout io.Writer // results
	Stderr io.Writer // errors and questions
	Getenv func(string) string
	Now    func() time.Time
	// Probe measures a video. Its error wraps exec.ErrNotFound where there is nothing to measure with.
	Probe    func(ctx context.Context, path string) (time.Duration, error)
	Fonts    string // folder of the display's fonts, where --fonts names none
	Patience Patience
	// AgentWait is how long the ssh-agent may take to answer; 10 s when zero. A signature may take six times as
	// long: a person may have to touch a token.
	AgentWait time.Duration

	translation map[string]string // from English; nil when English is wanted
	objects     io.Writer         // where --json writes; nil when people read
}

// A command is one verb. setup declares its options and returns what to do once they are filled in.
type command struct {
	name    string
	operand string // the name of its one operand, or empty; with … there may be several
	about   phrase
	setup   func(*options) action
}

type action func(ctx context.Context, operand string) error

func (p *Program) commands() []command {
	return []command{
		{"keys new", "", say("make a person's signing key"), p.keysNew},
		{"trust new", "", say("write a trust document and sign it"), p.trustNew},
		{"trust sign", "FILE", say("add a signature to a trust document"), p.trustSign},
		{"trust show", "FILE", say("show who holds which role"), p.trustShow},
		{"playlist new", "DIR", say("begin a playlist"), p.playlistNew},
		{"playlist add", "DIR", say("add a picture, a video or a text"), p.playlistAdd},
		{"playlist show", "DIR", say("show everything that is signed in a playlist"), p.playlistShow},
		{"playlist approve", "DIR", say("sign a playlist: first the editor, then the approver"), p.playlistApprove},
		{"playlist reopen", "DIR", say("drop the signatures so that a playlist can be changed"), p.playlistReopen},
		{"playlist export", "DIR", say("write the approved playlist for a display's inbox or a USB stick"), p.playlistExport},
		{"playlist publish", "DIR|FILE", say("bring the approved playlist to the centre and to displays"), p.playlistPublish},
		{"trust publish", "FILE", say("bring a trust document to displays"), p.trustPublish},
		{"sign show", "FILE", say("show everything that is about to be signed in a draft, and who is still missing"), p.signShow},
		{"sign draft", "FILE", say("add a signature to a draft: a playlist, a trust document, an order or a command"), p.signDraft},
		{"power publish", "FILE", say("bring a power order to its display, to hold until it is replaced"), p.powerPublish},
		{"power", "", say("write a signed power order for one display"), p.power},
		{"send", "[KIND]", say("sign a command, send it and follow what displays say of it"), p.send},
		{"site new", "FILE", say("write the site file of a new display: asked on a terminal, or from options"), p.siteNew},
		{"site check", "FILE", say("find what a display would refuse in a site file"), p.siteCheck},
		{"site seal", "FILE", say("sign a site file: its seal goes beside it"), p.siteSeal},
		{"site stick", "DIR", say("make the stick that a new display takes its site file from"), p.siteStick},
		{"watch", "", say("watch many displays and show what is wrong"), p.watch},
		{"center init", "", say("make the folder of a centre: authorities, broker, services"), p.centerInit},
		{"center operator", "", say("make a certificate for an operator"), p.centerOperator},
		{"center enrol", "", say("make a one-time code by which a display is let in"), p.centerEnrol},
		{"center sign", "", say("let a display in whose request came on a stick"), p.centerSign},
		{"center revoke", "", say("shut a display or an operator out"), p.centerRevoke},
		{"center crl", "", say("sign the list of revoked certificates anew"), p.centerCRL},
		{"center renew", "", say("renew the certificates of broker and centre before they run out"), p.centerRenew},
		{"flash", "IMAGE", say("write a controller's image to a medium and read it back"), p.flash},
		{"panel encode", "WORD…", say("write a request to a panel in hex"), p.panelEncode},
		{"panel decode", "HEX…", say("say in words what a request to a panel or its reply says"), p.panelDecode},
		{"panel discover", "", say("find which protocol and set ID a panel answers to; nothing is set"), p.panelDiscover},
	}
}

// Run does what Args say and returns the exit code.
func (p *Program) Run(ctx context.Context) int {
	args, err := p.chooseLanguage()
	if err != nil {
		return p.report(err)
	}
	if len(args) > 0 && args[0] == "--json" {
		p.speakJSON()
		args = args[1:]
	}
	if len(args) == 0 {
		p.overview(p.Stderr)
		return exitUsage
	}
	asked := args[0] == "help" || args[0] == "--help" || args[0] == "-h"
	if asked {
		args = args[1:]
		if n := len(args); n > 0 && args[n-1] == "--json" {
			p.speakJSON()
			args = args[:n-1]
		}
	}
	if asked && len(args) == 0 {
		p.overview(p.Stdout)
		return p.report(p.result(overviewOf(p)))
	}
	c, rest, ok := p.find(args)
	if !ok {
		return p.report(&problem{
			field: strings.Join(args[:min(2, len(args))], " "), what: say("there is no such command"),
			remedy: say("see bangtin help"), usage: true,
		})
	}
	return p.report(p.execute(ctx, c, rest, asked))
}

func (p *Program) execute(ctx context.Context, c command, args []string, help bool) error {
	o := newOptions()
	do := c.setup(o)
	json := o.yes("json", say("write objects for programs: one on a line; errors too, on standard error"))
	operand, err := o.parse(args, c.operand)
	if *json || slices.Contains(args, "--json") { // also when an option before it is wrong
		p.speakJSON()
	}
	if help || errors.Is(err, errHelp) {
		p.usage(c, o)
		return p.result(usageOf(p, c, o))
	}
	if err != nil {
		return &problem{
			field: c.name, what: say("an option is wrong"), remedy: say("see bangtin help %s", c.name),
			cause: err, usage: true,
		}
	}
	if c.operand != "" && c.operand[0] != '[' && operand == "" {
		return missing(c.operand)
	}
	return do(ctx, operand)
}

// find matches the words of a command and returns what follows them.
func (p *Program) find(args []string) (command, []string, bool) {
	for _, c := range p.commands() {
		n := strings.Count(c.name, " ") + 1
		if len(args) >= n && strings.Join(args[:n], " ") == c.name {
			return c, args[n:], true
		}
	}
	return command{}, nil, false
}

func (p *Program) overview(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", p.text(say("bangtin makes and signs what the displays at the border gates show and obey.")))
	fmt.Fprintf(w, "%s\n", p.text(say("Usage: bangtin [--lang vi|en] COMMAND …")))
	for _, c := range p.commands() {
		fmt.Fprintf(w, "  %-17s %s\n", c.name, p.text(c.about))
	}
	fmt.Fprintf(w, "\n%s\n", p.text(say("Every command takes --json and then writes objects for programs, one on a line.")))
	fmt.Fprintf(w, "%s\n", p.text(say("bangtin help COMMAND shows the options. Exit code: 0 done, 1 refused or failed, 2 wrong usage, 3 no answer in time, 4 a display refused.")))
}

func (p *Program) usage(c command, o *options) {
	fmt.Fprintf(p.Stdout, "%s\n", p.text(say("Usage: bangtin %s …", strings.TrimSpace(c.name+" "+c.operand))))
	fmt.Fprintf(p.Stdout, "  %s\n\n", p.text(c.about))
	for _, d := range o.described {
		fmt.Fprintf(p.Stdout, "  --%-16s %s\n", d.name, p.text(d.about))
	}
}
