package main

import (
	"fmt"
	"strings"
	"time"
)

// What every terminal has.
const (
	Rows    = 24
	Columns = 80
)

const (
	width      = Columns - 1 // terminals disagree on what the last column does
	labelWidth = 13
	valueWidth = width - labelWidth
)

// A style is how a row looks: with attributes that a VT100 has.
type style int

const (
	bold style = 1 << iota
	inverse
)

// A Row is one row of the page, of at most Columns-1 columns.
type Row struct {
	style style
	text  string
}

// Text is what the row says.
func (r Row) Text() string { return r.text }

// Strong reports whether it stands out.
func (r Row) Strong() bool { return r.style != 0 }

// Page is the page that says all of it, of exactly Rows rows. It is pure.
func Page(f Facts, l Language) []Row {
	p := &page{facts: f, l: l}
	p.title()
	p.verdict()
	if f.Daemon != nil {
		p.display(f.Daemon)
	} else {
		p.say(text{"Đồng hồ", "Clock"}, 1, text{"%s, giờ của máy, chưa ai xác nhận", "%s, the machine's own, confirmed by nobody"}.in(l, f.Now.In(zone()).Format("15:04:05 02/01/2006")))
	}
	p.controller()
	p.notices()
	for len(p.rows) < Rows-1 {
		p.add(0, "")
	}
	p.rows = p.rows[:Rows-1]
	p.add(inverse, pad(text{
		" v: Tiếng Việt   e: English   phím khác: vẽ lại   |   trang chỉ để xem",
		" v: Tiếng Việt   e: English   other keys: redraw   |   this page is read-only",
	}.in(l), width))
	return p.rows
}

// A page is one in the making.
type page struct {
	facts Facts
	l     Language
	rows  []Row
}

func (p *page) add(s style, words string) { p.rows = append(p.rows, Row{s, cut(words, width)}) }

// say adds a row, or several at most, behind a label. What comes from outside is plain already.
func (p *page) say(label text, most int, words string) {
	name := pad(label.in(p.l), labelWidth-2) + ": "
	for _, row := range wrap(words, valueWidth, most) {
		p.add(0, name+row)
		name = strings.Repeat(" ", labelWidth)
	}
}

func (p *page) title() {
	name, at := text{"bộ điều khiển bảng tin", "display controller"}.in(p.l), p.facts.Now.In(zone())
	if d := p.facts.Daemon; d != nil {
		name, at = plain(d.Gate)+" ("+plain(d.Device)+")", d.local(d.At)
	}
	clock := at.Format("15:04:05 02/01/2006") + " "
	p.add(inverse, pad(" BẢNG TIN  "+name, width-len(clock)-1)+" "+clock)
}

// zone is that of all gates; the daemon says its own.
func zone() *time.Location { return time.FixedZone("+07", 7*60*60) }

// local is a moment on the clock of the wall beside the display.
func (d *Daemon) local(t time.Time) time.Time {
	if d.Start.IsZero() {
		return t.In(zone())
	}
	_, offset := d.Start.Zone()
	return t.In(time.FixedZone("", offset))
}

func (p *page) verdict() {
	v := judge(p.facts, p.l)
	p.add(bold, v.headline.in(p.l))
	if ready := p.facts.ready(p.l); ready != "" {
		for _, row := range wrap(ready, width, 2) {
			p.add(bold, row)
		}
	}
	if v.cause != "" {
		p.say(text{"Nguyên nhân", "Cause"}, 2, v.cause)
	}
	if v.remedy != "" {
		p.say(text{"Cách xử lý", "What to do"}, 3, v.remedy)
	}
}

// display is what the daemon tells.
func (p *page) display(d *Daemon) {
	p.say(text{"Khung giờ", "Window"}, 1, p.window(d))
	p.say(text{"Màn hình", "Panel"}, 1, p.panel(d))
	p.say(text{"Trình phát", "Player"}, 1, p.player(d))
	p.say(text{"Hôm nay", "Today"}, 1, p.airtime(d))
	p.say(text{"Đồng hồ", "Clock"}, 1, d.local(d.At).Format("15:04:05 02/01/2006")+", "+trustWord(d.Time.Trust).in(p.l))
	p.say(text{"Trung tâm", "Centre"}, 1, p.centre(d))
}

