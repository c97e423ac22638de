package main

import "strings"

// An advice is what is wrong and what a technician does about it, by a code of docs/OPERATIONS.md.
type advice struct{ what, do text }

// adviceOn knows every code that a display may raise. One that is newer than this program says where to look.
func adviceOn(code string) advice {
	for _, prefix := range []string{"sensor-faulty", "refused", "notice"} {
		if strings.HasPrefix(code, prefix+"-") {
			code = prefix
		}
	}
	for _, among := range []map[string]advice{adviceOnSafety(), adviceOnPanel(), adviceOnContent(), adviceOnMachine(), adviceOnRecords()} {
		if a, ok := among[code]; ok {
			return a
		}
	}
	return advice{text{"mã " + plain(code), "code " + plain(code)}, text{"Tra mã này trong tài liệu vận hành.", "Look this code up in OPERATIONS.md."}}
}

func adviceOnSafety() map[string]advice {
	return map[string]advice{
		"mains-lost": {
			text{"mất điện lưới", "no mains"},
			text{"Kiểm tra cầu dao của bảng tin; sau đó báo điện lực.", "Look at the display's breaker; then call the electricity company."},
		},
		"fire": {
			text{"có khói hoặc quá nhiệt, màn hình bị ngắt và giữ tắt", "smoke, or too hot: the panel is cut off and stays so"},
			text{"Kiểm tra tủ tại chỗ. Chỉ người có trách nhiệm mới được mở lại (bangtind clear-fire).", "Look into the cabinet. Only who is responsible lifts it (bangtind clear-fire)."},
		},
		"safety": {
			text{"bị ngắt vì an toàn cháy (khói hoặc quá nhiệt)", "cut off for fire safety (smoke, or too hot)"},
			text{"Kiểm tra tủ tại chỗ. Chỉ người có trách nhiệm mới được mở lại (bangtind clear-fire).", "Look into the cabinet. Only who is responsible lifts it (bangtind clear-fire)."},
		},
		"panel-hot": {
			text{"quá nóng, độ sáng đã giảm", "too warm: the panel is dimmed"},
			text{"Kiểm tra quạt, lưới lọc bụi và nắng chiếu vào tủ.", "Its fans, its filter, the sun on it."},
		},
		"relay-failed": {
			text{"rơ-le ngắt nguồn không hoạt động", "the cut-off relay does not switch"},
			text{"Phải sửa trong ngày: đây là an toàn cháy.", "Mend it today: fire safety depends on it."},
		},
		"door-open": {
			text{"cửa tủ đang mở", "the cabinet is open"},
			text{"Đóng cửa tủ; nếu không phải người của đơn vị, báo trạm cửa khẩu.", "Close it; if nobody of ours opened it, tell the gate."},
		},
		"tamper": {
			text{"có tác động lạ vào tủ hoặc dây", "somebody moves, opens or cuts what nobody should"},
			text{"Nếu không phải người của đơn vị, báo ngay trạm cửa khẩu.", "If it is none of ours, call the gate at once."},
		},
		"sensor-faulty": {
			text{"số liệu của cảm biến không đáng tin cậy", "a sensor says nothing sensible"},
			text{"Kiểm tra dây, rồi thay cảm biến đó.", "Its cable; then replace it."},
		},
		"hardware-unusable": {
			text{"thiết bị nối không đúng như tệp cấu hình", "something wired is not as the site file says"},
			text{"Chạy bangtind --check, sửa tệp cấu hình rồi khởi động lại.", "bangtind --check, correct the site file, restart."},
		},
		"fan-stopped": {
			text{"quạt không quay", "a fan does not turn"},
			text{"Thay quạt trước khi tủ nóng.", "Replace it before it gets hot."},
		},
	}
}

