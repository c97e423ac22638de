package main_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/control/local"
	"bangtin/internal/notice"
	"bangtin/internal/wire"
)

// TestNoticesAreAlarms: they come and go with their files, beside what the daemon lacks itself.
func TestNoticesAreAlarms(t *testing.T) {
	dir := t.TempDir()
	put := func(part, code string) {
		if err := notice.Put(dir, notice.Notice{Part: part, Code: code, Vi: "v", En: "e", Details: []string{"line 3"}}); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		watch, alarms := main.Noticed(dir)
		put("data", "D01")
		go func() { _ = watch(t.Context()) }()
		after := func(d time.Duration, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := slices.Sorted(maps.Keys(alarms())); !slices.Equal(got, append([]string{"content-missing"}, want...)) {
				t.Errorf("alarms %q, want %q", got, want)
			}
		}
		after(0, "notice-D01")
		put("setup", "S06")
		after(29*time.Second, "notice-D01")
		after(2*time.Second, "notice-D01", "notice-S06")
		if got := alarms()["notice-S06"]; got != "setup: e line 3" {
			t.Errorf("detail %q", got)
		}
		if err := notice.Clear(dir, "data"); err != nil {
			t.Fatal(err)
		}
		after(30*time.Second, "notice-S06")
		for i := range 2 * notice.MaxNotices {
			put("part-"+string(rune('a'+i%26))+string(rune('a'+i/26)), "X"+strconv.Itoa(10+i))
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := len(alarms()); n != notice.MaxNotices+1 {
			t.Errorf("%d alarms", n)
		}
	})
}

// TestTheStatusPageMayOnlyAsk: a cable into the serial port must not switch a panel.
func TestTheStatusPageMayOnlyAsk(t *testing.T) {
	for _, do := range []local.Verb{local.On, local.Off, local.Schedule, local.ClearFire} {
		if a := main.AnswerOnlooker(t.Context(), 903, do); a.Error == "" {
			t.Errorf("%s is done", do)
		}
	}
}

// TestAPersonAtTheDisplayIsToldMore than the state has: what the second counts as, the window, and what was noticed.
func TestAPersonAtTheDisplayIsToldMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inbox(w.approved(10))
	dir := w.path("notices")
	if err := notice.Put(dir, notice.Notice{Part: "data", Code: "D03", Vi: "v", En: "e"}); err != nil {
		t.Fatal(err)
	}
	r := w.start("BANGTIN_TEST_NOTICES=" + dir)
	w.until("on air, and telling the notice", func(s *wire.State) bool {
		return playing(10)(s) && slices.Contains(s.Alarms, "notice-D03")
	})
	a, err := local.Ask(t.Context(), w.path("run", "control.sock"), local.Request{Do: local.Status})
	if err != nil {
		t.Fatal(err)
	}
	if h := a.Here; h == nil || h.Device == "" || h.Airing != "on-air" && h.Airing != "lost" || h.Airing == "on-air" && h.Cause != "" || !h.End.After(h.Start) {
		t.Errorf("told %+v", h)
	}
	r.stop()
}
