package main_test

import (
	"strings"
	"testing"
	"time"

	main "bangtin/cmd/bangtin-console"
	"bangtin/internal/notice"
)

// TestWhatANoticeMeans while the daemon does not answer: only what explains it, and not before the start may be over.
func TestWhatANoticeMeans(t *testing.T) {
	for _, tt := range []struct {
		code   string
		uptime time.Duration
		says   string
	}{
		{"D01", time.Hour, "THE DATA STORAGE HAS FAILED"},
		{"D02", time.Hour, "THE DAEMON DOES NOT ANSWER"},
		{"D03", time.Hour, "THE DAEMON DOES NOT ANSWER"},
		{"D04", time.Hour, "THE SYSTEM DOES NOT START"},
		{"D05", time.Hour, "THE DAEMON DOES NOT ANSWER"},
		{"S01", time.Hour, "NOT COMMISSIONED"},
		{"S06", time.Hour, "THE CONFIGURATION WAS NOT TAKEN"},
		{"S10", time.Hour, "THE DAEMON DOES NOT ANSWER"},
		{"D01", time.Minute, "STARTING"},
		{"S01", time.Minute, "STARTING"},
	} {
		f := machine(t, "07:31:00")
		f.Uptime, f.Notices = tt.uptime, []notice.Notice{{Code: tt.code, Vi: "lời", En: "words"}}
		rows := shaped(t, f, main.English)
		if !strings.Contains(rows[1].Text(), tt.says) {
			t.Errorf("%s after %v: %s", tt.code, tt.uptime, rows[1].Text())
		}
		if page := said(rows); !strings.Contains(page, "What to do ") {
			t.Errorf("%s: nobody is told what to do:\n%s", tt.code, page)
		}
	}
}

// TestReadyForTheWindow is asked before a window alone.
func TestReadyForTheWindow(t *testing.T) {
	no := false
	for name, tt := range map[string]struct {
		hour   string
		change func(*main.Facts)
		says   string // empty: no such row
	}{
		"all well":      {"06:50:12", func(*main.Facts) {}, "Ready for 07:00: YES"},
		"in the window": {"07:00:00", func(*main.Facts) {}, ""},
		"another day":   {"06:50:12", func(f *main.Facts) { f.Daemon.Start = f.Daemon.Start.AddDate(0, 0, 1) }, "Ready for 07:00 07/02: YES"},
		"no window":     {"06:50:12", func(f *main.Facts) { f.Daemon.Start = time.Time{} }, ""},
		"panel":         {"06:50:12", func(f *main.Facts) { f.Daemon.Panel.Error = "x" }, "NO – the panel does not answer"},
		"player":        {"06:50:12", func(f *main.Facts) { f.Daemon.Player.State = "down" }, "NO – no picture from the player"},
		"playlist":      {"06:50:12", func(f *main.Facts) { f.Daemon.Player.Playlist = "" }, "NO – there is no approved content"},
		"mains":         {"06:50:12", func(f *main.Facts) { f.Daemon.Mains = &no }, "NO – no mains"},
		"clock":         {"06:50:12", func(f *main.Facts) { f.Daemon.Time.Trust = "untrusted" }, "NO – it does not know the time"},
		"fire":          {"06:50:12", func(f *main.Facts) { f.Daemon.Want.Rule = "fire" }, "NO – the fire latch"},
		"alarm":         {"06:50:12", func(f *main.Facts) { f.Daemon.Alarms = []string{"relay-failed"} }, "NO – the cut-off relay"},
		"worn fan":      {"06:50:12", func(f *main.Facts) { f.Daemon.Alarms = []string{"fan-stopped"} }, "Ready for 07:00: YES"},
		"storage": {"06:50:12", func(f *main.Facts) {
			f.Notices = []notice.Notice{{Code: "D01", Vi: "hỏng", En: "broken"}}
		}, "NO – broken"},
		"order that goes on": {"06:50:12", ordered("off by a until 2027-02-06T01:00:00Z: b"), "NO – an order"},
		"order that ends":    {"06:50:12", ordered("off by a until 2027-02-05T23:59:00Z: b"), "Ready for 07:00: YES"},
		"order for ever":     {"06:50:12", ordered("?"), "NO – an order"},
	} {
		f := display(t, tt.hour)
		f.Daemon.Airing = "idle"
		tt.change(&f)
		page := said(shaped(t, f, main.English))
		if !strings.Contains(page, tt.says) || tt.says == "" && strings.Contains(page, "Ready for") {
			t.Errorf("%s: expected %q in\n%s", name, tt.says, page)
		}
	}
}

func ordered(reason string) func(*main.Facts) {
	return func(f *main.Facts) {
		f.Daemon.Want.Panel, f.Daemon.Want.Rule, f.Daemon.Want.Reason = "off", "department", reason
	}
}

func said(rows []main.Row) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(row.Text() + "\n")
	}
	return b.String()
}