func adviceOnPanel() map[string]advice {
	return map[string]advice{
		"panel-silent": {
			text{"màn hình không trả lời qua cáp điều khiển", "the panel does not answer on its control line"},
			text{"Kiểm tra công tắc nguồn của màn hình, cáp điều khiển hai đầu, mã số (set ID) trong trình đơn của màn hình.", "The panel's own mains switch, both ends of the control cable, the set ID in its menu."},
		},
		"panel-refused": {
			text{"màn hình trả lời nhưng không bật", "the panel answers and does not switch on"},
			text{"Xem trình đơn của màn hình: chế độ chờ, khóa điều khiển. Nếu không khắc phục được thì thay màn hình.", "Its menu: standby, remote lock. Else replace it."},
		},
		"panel-off": {
			text{"màn hình đang tắt dù đã được lệnh bật", "the panel is off though it was told to be on"},
			text{"Xác định người đang sử dụng điều khiển từ xa; kiểm tra nguồn riêng của màn hình.", "Who has the remote control? Look at the panel's own supply."},
		},
		"panel-dark-but-on":  panelContradicts(),
		"panel-contradicted": panelContradicts(),
		"panel-lit-but-off": {
			text{"màn hình báo tắt nhưng vẫn tiêu thụ điện như đang sáng", "the panel says off and draws power as when lit"},
			text{"Quan sát màn hình; xác định người đang sử dụng điều khiển từ xa.", "Look at it; who has the remote control?"},
		},
		"no-signal": {
			text{"màn hình bật nhưng không có tín hiệu hình", "the panel is on and sees no picture on its input"},
			text{"Kiểm tra cáp hình và ngõ vào đang chọn trên màn hình.", "The video cable; which input its menu shows."},
		},
		"input-wrong": {
			text{"màn hình đang chọn ngõ vào khác", "the panel shows another input than this display's"},
			text{"Xem có thiết bị lạ cắm vào màn hình không; báo ngay trạm cửa khẩu.", "What else is plugged into it? Call the gate at once."},
		},
		"panel-fault": {
			text{"màn hình tự báo hỏng", "the panel reports a fault of its own"}, text{"Gọi bảo hành màn hình.", "Have it mended."},
		},
		"panel-degrading": {
			text{"màn hình đang xuống cấp", "the panel is wearing out"}, text{"Lên lịch bảo trì.", "Plan a visit."},
		},
		"brightness-disobeyed": {
			text{"màn hình không theo độ sáng đã đặt", "the panel does not take its brightness"},
			text{"Tắt chế độ tiết kiệm điện và cảm biến ánh sáng trong trình đơn của màn hình.", "Its menu: energy saving, ambient light sensor."},
		},
		"panel-starting": {
			text{"màn hình đang khởi động", "the panel is starting"},
			text{"Chờ một phút; quá một phút thì kiểm tra nguồn và cáp điều khiển của màn hình.", "Wait a minute; then its supply and its control cable."},
		},
	}
}

func panelContradicts() advice {
	return advice{
		text{"màn hình báo bật nhưng tiêu thụ điện như đang tắt", "the panel says on and draws power as when dark"},
		text{"Nhìn trực tiếp màn hình: đèn nền có thể đã hỏng. Kiểm tra dây công tơ.", "Look at it: its light may have failed. The meter's cable."},
	}
}

