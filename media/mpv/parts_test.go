package mpv_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

func TestBackoff(t *testing.T) {
	for n, want := range []time.Duration{0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000} {
		if got := mpv.Backoff(n, 0); got != want*time.Millisecond {
			t.Errorf("%d: %s, want %d ms", n, got, want)
		}
		if got, most := mpv.Backoff(n, 0.999), want*time.Millisecond*5/4; got > most {
			t.Errorf("%d: %s, more than %s", n, got, most)
		}
	}
}

func TestMutterIsBounded(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	m := mpv.NewMutter(slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	for i := range 1000 {
		fmt.Fprintf(m, "line %d\n", i)
	}
	fmt.Fprint(m, "half a li")
	fmt.Fprint(m, "ne, ", strings.Repeat("x", 100_000))
	if n := strings.Count(log.String(), "\n"); n != 30 {
		t.Errorf("%d lines of a flood were logged", n)
	}
	log.Reset()
	now = now.Add(2 * time.Minute)
	fmt.Fprint(m, "\nagain\nagain\n")
	if n := strings.Count(log.String(), "\n"); n != 3 || log.Len() > 1500 ||
		!strings.Contains(log.String(), "lines=970") || !strings.Contains(log.String(), "half a line, xxx") {
		t.Errorf("%d lines after the flood: %s", n, log.String())
	}
}

func TestWhenNobodyTakesTheShowingsTheOldestGo(t *testing.T) {
	p := mpv.New(mpv.Options{})
	for i := range mpv.ShownQueue + 3 {
		err := p.Finish(media.Shown{Duration: time.Duration(i)})
		if lost := i >= mpv.ShownQueue; lost != (err != nil) {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if first := <-p.Finished(); first.Duration != 3 {
		t.Errorf("the oldest kept is %d, want 3", first.Duration)
	}
	if n := len(p.Finished()); n != mpv.ShownQueue-1 {
		t.Errorf("%d are left", n)
	}
}

func TestVideoIsChosen(t *testing.T) {
	dev := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dev, "dri"), 0o700); err != nil {
		t.Fatal(err)
	}
	withCard := t.TempDir()
	if err := os.MkdirAll(filepath.Join(withCard, "dri", "card1"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		opt  mpv.Options
		want string
	}{
		{"X11", mpv.Options{Video: mpv.VideoAuto, Dev: withCard, Environ: []string{"DISPLAY=:1"}}, "--vo=gpu,x11,wlshm"},
		{"Wayland", mpv.Options{Video: mpv.VideoAuto, Dev: withCard, Environ: []string{"WAYLAND_DISPLAY=wayland-0"}}, "--vo=gpu,x11,wlshm"},
		{"a card", mpv.Options{Video: mpv.VideoAuto, Dev: withCard}, "--vo=gpu,drm"},
		{"no card yet", mpv.Options{Video: mpv.VideoAuto, Dev: dev}, "--vo=gpu,drm"},
		{"a card by order", mpv.Options{Video: mpv.VideoDRM, Dev: dev, Environ: []string{"DISPLAY=:1"}}, "--vo=gpu,drm"},
		{"a mode", mpv.Options{Video: mpv.VideoDRM, Mode: "1920x1080@60"}, "--drm-mode=1920x1080@60"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if args := test.opt.Arguments(); !slices.Contains(args, test.want) {
				t.Errorf("%q is not among %q", test.want, args)
			}
		})
	}
}

func TestEnvironmentIsMinimal(t *testing.T) {
	opt := mpv.Options{Runtime: "/run/x", Video: mpv.VideoWindow, Environ: []string{"DISPLAY=:1", "LD_PRELOAD=/evil.so", "SECRET=1", "XAUTHORITY=/a"}}
	want := []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/run/x", "FONTCONFIG_FILE=/run/x/fonts.conf", "DISPLAY=:1", "XAUTHORITY=/a"}
	if got := opt.Environment(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	opt.Video = mpv.VideoDRM
	if got := opt.Environment(); !slices.Equal(got, want[:4]) {
		t.Errorf("without a window: %q", got)
	}
}

func TestConnectors(t *testing.T) {
	sys := t.TempDir()
	status := filepath.Join(sys, "class", "drm", "card0-HDMI-A-1", "status")
	if err := os.MkdirAll(filepath.Dir(status), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(status, []byte("connected\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := mpv.Connectors(mpv.Options{Video: mpv.VideoDRM, Sys: sys}); got != "card0-HDMI-A-1 connected;" {
		t.Errorf("%q", got)
	}
	if got := mpv.Connectors(mpv.Options{Video: mpv.VideoNull, Sys: sys}); got != "" {
		t.Errorf("without DRM: %q", got)
	}
}

// TestWithoutAnOutputNothingCountsAsShown runs the DRM mode on a machine without a card.
func TestWithoutAnOutputNothingCountsAsShown(t *testing.T) {
	if cards, err := filepath.Glob("/dev/dri/card*"); err != nil || len(cards) > 0 {
		t.Skip("this machine has a display card, which the test must not take over")
	}
	t.Parallel()
	p := start(t, mpv.Options{Video: mpv.VideoDRM})
	p.Show(programme(picture("red", sample("red.png"), "image/png", 3600), film("film", sample("three.mp4"), 3)))
	await(t, p, "a reason", 30*time.Second, func(o media.Playing) bool {
		if o.State == media.PlayerPlaying || o.State == media.PlayerSlate {
			t.Errorf("counts as shown: %+v", o)
		}
		return o.State == media.PlayerDown && o.Detail != ""
	})
	t.Logf("%+v", p.Playing())
}
