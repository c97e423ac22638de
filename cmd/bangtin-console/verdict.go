package main

import (
	"slices"
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
		v := verdict{headline: text{"TẮT THEO LỊCH – NGOÀI KHUNG GIỜ PHÁT", "OFF AS SCHEDULED – OUTSIDE THE WINDOWS"}, cause: d.odd(l)}
		if n := len(d.Alarms); n > 0 {
			v.remedy = text{"Xử lý các cảnh báo bên dưới trước khung giờ phát.", "See to the alarms below before the window begins."}.in(l)
		}
		return v
	case "lost":
		return d.lost(l)
	}
	return verdict{headline: text{"KHÔNG RÕ", "NOT KNOWN"}, cause: text{"chương trình chính không cho biết", "the daemon does not say"}.in(l)}
}

// lost is why nothing is on air.
func (d *Daemon) lost(l Language) verdict {
	v := verdict{headline: text{"KHÔNG PHÁT", "NOT ON AIR"}}
	if d.early() {
		v.headline = text{"CHUẨN BỊ PHÁT – CHƯA CÓ HÌNH", "GETTING READY – NO PICTURE YET"}
	}
	a := adviceOn(d.Cause)
	v.cause, v.remedy = a.what.in(l), a.do.in(l)
	by := d.odd(l)
	switch {
	case by != "" && (d.Cause == "department-override" || d.Cause == "local-override"):
		v.headline, v.cause = text{"KHÔNG PHÁT – THEO LỆNH", "NOT ON AIR – BY ORDER"}, by
	case by != "" && d.Cause == "safety":
		v.headline, v.cause = text{"KHÔNG PHÁT – NGẮT VÌ AN TOÀN CHÁY", "NOT ON AIR – CUT OFF FOR FIRE SAFETY"}, by
	case by != "":
		v.cause += "; " + by
	}
	if d.Panel.Error != "" && strings.HasPrefix(d.Cause, "panel-") {
		v.cause += " (" + plain(d.Panel.Error) + ")"
	}
	return v
}

// early reports whether no window has begun, so that nothing is owed yet.
func (d *Daemon) early() bool { return d.Want.Rule == "schedule" && d.At.Before(d.Start) }

// odd is the rule that decides where it is not the schedule, with its reason.
func (d *Daemon) odd(l Language) string {
	who, ok := map[string]text{
		"fire":       {"khóa an toàn cháy", "fire latch"},
		"blackout":   {"lệnh của Sở", "order of the department"},
		"safe":       {"lệnh của Sở", "order of the department"},
		"local":      {"khóa công tắc hoặc lệnh tại chỗ", "key switch or person on site"},
		"department": {"lệnh của Sở", "order of the department"},
		"no-time":    {"không biết giờ đúng nên để màn hình sáng", "the time is not known, so it stays lit"},
	}[d.Want.Rule]
	switch {
	case !ok:
		return ""
	case d.Want.Rule == "no-time":
		return who.in(l)
	}
	return who.in(l) + ": " + d.reason(l)
}

// reason is the daemon's: for an order "off by PEOPLE until TIME: WHY", which is said in the reader's language.
func (d *Daemon) reason(l Language) string {
	reason := plain(d.Want.Reason)
	wish, rest, found := strings.Cut(reason, " by ")
	by, rest, found2 := strings.Cut(rest, " until ")
	until, why, found3 := strings.Cut(rest, ": ")
	end, err := time.Parse(time.RFC3339, until)
	wished, known := map[string]text{
		"on": {"bật", "on"}, "off": {"tắt", "off"}, "blackout": {"tắt toàn bộ", "blackout"}, "safe": {"màn hình an toàn", "safe screen"},
	}[wish]
	if !found || !found2 || !found3 || err != nil || !known {
		return reason
	}
	return text{"%s, %s, đến %s: %s", "%s, %s, until %s: %s"}.in(l, wished, by, d.local(end).Format("15:04 02/01/2006"), why)
}

// A telling is what notices mean while the daemon does not answer.
type telling struct {
	codes        []string
	headline, do text
}

