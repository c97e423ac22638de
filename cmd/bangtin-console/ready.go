package main

import (
	"slices"
	"strings"
	"time"
)

// ready says, before a window, whether the display can be expected to be on air when it begins, by what is known now;
// nothing within a window, or where no window is known.
func (f Facts) ready(l Language) string {
	d := f.Daemon
	if d == nil || d.Start.IsZero() || !d.At.Before(d.Start) {
		return ""
	}
	hour := d.local(d.Start).Format("15:04")
	if now, then := d.local(d.At), d.local(d.Start); now.YearDay() != then.YearDay() || now.Year() != then.Year() {
		hour = d.local(d.Start).Format("15:04 02/01")
	}
	against := f.against(l)
	if len(against) == 0 {
		return text{"Sẵn sàng cho %s: CÓ", "Ready for %s: YES"}.in(l, hour)
	}
	return text{"Sẵn sàng cho %s: KHÔNG – vì %s", "Ready for %s: NO – %s"}.in(l, hour, strings.Join(against, "; "))
}

// against is what stands in the way of the next window, each thing once.
func (f Facts) against(l Language) []string {
	d := f.Daemon
	var all []string
	add := func(is bool, t text) {
		if words := t.in(l); is && !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	add(d.Want.Rule == "fire", text{"khóa an toàn cháy đang giữ tắt", "the fire latch holds it off"})
	add(d.orderedOff(), text{"đang có lệnh tắt", "an order holds it off"})
	add(d.Mains != nil && !*d.Mains, adviceOn("mains-lost").what)
	add(d.Panel.Error != "", adviceOn("panel-silent").what)
	add(d.Player.State == "down" || d.Player.State == "stalled", adviceOn("player-down").what)
	add(d.Player.Playlist == "", adviceOn("no-content").what)
	add(d.Time.Trust == "untrusted", adviceOn("clock-untrusted").what)
	for _, code := range d.Alarms {
		add(slices.Contains(forbidding(), code), adviceOn(code).what)
	}
	for _, n := range f.Notices {
		add(n.Code == "D01" || n.Code == "P01", text{plain(n.Vi), plain(n.En)})
	}
	return all
}

// orderedOff reports whether somebody's order has it dark, and is not known to end before the window.
func (d *Daemon) orderedOff() bool {
	if d.Want.Panel == "on" || !slices.Contains([]string{"blackout", "safe", "local", "department"}, d.Want.Rule) {
		return false
	}
	_, rest, _ := strings.Cut(plain(d.Want.Reason), " until ")
	until, _, _ := strings.Cut(rest, ": ")
	end, err := time.Parse(time.RFC3339, until)
	return err != nil || end.After(d.Start)
}

// forbidding are the alarms with which no window is begun as it should be.
func forbidding() []string {
	return []string{
		"fire", "safety", "mains-lost", "relay-failed", "hardware-unusable", "panel-silent", "panel-refused", "panel-fault", "panel-dark-but-on",
		"panel-contradicted", "no-signal", "input-wrong", "player-stalled", "player-down", "no-content", "content-missing", "playlist-unfit",
		"playlist-unverifiable", "fonts-missing", "slate-missing", "clock-untrusted",
	}
}
