package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options are the flags of one command, each with a description in both languages.
type options struct {
	set       *flag.FlagSet
	described []described
}

type described struct {
	name  string
	about phrase
}

// errHelp: --help stands among the options.
var errHelp = flag.ErrHelp

func newOptions() *options {
	set := flag.NewFlagSet("bangtin", flag.ContinueOnError)
	set.SetOutput(io.Discard) // what is wrong is told in the person's language
	return &options{set: set}
}

func (o *options) text(name string, about phrase) *string {
	o.described = append(o.described, described{name, about})
	return o.set.String(name, "", "")
}

// key is the option that names whom to sign as.
func (o *options) key() *string {
	return o.text("key", say("private key to sign with: a file, or one that the ssh-agent holds, by agent:SHA256:… or its .pub file"))
}

func (o *options) number(name string, about phrase) *int {
	o.described = append(o.described, described{name, about})
	return o.set.Int(name, 0, "")
}

func (o *options) yes(name string, about phrase) *bool {
	o.described = append(o.described, described{name, about})
	return o.set.Bool(name, false, "")
}

// list is an option that may be given several times.
func (o *options) list(name string, about phrase) *[]string {
	o.described = append(o.described, described{name, about})
	var l stringList
	o.set.Var(&l, name, "")
	return (*[]string)(&l)
}

type stringList []string

func (l *stringList) String() string { return strings.Join(*l, " ") }

func (l *stringList) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// parse reads the options and, wherever it stands among them, the operand that has a name. Where that ends in … there
// may be several; they are returned with a space between them.
func (o *options) parse(args []string, name string) (operand string, err error) {
	var all []string
	for {
		if err := o.set.Parse(args); err != nil {
			return "", err
		}
		if o.set.NArg() == 0 {
			return strings.Join(all, " "), nil
		}
		if name == "" || len(all) > 0 && !strings.HasSuffix(name, "…") {
			return "", fmt.Errorf("unexpected %q", o.set.Arg(0))
		}
		if o.set.Arg(0) == "" {
			return "", errors.New("an operand is empty")
		}
		all = append(all, o.set.Arg(0))
		args = o.set.Args()[1:]
	}
}

// require reports the first of the named options that was left out or is empty.
func (o *options) require(names ...string) error {
	for _, name := range names {
		if o.set.Lookup(name).Value.String() == "" {
			return missing("--" + name)
		}
	}
	return nil
}