func adviceOnContent() map[string]advice {
	return map[string]advice{
		"player-starting": {
			text{"trình phát đang khởi động", "the player is starting"}, text{"Chờ một phút.", "Wait a minute."},
		},
		"player-stalled": playerFails(), "player-down": playerFails(),
		"no-content": {
			text{"chưa có nội dung được duyệt để phát", "there is no approved content to show"},
			text{"Đề nghị Sở gửi lại danh sách phát; không có mạng thì đưa vào bằng USB.", "The department publishes it; without a network it comes on a stick."},
		},
		"content-missing": {
			text{"tệp của danh sách phát chưa về đủ", "files of the playlist have not come"},
			text{"Kiểm tra mạng; đề nghị Sở gửi lại.", "The network; the department publishes it again."},
		},
		"content-damaged": {
			text{"tệp nhận được không đúng bản đã duyệt", "what came is not what was approved"}, text{"Đề nghị Sở gửi lại.", "The department publishes it again."},
		},
		"content-full": {
			text{"hết chỗ chứa nội dung", "there is no room for the content"}, text{"Đề nghị Sở rút gọn danh sách phát.", "A shorter playlist."},
		},
		"content-read-only": {
			text{"bộ nhớ không ghi được nữa", "the storage takes no more writes"}, text{"Thay bộ nhớ.", "Replace it."},
		},
		"content-unreachable": {
			text{"chưa có chứng thư nên không tải được nội dung", "no certificate, so no content over the network"}, text{"Đăng ký lại bảng tin với trung tâm.", "Enrol it."},
		},
		"playlist-unverifiable": {
			text{"chữ ký của danh sách đang phát không còn hiệu lực", "the signatures of the playlist do not count any more"}, text{"Đề nghị Sở ký lại.", "The department signs it anew."},
		},
		"playlist-unfit": {
			text{"danh sách phát đã ký nhưng không phát được", "a signed playlist cannot be shown"}, text{"Đề nghị Sở làm lại.", "The department makes it anew."},
		},
		"fonts-missing": programGone(), "slate-missing": programGone(),
		"department-override": {
			text{"tắt theo lệnh của Sở", "off by order of the department"}, text{"Không phải sự cố.", "Nothing is broken."},
		},
		"local-override": {
			text{"tắt theo khóa công tắc hoặc lệnh tại chỗ", "off by key switch or a person on site"},
			text{"Xem vị trí khóa công tắc; lệnh tự hết hạn.", "Look at the key switch; the order ends by itself."},
		},
		"update": {
			text{"đang cập nhật hệ thống", "a system update is going on"}, text{"Không tắt nguồn. Chờ cập nhật xong.", "Leave the power on, and wait."},
		},
	}
}

func playerFails() advice {
	return advice{
		text{"trình phát không ra hình", "no picture from the player"},
		text{"Hệ thống tự khởi động lại trình phát. Quá năm phút: tắt nguồn bộ điều khiển 10 giây rồi bật lại.", "It is restarted by itself. After five minutes: take the controller's power away for 10 s."},
	}
}

func programGone() advice {
	return advice{text{"thiếu tệp của chương trình", "files of the program are gone"}, text{"Cài lại hệ thống.", "Install it again."}}
}

func adviceOnMachine() map[string]advice {
	return map[string]advice{
		"clock-untrusted": {
			text{"không biết giờ đúng", "it does not know the time"}, text{"Kiểm tra mạng; thay pin đồng hồ của bộ điều khiển.", "The network; the battery of its clock."},
		},
		"clock-disagrees": {
			text{"hai nguồn giờ mâu thuẫn", "two sources of time contradict each other"}, text{"Báo trung tâm kiểm tra nguồn giờ.", "Tell the centre: which of them lies?"},
		},
		"clock-stepped": {text{"đồng hồ vừa bị chỉnh", "its clock was moved"}, text{"Không cần làm gì.", "Nothing is to be done."}},
		"certificate-expiring": {
			text{"chứng thư sắp hết hạn", "the certificate runs out soon"}, text{"Kiểm tra mạng tới trung tâm; nếu không khắc phục được thì đăng ký lại.", "Is the centre reachable? Else enrol it anew."},
		},
		"enrolment-unfinished": {
			text{"đăng ký với trung tâm chưa xong", "the enrolment is not finished"}, text{"Đăng ký lại bảng tin.", "Enrol it anew."},
		},
		"trust-unusable": {
			text{"danh sách khóa trong bộ nhớ không dùng được", "the trust document on its disk is not the right one"}, text{"Nạp đúng danh sách khóa của Sở.", "Bring the department's right one."},
		},
		"signature-refused": refused(), "refused": refused(),
		"playlist-older": refused(), "playlist-future": refused(), "playlist-misaddressed": refused(), "inbox-unfit": {
			text{"nội dung trên USB không đúng", "what is on the stick is not as it must be"}, text{"Đề nghị Sở xuất lại USB.", "The department exports it anew."},
		},
		"notice": {text{"thông báo của phần khác trong bộ điều khiển", "a notice of another part"}, text{"Tra mã trong tài liệu vận hành.", "Look it up in OPERATIONS.md."}},
		"controller-down": {
			text{"bộ điều khiển không chạy", "the controller did not run"}, text{"Nếu lặp lại mà không mất điện: gọi đơn vị vận hành.", "If it happens again with mains: call the operator."},
		},
		"controller-down-mains-lost": {
			text{"bộ điều khiển không chạy vì mất điện", "the controller did not run, without mains"}, text{"Kiểm tra điện lưới.", "Look at the mains."},
		},
	}
}

