package main

import (
	"strings"
	"time"
)

// A verdict is the first thing that is asked: is it on air, and if not, why, and what is to be done.
type verdict struct {
	headline text
	cause    string // empty where there is none
	remedy   string
}

// startingFor is how long a controller may take from power to its daemon's first answer: 20 to 30 s were measured to the
// system alone, without acceleration.
const startingFor = 2 * time.Minute

func judge(f Facts, l Language) verdict {
	if f.Daemon == nil {
		return f.withoutDaemon(l)
	}
	d := f.Daemon
	switch d.Airing {
	case "on-air":
		return verdict{headline: text{"ĐANG PHÁT", "ON AIR"}, cause: d.odd(l)}
	case "unverified":
		return verdict{
			headline: text{"ĐANG PHÁT – CHƯA XÁC NHẬN ĐƯỢC MÀN HÌNH SÁNG", "ON AIR – THE PANEL CANNOT CONFIRM THAT IT IS LIT"},
			cause:    text{"màn hình không đọc lại được trạng thái", "the panel's state cannot be read back"}.in(l),
			remedy:   text{"Nhìn trực tiếp màn hình để xác nhận.", "Look at the panel itself."}.in(l),
		}
	case "idle":
		return verdict{headline: text{"TẮT THEO LỊCH – NGOÀI KHUNG GIỜ PHÁT", "OFF AS SCHEDULED – OUTSIDE THE BROADCAST WINDOWS"}}
	case "lost":
		v := verdict{headline: text{"KHÔNG PHÁT", "NOT ON AIR"}}
		if d.early() {
			v.headline = text{"CHUẨN BỊ PHÁT – CHƯA CÓ HÌNH", "GETTING READY – NO PICTURE YET"}
		}
		a := adviceOn(d.Cause)
		v.cause, v.remedy = a.what.in(l), a.do.in(l)
		if d.Panel.Error != "" && strings.HasPrefix(d.Cause, "panel-") {
			v.cause += " (" + plain(d.Panel.Error) + ")"
		}
		if by := d.odd(l); by != "" {
			v.cause += "; " + by
		}
		return v
	}
	return verdict{headline: text{"KHÔNG RÕ", "NOT KNOWN"}, cause: text{"chương trình chính không cho biết", "the daemon does not say"}.in(l)}
}

// early reports whether no window has begun, so that nothing is owed yet.
func (d *Daemon) early() bool { return d.Want.Rule == "schedule" && d.At.Before(d.Start) }

// odd is the rule that decides where it is not the schedule, with its reason.
func (d *Daemon) odd(l Language) string {
	who, ok := map[string]text{
		"fire":       {"khóa an toàn cháy", "fire latch"},
		"blackout":   {"lệnh tắt toàn bộ của Sở", "blackout by the department"},
		"safe":       {"màn hình an toàn theo lệnh của Sở", "safe screen by the department"},
		"local":      {"theo khóa công tắc hoặc lệnh tại chỗ", "by key switch or a person on site"},
		"department": {"theo lệnh của Sở", "by order of the department"},
		"no-time":    {"không biết giờ nên để màn hình sáng", "the time is not known, so it stays lit"},
	}[d.Want.Rule]
	if !ok {
		return ""
	}
	if d.Want.Rule == "no-time" {
		return who.in(l)
	}
	return who.in(l) + ": " + plain(d.Want.Reason)
}

// withoutDaemon goes by what else is known, nearest to the root first.
func (f Facts) withoutDaemon(l Language) verdict {
	dark := text{"KHÔNG PHÁT", "NOT ON AIR"}
	for _, among := range []struct {
		letter   string
		headline text
	}{
		{"D", text{"KHÔNG PHÁT – HỎNG BỘ NHỚ DỮ LIỆU", "NOT ON AIR – THE DATA STORAGE HAS FAILED"}},
		{"S", text{"CHƯA ĐƯA VÀO SỬ DỤNG", "NOT COMMISSIONED"}},
		{"E", dark}, {"P", dark}, {"N", dark},
	} {
		for _, n := range f.Notices {
			if strings.HasPrefix(n.Code, among.letter) {
				return verdict{headline: among.headline, cause: text{"thông báo %s", "notice %s"}.in(l, plain(n.Code)) + " – " + plain(text{n.Vi, n.En}.in(l))}
			}
		}
	}
	if f.Data != nil && (f.Data.Missing || f.Data.ReadOnly) {
		return verdict{
			headline: text{"KHÔNG PHÁT – HỎNG BỘ NHỚ DỮ LIỆU", "NOT ON AIR – THE DATA STORAGE HAS FAILED"},
			cause:    text{"phân vùng dữ liệu không gắn được hoặc không ghi được", "the data partition is not mounted, or takes no writes"}.in(l),
			remedy:   text{"Tắt nguồn bộ điều khiển 10 giây rồi bật lại. Nếu vẫn vậy: thay bộ nhớ.", "Take the controller's power away for 10 s. If it stays: replace its storage."}.in(l),
		}
	}
	if f.Uptime > 0 && f.Uptime < startingFor {
		return verdict{
			headline: text{"ĐANG KHỞI ĐỘNG", "STARTING"}, remedy: text{"Xin chờ đến hai phút.", "Please wait for up to two minutes."}.in(l),
		}
	}
	return verdict{
		headline: text{"KHÔNG RÕ – CHƯƠNG TRÌNH CHÍNH KHÔNG TRẢ LỜI", "NOT KNOWN – THE DAEMON DOES NOT ANSWER"},
		cause:    plain(f.DaemonWhy),
		remedy: text{
			"Chờ ba phút: hệ thống tự khởi động lại chương trình. Nếu vẫn vậy: tắt nguồn bộ điều khiển 10 giây rồi bật lại; sau đó gọi đơn vị vận hành và đọc trang này.",
			"Wait three minutes: it is restarted by itself. If it stays: take the controller's power away for 10 s; then call the operator and read this page out.",
		}.in(l),
	}
}
