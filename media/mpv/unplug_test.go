package mpv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// likeDRM is the real mpv with its output led nowhere, whatever it was told: the player takes it for one that drives
// a display.
func likeDRM(t *testing.T) string {
	t.Helper()
	real, err := exec.LookPath(binary())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mpv")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec '"+real+"' \"$@\" --vo=null\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A plug is the state of a connector as the kernel tells it.
type plug struct{ sys, file string }

func newPlug(t *testing.T) plug {
	t.Helper()
	sys := t.TempDir()
	file := filepath.Join(sys, "class", "drm", "card0-HDMI-A-1", "status")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	p := plug{sys, file}
	p.is(t, "connected")
	return p
}

func (p plug) is(t *testing.T, status string) {
	t.Helper()
	if err := os.WriteFile(p.file+".new", []byte(status+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p.file+".new", p.file); err != nil {
		t.Fatal(err)
	}
}

func noDisplay(o media.Playing) bool {
	return o.State == media.PlayerStalled && o.Detail == "no display is connected"
}

func TestWithoutADisplayNothingCountsAsShownUntilItIsPluggedInAgain(t *testing.T) {
	t.Parallel()
	plug, runtime := newPlug(t), filepath.Join(t.TempDir(), "player")
	p := start(t, mpv.Options{Binary: likeDRM(t), Runtime: runtime, Video: mpv.VideoDRM, Sys: plug.sys})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3), picture("green", sample("green.png"), "image/png", 1)))
	await(t, p, "the picture", 30*time.Second, plays("red"))
	before := mpvOf(t, runtime)

	plug.is(t, "disconnected")
	await(t, p, "the loss of the display", 30*time.Second, noDisplay)
	for o := p.Playing(); o.Item != "green"; o = p.Playing() {
		if !noDisplay(o) {
			t.Fatalf("without a display: %+v", o)
		}
		<-p.Wake()
	}
	if mpvOf(t, runtime) != before {
		t.Error("mpv was replaced while there was no display")
	}
	for len(p.Finished()) > 0 {
		if shown := <-p.Finished(); shown.Complete || shown.Clip.Item.ID != "red" {
			t.Errorf("counts as shown without a display: %+v", shown)
		}
	}

	plug.is(t, "connected")
	await(t, p, "another mpv", 30*time.Second, func(o media.Playing) bool {
		now := mpvOf(t, runtime)
		return now != 0 && now != before && o.State == media.PlayerPlaying
	})
}

// TestACardThatComesUpLateIsUsed: before it does, nothing counts as shown.
func TestACardThatComesUpLateIsUsed(t *testing.T) {
	t.Parallel()
	plug := newPlug(t)
	if err := os.Remove(plug.file); err != nil {
		t.Fatal(err)
	}
	p := start(t, mpv.Options{Binary: likeDRM(t), Video: mpv.VideoAuto, Sys: plug.sys})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600)))
	await(t, p, "the lack of a display", 30*time.Second, noDisplay)
	plug.is(t, "connected")
	await(t, p, "the picture", 30*time.Second, plays("red"))
}