// tellings has those that explain it, nearest to the root first. D02 and D03 do not: it runs with these too.
func tellings() []telling {
	return []telling{
		{[]string{"D01"}, text{"KHÔNG PHÁT – HỎNG BỘ NHỚ DỮ LIỆU", "NOT ON AIR – THE DATA STORAGE HAS FAILED"}, storageGone()},
		{
			[]string{"D04"}, text{"KHÔNG PHÁT – HỆ THỐNG KHÔNG KHỞI ĐỘNG ĐƯỢC", "NOT ON AIR – THE SYSTEM DOES NOT START"},
			text{"Chờ bộ điều khiển tự khởi động lại. Nếu vẫn vậy: gọi đơn vị vận hành và đọc trang này.", "It is started anew by itself. If it stays: call the operator and read this page out."},
		},
		{
			[]string{"S01"}, text{"CHƯA ĐƯA VÀO SỬ DỤNG", "NOT COMMISSIONED"},
			text{"Cắm USB của Sở vào bộ điều khiển.", "Plug the department's stick into the controller."},
		},
		{
			[]string{"S02", "S03", "S04", "S05", "S06", "S09", "S11"}, text{"CHƯA PHÁT – CẤU HÌNH CHƯA ĐƯỢC CHẤP NHẬN", "NOT ON AIR – THE CONFIGURATION WAS NOT TAKEN"},
			text{"Gọi đơn vị vận hành, đọc thông báo này; cắm USB do Sở làm lại.", "Call the operator and read this notice out; then plug in a stick that was made anew."},
		},
	}
}

func storageGone() text {
	return text{"Tắt nguồn bộ điều khiển 10 giây rồi bật lại. Nếu vẫn vậy: thay bộ nhớ.", "Take the controller's power away for 10 s. If it stays: replace its storage."}
}

// withoutDaemon goes by what else is known. Who has just started is waited for first: notices may be of a part that is
// not yet done, and stand below in any case.
func (f Facts) withoutDaemon(l Language) verdict {
	if f.Uptime > 0 && f.Uptime < startingFor {
		return verdict{
			headline: text{"ĐANG KHỞI ĐỘNG", "STARTING"}, remedy: text{"Xin chờ đến hai phút.", "Please wait for up to two minutes."}.in(l),
		}
	}
	for _, among := range tellings() {
		for _, n := range f.Notices {
			if slices.Contains(among.codes, n.Code) {
				return verdict{
					headline: among.headline, remedy: among.do.in(l),
					cause: text{"thông báo %s", "notice %s"}.in(l, plain(n.Code)) + " – " + plain(text{n.Vi, n.En}.in(l)),
				}
			}
		}
	}
	if f.Uptime > 0 && f.Uptime < startingFor {
		return verdict{
			headline: text{"ĐANG KHỞI ĐỘNG", "STARTING"}, remedy: text{"Xin chờ đến hai phút.", "Please wait for up to two minutes."}.in(l),
		}
	}
	if f.Data != nil && f.Data.Missing {
		return verdict{
			headline: text{"KHÔNG PHÁT – HỎNG BỘ NHỚ DỮ LIỆU", "NOT ON AIR – THE DATA STORAGE HAS FAILED"},
			cause:    text{"phân vùng dữ liệu không gắn được", "the data partition is not mounted"}.in(l),
			remedy:   storageGone().in(l),
		}
	}
	return verdict{
		headline: text{"KHÔNG RÕ – CHƯƠNG TRÌNH CHÍNH KHÔNG TRẢ LỜI", "NOT KNOWN – THE DAEMON DOES NOT ANSWER"},
		cause:    text{"chương trình chính chưa chạy, đã dừng hoặc bị treo (%s)", "it is not started, has ended or hangs (%s)"}.in(l, plain(f.DaemonWhy)),
		remedy: text{
			"Chờ ba phút: hệ thống tự khởi động lại chương trình. Nếu vẫn vậy: tắt nguồn bộ điều khiển 10 giây rồi bật lại; sau đó gọi đơn vị vận hành và đọc trang này.",
			"Wait three minutes: it is restarted by itself. If it stays: take the controller's power away for 10 s; then call the operator and read this page out.",
		}.in(l),
	}
}