func refused() advice {
	return advice{
		text{"đã từ chối dữ liệu có chữ ký không hợp lệ hoặc không dành cho bảng tin này", "something unsigned, badly signed or not for it was refused"},
		text{"Nếu xảy ra một lần: có thể do nhầm lẫn. Nếu lặp lại: báo đơn vị vận hành.", "Once: a mistake. Many times: tell the operator."},
	}
}

func adviceOnRecords() map[string]advice {
	disk := text{"Thay bộ nhớ sớm.", "Replace the storage soon."}
	return map[string]advice{
		"journal-in-memory": {text{"bộ nhớ không ghi được; dữ liệu sẽ mất khi ngắt điện", "the disk takes no records: they are lost with the power"}, disk},
		"records-dropped":   {text{"đã phải bỏ bớt bản ghi", "records were given up"}, disk},
		"journal-damaged":   {text{"nhật ký hỏng, đã mở nhật ký mới", "a damaged journal was set aside"}, disk},
		"journal-missing":   {text{"mất nhật ký, đã mở nhật ký mới", "the journal was gone, a new one was begun"}, disk},
		"journal-newer":     {text{"nhật ký của phiên bản mới hơn", "the journal is of a newer version"}, text{"Báo đơn vị vận hành.", "Tell the operator."}},
		"journal-altered":   {text{"nhật ký đã bị sửa", "somebody changed the records"}, text{"Giữ nguyên bộ nhớ; báo đơn vị vận hành.", "Keep the storage; tell the operator."}},
		"records-damaged":   {text{"bản ghi bị hỏng", "records are damaged"}, text{"Giữ nguyên bộ nhớ; báo đơn vị vận hành.", "Keep the storage; tell the operator."}},
	}
}

func word(words map[string]text, code string) text {
	if t, ok := words[code]; ok {
		return t
	}
	return text{plain(code), plain(code)}
}

func trustWord(trust string) text {
	return word(map[string]text{
		"untrusted":    {"KHÔNG ĐÁNG TIN CẬY", "NOT TO BE TRUSTED"},
		"floored":      {"có thể đúng, chưa ai xác nhận", "plausible, confirmed by nobody"},
		"synchronised": {"đã đồng bộ qua mạng", "synchronised over the network"},
		"signed":       {"trung tâm đã ký xác nhận", "signed by the centre"},
	}, trust)
}

func powerWord(power string) text {
	return word(map[string]text{
		"unknown": {"không rõ bật hay tắt", "not known"},
		"off":     {"đã tắt", "off"},
		"on":      {"đang bật", "on"},
		"warming": {"đang khởi động", "warming up"},
		"cooling": {"đang tắt dần", "cooling down"},
	}, power)
}

func playerWord(state string) text {
	return word(map[string]text{
		"starting": {"đang khởi động", "starting"},
		"playing":  {"đang phát", "playing"},
		"stalled":  {"bị đứng hình", "stalled"},
		"down":     {"không chạy", "not running"},
		"slate":    {"hình chờ", "waiting picture"},
	}, state)
}
