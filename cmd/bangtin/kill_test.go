package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
)

// TestMain lets the test binary play the program that TestSurvivesKill kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BANGTIN_TEST_VICTIM"); dir != "" {
		work(dir)
	}
	os.Exit(m.Run())
}

// work makes, signs, exports and reopens a playlist again and again until it is killed.
func work(dir string) {
	for n := 1; ; n++ {
		for _, line := range []string{
			"playlist add @pl --id a" + fmt.Sprint(n) + " --picture @p.png --title Ảnh" + provenance,
			"playlist approve @pl --key @an.key",
			"playlist approve @pl --key @binh.key",
			"playlist export @pl --out @stick",
			"playlist reopen @pl",
		} {
			args := strings.Fields(strings.ReplaceAll(line, "@", dir+"/"))
			p := &Program{
				Args: args, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: os.Stderr, Getenv: func(string) string { return "" },
				Now: time.Now, Probe: func(context.Context, string) (time.Duration, error) { return 0, errors.New("no video here") },
			}
			if code := p.Run(context.Background()); code != exitOK {
				os.Exit(99)
			}
			fmt.Println(line)
		}
	}
}

// A kill at any moment leaves every file whole: what is read afterwards was once written in full, and the
// playlist on the stick is complete and bears both signatures.
func TestSurvivesKill(t *testing.T) {
	d := newDesk(t)
	d.trust()
	exported := 0
	for i := range 12 {
		d.check(os.RemoveAll(d.path("pl")))
		d.playlist()
		d.kill(1+i%6, time.Duration(i)*time.Millisecond)
		dr, err := openDraft(d.path("pl"))
		d.check(err)
		d.check(dr.playlist.Validate())
		for _, f := range dr.playlist.Files() {
			d.check(checkFile(d.path("pl/content/"+f.SHA256), f))
		}
		if there, err := exists(d.path("stick/playlist.json")); err != nil || !there {
			continue
		}
		exported++
		doc, err := trust.ParseDocument(d.read("trust.json"))
		d.check(err)
		_, err = doc.Verify(d.read("stick/playlist.json"), trust.TypePlaylist)
		d.check(err)
		stick, err := openDraft(d.path("stick"))
		d.check(err)
		for _, f := range stick.playlist.Files() {
			d.check(checkFile(d.path("stick/content/"+f.SHA256), f))
		}
	}
	if exported == 0 {
		t.Error("never got as far as an export, so nothing was shown about it")
	}
}

// kill starts the victim, waits until it has finished some commands and kills it the given time later.
func (d *desk) kill(commands int, after time.Duration) {
	d.t.Helper()
	exe, err := os.Executable()
	d.check(err)
	cmd := exec.CommandContext(d.t.Context(), exe)
	cmd.Env = append(os.Environ(), "BANGTIN_TEST_VICTIM="+d.dir)
	out, err := cmd.StdoutPipe()
	d.check(err)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	d.check(cmd.Start())
	for lines := bufio.NewReader(out); commands > 0; commands-- {
		if _, err := lines.ReadString('\n'); err != nil {
			d.t.Errorf("the victim ends by itself: %v", err)
			break
		}
	}
	time.Sleep(after) // places the kill; nothing is asserted about time
	d.check(cmd.Process.Kill())
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 99 {
		d.t.Fatalf("the victim was not killed: %v\n%s", err, errs.String())
	}
}
