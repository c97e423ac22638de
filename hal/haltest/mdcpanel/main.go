// Mdcpanel is a panel that speaks Samsung MDC on a pseudo-terminal, for tests.
//
// It shares no code with the drivers: it was written from the frames in hardware-facts.md and
// panel-vectors.json, so that a driver is judged by something other than itself. It prints the path of the
// terminal to open, then "power on TIME" and "power off TIME" as the picture appears and disappears. With --trace
// it prints "heard TIME HEX" too, for whatever one reading of the line brings.
//
// Lines on standard input change it; each is answered with "ok LINE" once it holds, or with "unknown LINE":
//
//	silent      obey, but answer nothing          talk     answer again
//	nak         refuse everything                 disobey  acknowledge, but do nothing
//	obey        end nak and disobey               clean    end the four below
//	garbage     noise, echo and foreign replies around each reply
//	split       each byte of a reply on its own   duplicate  each reply twice
//	late        each reply only when the next one is due
//	lose-power  fall back to standby              state    print "state on|off|warming"
//
// It ends when standard input ends.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	id := flag.Int("id", 1, "set `ID` of the panel, 0 to 253")
	warmup := flag.Duration("warmup", 6*time.Second, "`time` from power on to picture; the panel is deaf meanwhile")
	trace := flag.Bool("trace", false, "print what is heard")
	flag.Parse()
	if *id < 0 || *id > 253 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	heard := io.Discard
	if *trace {
		heard = os.Stdout
	}
	if err := run(byte(*id), *warmup, heard, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mdcpanel:", err)
		os.Exit(1)
	}
}

func run(id byte, warmup time.Duration, heard io.Writer, in io.Reader, out io.Writer) error {
	line, path, err := openTerminal()
	if err != nil {
		return err
	}
	defer line.Close()
	fmt.Fprintln(out, path)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &panel{id: id, warmup: warmup, line: line, out: out, warm: time.NewTimer(0), input: 0x21, lamp: 100}
	<-p.warm.C
	return p.loop(readLine(ctx, line, heard), readCommands(in))
}

// readLine passes on what arrives on the line, and closes the channel when the line fails.
func readLine(ctx context.Context, line io.Reader, heard io.Writer) <-chan []byte {
	c := make(chan []byte)
	go func() {
		defer close(c)
		for {
			b := make([]byte, 256)
			n, err := line.Read(b)
			if err != nil {
				return
			}
			fmt.Fprintf(heard, "heard %s %X\n", time.Now().UTC().Format(time.RFC3339Nano), b[:n])
			select {
			case c <- b[:n]:
			case <-ctx.Done():
				return
			}
		}
	}()
	return c
}

func readCommands(in io.Reader) <-chan string {
	c := make(chan string)
	go func() {
		defer close(c)
		for s := bufio.NewScanner(in); s.Scan(); {
			c <- s.Text()
		}
	}()
	return c
}
