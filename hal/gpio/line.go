package gpio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"periph.io/x/conn/v3/gpio"
)

// A Line says where one line is and how it is wired.
type Line struct {
	// Chip is the chip's label, which gpiodetect shows in brackets; or its place on the bus, which is one folder's
	// name of its device path in sysfs, such as the USB port 1-1.2; or a link in /dev that udev keeps. The kernel's
	// own gpiochipN is refused: the kernel counts in the order of finding, and a chip that returns is counted anew.
	Chip string
	// Name is the line's name on that chip, or its number there.
	Name string
	// ActiveLow: the line is active while its level is low.
	ActiveLow bool
	// Pull is gpio.PullUp or gpio.PullDown; every other value leaves the pin as the board has it. A chip that has
	// no resistors of its own ignores it without a word (gpiolib), as USB adapters do: wire one.
	Pull gpio.Pull
}

// maxName bounds chip and line. Labels and names in the kernel have at most 31 bytes, a path has more.
const maxName = 128

func (l Line) String() string { return fmt.Sprintf("line %q of chip %q", l.Name, l.Chip) }

// check finds what can never be a line.
func (l Line) check() error {
	for _, text := range []string{l.Chip, l.Name} {
		if text == "" || len(text) > maxName || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("cannot use %v: chip and line are 1 to %d bytes on one line", l, maxName)
		}
	}
	if numbered(strings.TrimPrefix(l.Chip, "/dev/")) {
		return fmt.Errorf("cannot use %v: the kernel numbers chips as it finds them; write the label or the place on the bus", l)
	}
	return nil
}

// numbered tells whether a chip is named as the kernel does, by the order of finding.
func numbered(chip string) bool {
	n, ok := strings.CutPrefix(chip, "gpiochip")
	return ok && number(n)
}

func number(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// Errors that the kernel's lines wrap and the logic tells apart.
var (
	errGone    = errors.New("gpio chip is gone")
	errNoEdges = errors.New("gpio chip has no interrupts")
)

// lines opens lines: the kernel's, or a test's.
type lines interface {
	// input opens an input that is told of edges, of which the kernel keeps up to buffer; 0 is an input that is
	// only ever read. The error wraps errNoEdges where the chip cannot tell edges.
	input(l Line, buffer int) (input, error)
	// output opens an output which is active or not from the first moment, without a state in between.
	output(l Line, active bool) (output, error)
}

// An input is one open input line. Its times are on the kernel's clock of events, which stands still for nobody.
type input interface {
	// level reads whether the line is active now.
	level() (bool, error)
	// wait blocks until edges came, limit has passed or ctx ends, which is no error. It returns all edges before
	// seen, in order.
	wait(ctx context.Context, limit time.Duration) (edges []edge, seen time.Duration, err error)
	now() time.Duration
	io.Closer
}

// An output is one open output line. It has no way to be read, because reading must not be able to move it.
type output interface {
	// write returns once the chip has the value. The error wraps errGone where there is no such chip any more.
	write(active bool) error
	io.Closer
}

// An edge is one change of an input, as the kernel saw it.
type edge struct {
	active bool
	at     time.Duration // when the interrupt came
	seq    uint32        // counts the line's edges from 1; a gap shows edges that the kernel had no room for
}