func (p *page) window(d *Daemon) string {
	if d.Start.IsZero() {
		return text{"không rõ", "not known"}.in(p.l)
	}
	span := d.local(d.Start).Format("15:04") + "–" + d.local(d.End).Format("15:04")
	if d.At.Before(d.Start) {
		return text{"tiếp theo %s ngày %s, còn %s nữa", "next %s on %s, in %s"}.in(p.l, span, d.local(d.Start).Format("02/01"), p.span(d.Start.Sub(d.At)))
	}
	return text{"đang trong khung giờ %s, còn %s", "now %s, for another %s"}.in(p.l, span, p.span(d.End.Sub(d.At)))
}

func (p *page) panel(d *Daemon) string {
	words := powerWord(d.Panel.Power).in(p.l)
	switch {
	case d.Panel.VerifiedAt == nil:
		words += text{"; chưa đọc lại được lần nào", "; never read back"}.in(p.l)
	default:
		words += text{"; đọc lại %s trước", "; read back %s ago"}.in(p.l, p.span(d.At.Sub(*d.Panel.VerifiedAt)))
	}
	wanted := text{"; yêu cầu: tắt", "; wanted: off"}
	if d.Want.Panel == "on" {
		wanted = text{"; yêu cầu: bật", "; wanted: on"}
	}
	words += wanted.in(p.l)
	if d.Mains != nil && !*d.Mains {
		words += text{"; MẤT ĐIỆN LƯỚI", "; NO MAINS"}.in(p.l)
	}
	if d.Panel.Error != "" {
		words += "; " + plain(d.Panel.Error)
	}
	return words
}

func (p *page) player(d *Daemon) string {
	words := playerWord(d.Player.State).in(p.l)
	if d.Player.Playlist == "" {
		return words + text{"; chưa có danh sách phát được duyệt", "; no approved playlist"}.in(p.l)
	}
	words += text{"; danh sách %s", "; playlist %s"}.in(p.l, plain(d.Player.Playlist))
	if d.Player.Item != "" {
		words += text{", mục %s", ", item %s"}.in(p.l, plain(d.Player.Item))
	}
	return words
}

func (p *page) airtime(d *Daemon) string {
	a := d.Airtime
	if a.RequiredS <= 0 {
		return text{"chưa đến giờ phải phát", "nothing was owed yet"}.in(p.l)
	}
	seconds := func(s int64) string { return p.span(time.Duration(s) * time.Second) }
	words := text{"đã phát %s trên %s phải phát", "%s on air of %s owed"}.in(p.l, seconds(a.DeliveredS), seconds(a.RequiredS))
	if a.UnverifiedS > 0 {
		words += text{"; chưa xác nhận %s", "; unconfirmed %s"}.in(p.l, seconds(a.UnverifiedS))
	}
	if lost := a.RequiredS - a.DeliveredS - a.UnverifiedS; lost > 0 {
		words += text{"; mất %s", "; lost %s"}.in(p.l, seconds(lost))
	}
	return words
}

func (p *page) centre(d *Daemon) string {
	queue := text{"; %d bản ghi chờ gửi", "; %d records waiting"}.in(p.l, d.Outbox.Depth)
	switch {
	case d.Link == nil:
		return text{"không cấu hình", "none configured"}.in(p.l) + queue
	case d.Link.Up:
		return text{"đã kết nối từ %s trước", "connected for %s"}.in(p.l, p.span(time.Duration(d.Link.ForS)*time.Second)) + queue
	}
	words := text{"MẤT KẾT NỐI từ %s trước", "NOT CONNECTED for %s"}.in(p.l, p.span(time.Duration(d.Link.ForS)*time.Second)) + queue
	if d.Link.Why != "" {
		words += "; " + plain(d.Link.Why)
	}
	return words
}

// span is a length of time as people say it: its two largest units.
func (p *page) span(d time.Duration) string {
	s := max(0, int64(d/time.Second))
	switch {
	case s < 60:
		return text{"%d giây", "%d s"}.in(p.l, s)
	case s < 10*60 && s%60 != 0:
		return text{"%d phút %d giây", "%d min %d s"}.in(p.l, s/60, s%60)
	case s < 60*60:
		return text{"%d phút", "%d min"}.in(p.l, s/60)
	case s < 24*60*60 && s/60%60 == 0:
		return text{"%d giờ", "%d h"}.in(p.l, s/3600)
	case s < 24*60*60:
		return text{"%d giờ %d phút", "%d h %d min"}.in(p.l, s/3600, s/60%60)
	}
	return text{"%d ngày %d giờ", "%d d %d h"}.in(p.l, s/86400, s/3600%24)
}

func gib(n uint64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<30)) }
