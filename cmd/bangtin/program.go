package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1 // refused, or something went wrong
	exitUsage  = 2 // an unknown command, or an option that is missing or wrong
)

// A Program is one call of the command line. Its fields are all that it knows of the world, so tests run it in
// process.
type Program struct {
	Args   []string  // without the program's own name
	Stdin  io.Reader // asked for passphrases where it is a terminal; never read otherwise
	Stdout io.Writer // results
	Stderr io.Writer // errors and questions
	Getenv func(string) string
	Now    func() time.Time
	// Probe measures a video. Its error wraps exec.ErrNotFound where there is nothing to measure with.
	Probe func(ctx context.Context, path string) (time.Duration, error)
	Fonts string // folder of the display's fonts, where --fonts names none

	translation map[string]string // from English; nil when English is wanted
}

// A command is one verb. setup declares its options and returns what to do once they are filled in.
type command struct {
	name    string
	operand string // the name of its one operand, or empty
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
		{"power", "", say("write a signed power order for one display"), p.power},
		{"center init", "", say("make the folder of a centre: authorities, broker, services"), p.centerInit},
		{"center operator", "", say("make a certificate for an operator"), p.centerOperator},
		{"center enrol", "", say("make a one-time code by which a display is let in"), p.centerEnrol},
		{"center sign", "", say("let a display in whose request came on a stick"), p.centerSign},
		{"center revoke", "", say("shut a display or an operator out"), p.centerRevoke},
		{"center crl", "", say("sign the list of revoked certificates anew"), p.centerCRL},
		{"center renew", "", say("renew the certificates of broker and centre before they run out"), p.centerRenew},
	}
}

// Run does what Args say and returns the exit code.
func (p *Program) Run(ctx context.Context) int {
	args, err := p.chooseLanguage()
	if err != nil {
		return p.report(err)
	}
	if len(args) == 0 {
		p.overview(p.Stderr)
		return exitUsage
	}
	asked := args[0] == "help" || args[0] == "--help" || args[0] == "-h"
	if asked {
		args = args[1:]
	}
	if asked && len(args) == 0 {
		p.overview(p.Stdout)
		return exitOK
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
	operand, err := o.parse(args, c.operand != "")
	if help || errors.Is(err, errHelp) {
		p.usage(c, o)
		return nil
	}
	if err != nil {
		return &problem{
			field: c.name, what: say("an option is wrong"), remedy: say("see bangtin help %s", c.name),
			cause: err, usage: true,
		}
	}
	if c.operand != "" && operand == "" {
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
	fmt.Fprintf(w, "\n%s\n", p.text(say("bangtin help COMMAND shows the options. Exit code: 0 done, 1 refused or failed, 2 wrong usage.")))
}

func (p *Program) usage(c command, o *options) {
	fmt.Fprintf(p.Stdout, "%s\n", p.text(say("Usage: bangtin %s …", strings.TrimSpace(c.name+" "+c.operand))))
	fmt.Fprintf(p.Stdout, "  %s\n\n", p.text(c.about))
	for _, d := range o.described {
		fmt.Fprintf(p.Stdout, "  --%-16s %s\n", d.name, p.text(d.about))
	}
}
