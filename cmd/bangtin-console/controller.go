package main

import (
	"fmt"
	"strings"
)

// controller is what the page finds by itself.
func (p *page) controller() {
	f := p.facts
	p.say(text{"Mạng", "Network"}, 2, p.network())
	slot := f.Slot
	if slot == "" {
		slot = "?"
	}
	release := text{"không rõ ngày", "date not known"}.in(p.l)
	if !f.Released.IsZero() {
		release = f.Released.In(zone()).Format("02/01/2006")
	}
	p.say(text{"Phiên bản", "Version"}, 1, text{"%s, phát hành %s, khe %s", "%s, released %s, slot %s"}.in(p.l, plain(f.Version), release, slot))
	p.say(text{"Máy", "Machine"}, 1, p.machine())
	p.say(text{"Dịch vụ lỗi", "Failed"}, 1, p.units())
	if len(f.Silent) > 0 {
		var names []string
		for _, n := range f.Silent {
			names = append(names, n.in(p.l))
		}
		p.say(text{"Chưa đọc", "No answer"}, 1, strings.Join(names, ", "))
	}
}

func (p *page) network() string {
	var all []string
	for _, a := range p.facts.Addresses {
		words := plain(a.Interface) + " "
		switch {
		case len(a.IPs) > 0:
			words += plain(strings.Join(a.IPs, " "))
		case a.Up:
			words += text{"chưa có địa chỉ", "no address yet"}.in(p.l)
		default:
			words += text{"chưa nối", "not connected"}.in(p.l)
		}
		all = append(all, words)
	}
	if p.facts.Addresses == nil {
		return text{"không rõ", "not known"}.in(p.l)
	}
	if all == nil {
		return text{"không thấy cổng mạng nào", "no interface found"}.in(p.l)
	}
	return strings.Join(all, "; ")
}

func (p *page) machine() string {
	f := p.facts
	up := text{"không rõ thời gian chạy", "uptime not known"}.in(p.l)
	if f.Uptime > 0 {
		up = text{"chạy được %s", "up %s"}.in(p.l, p.span(f.Uptime))
	}
	words := []string{up, p.disk()}
	if f.Daemon != nil {
		for _, t := range f.Daemon.Temperatures {
			if t.Celsius != nil {
				words = append(words, fmt.Sprintf("%s %.0f °C", plain(t.Sensor), *t.Celsius))
			}
		}
	}
	return strings.Join(words, "; ")
}

func (p *page) disk() string {
	d := p.facts.Data
	switch {
	case d == nil:
		return text{"dữ liệu: không rõ", "data: not known"}.in(p.l)
	case d.Missing:
		return text{"DỮ LIỆU CHƯA GẮN", "DATA NOT MOUNTED"}.in(p.l)
	case d.Memory:
		return text{"DỮ LIỆU CHỈ Ở BỘ NHỚ TẠM", "DATA IN MEMORY ONLY"}.in(p.l)
	}
	return text{"dữ liệu trống %s/%s GiB", "data %s of %s GiB free"}.in(p.l, gib(d.Free), gib(d.Total))
}

func (p *page) units() string {
	switch f := p.facts; {
	case f.FailedWhy != "":
		return text{"không rõ", "not known"}.in(p.l) + ": " + plain(f.FailedWhy)
	case f.Failed == nil:
		return text{"không rõ", "not known"}.in(p.l)
	case len(f.Failed) == 0:
		return text{"không có", "none"}.in(p.l)
	}
	return plain(strings.Join(p.facts.Failed, " "))
}

// notices fills what is left with what people must know: notices with their codes first, then the daemon's alarms.
func (p *page) notices() {
	type told struct {
		code  string
		words string
	}
	var all []told
	for _, n := range p.facts.Notices {
		words := plain(text{n.Vi, n.En}.in(p.l))
		for _, d := range n.Details {
			words += " | " + plain(d)
		}
		all = append(all, told{plain(n.Code), words})
	}
	if p.facts.NoticesBad {
		all = append(all, told{"?", text{"có thông báo không đọc được", "there is a notice that cannot be read"}.in(p.l)})
	}
	if d := p.facts.Daemon; d != nil {
		for _, code := range d.Alarms {
			if strings.HasPrefix(code, "notice-") && len(p.facts.Notices) > 0 {
				continue // it is among those above
			}
			a := adviceOn(code)
			words := a.what.in(p.l) + ". " + a.do.in(p.l)
			if code == d.Cause && d.Airing == "lost" {
				words = text{"như nguyên nhân ở trên", "the cause above"}.in(p.l)
			}
			all = append(all, told{plain(code), words})
		}
	}
	room := Rows - 1 - len(p.rows) - 1
	if room < 1 {
		return
	}
	title := text{"Thông báo và cảnh báo: không có", "Notices and alarms: none"}.in(p.l)
	if len(all) > 0 {
		title = text{"Thông báo và cảnh báo: %d", "Notices and alarms: %d"}.in(p.l, len(all))
	}
	p.add(bold, title)
	for i, t := range all {
		left := len(all) - i
		if left > room && room == 1 {
			p.add(0, text{"… và %d mục nữa", "… and %d more"}.in(p.l, left))
			return
		}
		rows := wrap(t.code+" "+t.words, width-3, max(1, min(3, room-(left-1))))
		for j, row := range rows {
			indent := " "
			if j > 0 {
				indent = "   "
			}
			p.add(0, indent+cut(row, width-len(indent)))
		}
		room -= len(rows)
	}
}
