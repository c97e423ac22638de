package main

import (
	"bytes"
	"image/jpeg"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/media"
)

func TestAnItemIsPlayed(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	p, end := daemon(t, s.options())
	show(t, p, 1)
	select {
	case shown := <-p.Finished():
		if shown.Clip.Item.ID != "red" || !shown.Complete {
			t.Errorf("reported as %+v", shown)
		}
	case <-time.After(patience):
		t.Fatalf("nothing was shown: %+v", p.Playing())
	}
	shot, err := p.Screenshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := img.At(10, 10).RGBA(); r>>8 < 0xA0 || g>>8 > 0x50 || b>>8 > 0x50 {
		t.Errorf("the screenshot is %d %d %d", r>>8, g>>8, b>>8)
	}
	if o := p.Playing(); o.Detail != "" {
		t.Errorf("all is well, and the player complains: %s", o.Detail)
	}
	end()
	if e := s.ended(); e.code != exitHungUp || !strings.Contains(e.said, "the daemon hung up, and mpv ended") {
		t.Errorf("%+v", e)
	}
}

// TestATextIsPlayed: what is drawn by the daemon's own mpv is shown by the other.
func TestATextIsPlayed(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	p, _ := daemon(t, s.options())
	text := media.Text{Body: "Hello", Foreground: "#ffffff", Background: "#0b3d91"}
	item := media.Item{ID: "sign", Kind: media.TextCard, Language: media.English, Seconds: 3600, Text: &text}
	p.Show(media.Programme{Playlist: "test", Version: 1, Clips: []media.Clip{{Playlist: "test", Version: 1, Item: item}}})
	await(t, p, "the text", plays)
}

func TestAMpvThatIsKilledIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	p, _ := daemon(t, s.options())
	show(t, p, 3600)
	await(t, p, "the picture", plays)
	first := s.mpv1()
	s.signal(first, syscall.SIGKILL)
	down := await(t, p, "down", func(o media.Playing) bool { return !plays(o) })
	if !strings.Contains(down.Detail, "mpv ended: signal: killed") {
		t.Errorf("the detail does not name the cause: %q", down.Detail)
	}
	if e := s.ended(); e.code != exitEnded || !strings.Contains(e.said, "signal: killed") {
		t.Errorf("%+v", e)
	}
	await(t, p, "the picture again", plays)
	if s.mpv1() == first {
		t.Error("it was not another mpv")
	}
}

func TestAMpvThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	p, _ := daemon(t, s.options())
	show(t, p, 3600)
	await(t, p, "the picture", plays)
	first := s.mpv1()
	s.signal(first, syscall.SIGSTOP)
	down := await(t, p, "down", func(o media.Playing) bool { return !plays(o) })
	if !strings.Contains(down.Detail, "hangs") {
		t.Errorf("the detail does not name the cause: %q", down.Detail)
	}
	if e := s.ended(); e.code != exitHungUp || !strings.Contains(e.said, "mpv was killed after 1s") {
		t.Errorf("%+v", e)
	}
	await(t, p, "the picture again", plays)
	if s.mpv1() == first {
		t.Error("it was not another mpv")
	}
}

// TestWhatDoesNotEndIsWaitedFor: while anything of the last mpv has the connection, and with it the display, there is no
// other one.
func TestWhatDoesNotEndIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	p, _ := daemon(t, s.options())
	show(t, p, 3600)
	await(t, p, "the picture", plays)
	held, hanging := s.players()[0], s.mpv1()
	s.signal(held, syscall.SIGSTOP)
	s.signal(hanging, syscall.SIGSTOP)
	await(t, p, "the reason", func(o media.Playing) bool {
		return o.State == media.PlayerDown && strings.Contains(o.Detail, "hangs in the kernel")
	})
	if n := len(s.players()); n != 1 {
		t.Errorf("%d were started", n)
	}
	s.signal(held, syscall.SIGCONT)
	await(t, p, "the picture again", plays)
}

// TestMpvEndsWithItsPlayer: a bangtin-player that is killed leaves no mpv behind, whatever that mpv does with the end of
// the connection.
func TestMpvEndsWithItsPlayer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, number := filepath.Join(dir, "mpv"), filepath.Join(dir, "number")
	script := "#!/bin/sh\necho $$ >" + number + ".new; mv " + number + ".new " + number + "\nexec sleep 600\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s := serve(t, program)
	call(t, s, string(encode(t, append(fixed(), "--vo=null", "--ao=null", "--volume=0", "--video-rotate=0")))+"\n")
	var text []byte
	for deadline := time.Now().Add(patience); len(text) == 0; text, _ = os.ReadFile(number) {
		if time.Now().After(deadline) {
			t.Fatal("mpv is not started")
		}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // where the test failed
	s.signal(s.players()[0], syscall.SIGKILL)
	s.ended()
	for deadline := time.Now().Add(patience); runs(pid); {
		if time.Now().After(deadline) {
			t.Fatal("mpv goes on")
		}
	}
}

// runs tells a process that runs from one that has ended, and may not have been reaped.
func runs(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, "")
	one, endOne := daemon(t, s.options())
	show(t, one, 3600)
	await(t, one, "the first picture", plays)
	first := s.mpv1()
	two, endTwo := daemon(t, s.options())
	show(t, two, 3600)
	await(t, two, "the second picture", plays)
	if n := len(s.mpvs()); n != 2 {
		t.Errorf("%d mpvs run", n)
	}
	endTwo()
	if e := s.ended(); e.code != exitHungUp {
		t.Errorf("%+v", e)
	}
	if !plays(one.Playing()) || s.mpv1() != first {
		t.Errorf("the end of one disturbed the other: %+v", one.Playing())
	}
	endOne()
	s.gone()
}
