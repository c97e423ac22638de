// Panelpeer is a panel on a pseudo-terminal, for tests: hal/haltest/peer in a process of its own.
//
// It prints the path of the terminal to open, then "power on TIME" and "power off TIME" as the picture appears and
// disappears. With --trace it prints "heard TIME HEX" too, for whatever one reading of the line brings. With --link it
// keeps a symbolic link to the terminal, as udev does for an adapter.
//
// Lines on standard input change it; each is answered with "ok LINE" once it holds, or with "unknown LINE". They are
// those of peer.Panel.Do, such as "silent" or "no garbage", and:
//
//	unplug  hang up and take the link away; the panel stays as it is
//	replug  another terminal, and the link again
//	state   print "state on|off|warming"
//	mark    remember the states from now on
//	seen    print "seen STATE…" with those since mark
//
// It ends when standard input ends.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"bangtin/hal/haltest/peer"
)

func main() {
	c := peer.Config{}
	flag.StringVar(&c.Protocol, "protocol", "mdc", "what the panel `speaks`: "+strings.Join(peer.Protocols(), ", "))
	flag.IntVar(&c.ID, "id", 1, "set `ID` of the panel")
	flag.DurationVar(&c.WarmUp, "warmup", 6*time.Second, "`time` from power on to picture")
	flag.BoolVar(&c.Old, "old", false, "an old SICP set, without group byte")
	flag.Uint64Var(&c.Seed, "seed", 0, "`number` that makes what is left to chance repeatable")
	baud := flag.Int("baud", 0, "let each byte take its time on the line, 10/`rate` seconds; 0 is at once")
	link := flag.String("link", "", "`path` of a symbolic link to the terminal")
	trace := flag.Bool("trace", false, "print what is heard")
	flag.Parse()
	p, err := peer.New(c)
	if err != nil || *baud < 0 || flag.NArg() > 0 {
		if err != nil {
			fmt.Fprintln(os.Stderr, "panelpeer:", err)
		}
		flag.Usage()
		os.Exit(2)
	}
	l := &loop{panel: p, link: *link, out: os.Stdout, heard: io.Discard, state: p.State()}
	if *baud > 0 {
		l.perByte = 10 * time.Second / time.Duration(*baud)
	}
	if *trace {
		l.heard = os.Stdout
	}
	if err := l.run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "panelpeer:", err)
		os.Exit(1)
	}
}
