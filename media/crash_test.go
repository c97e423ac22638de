//go:build linux

package media_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The child process of TestKilledAtEveryStep: the test binary, told by its environment to be one.
const (
	crashDir = "BANGTIN_TEST_CRASH_DIR"
	crashAt  = "BANGTIN_TEST_CRASH_AT" // the number of the step at which it kills itself
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := renew(dir, os.Getenv(crashAt)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// renew brings version 1 on air undisturbed, and then version 2 until it is killed.
func renew(dir, at string) error {
	last, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	armed, step := false, 0
	b, err := openBench(dir, func(label string) {
		if !armed {
			return
		}
		if step++; step == last {
			fmt.Println("killed at", label)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	if err != nil {
		return err
	}
	if err := b.air(list(1, picture(1), film(500)), picture(1), film(500)); err != nil {
		return err
	}
	armed = true
	if err := b.air(list(2, picture(2), film(900)), picture(2), film(900)); err != nil {
		return err
	}
	b.clock.advance(3 * time.Hour)
	return errors.Join(b.library.Step(context.Background()), b.journal.Close())
}

// Killed with SIGKILL before and after every write there is between an offer and the switch, the display shows the
// whole old playlist or the whole new one, the order is on record once, and the rest can be done again.
func TestKilledAtEveryStep(t *testing.T) {
	var labels []string
	for at := 1; ; at++ {
		dir := t.TempDir()
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir, crashAt+"="+strconv.Itoa(at))
		out, err := child.CombinedOutput()
		if err == nil {
			break
		}
		label, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "killed at ")
		if !ok {
			t.Fatalf("step %d: %v: %s", at, err, out)
		}
		labels = append(labels, label)
		t.Run(fmt.Sprintf("%d %s", at, label), func(t *testing.T) { survived(t, dir) })
	}
	// Three for each of two commits, five for each of two files.
	if len(labels) != 16 {
		t.Errorf("killed at %d steps, want 16: %v", len(labels), labels)
	}
}

func survived(t *testing.T, dir string) {
	ctx := context.Background()
	b := newBench(t, dir)
	if r := b.journal.Recovered(); r.String() != "" {
		t.Errorf("the journal was damaged: %+v", r)
	}
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if got := b.shows(); got != "version 1, 3 clips" && got != "version 2, 3 clips" {
		t.Errorf("shows %s", got)
	}
	for _, name := range files(t, dir+"/content") {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("left: %s", name)
		}
	}
	if in := b.incidents(t); len(in) != 0 {
		t.Errorf("incidents: %+v", in)
	}
	if err := b.air(list(2, picture(2), film(900)), picture(2), film(900)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 2, 3 clips")
	accepted := 0
	for _, o := range b.orders(t) {
		if o.Version == 2 && o.Accepted {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("version 2 is on record as accepted %d times", accepted)
	}
}
