package main

import "maps"

// vietnamese is the catalogue: the Vietnamese of every phrase for the person who commissions a display, by its English.
// Commands, keys of the site file and errors stay as they are typed.
func vietnamese() tongue {
	all := tongue{}
	maps.Copy(all, vietnameseRequests())
	maps.Copy(all, vietnameseFindings())
	return all
}

// vietnameseRequests is what the person is told and asked.
func vietnameseRequests() tongue {
	return tongue{
		"This test switches the panel on and off and opens its relay. Stay at the display: while it runs nothing else watches for smoke, and Ctrl-C ends it.": "Bài kiểm tra này bật, tắt màn hình và ngắt rơ-le nguồn. Xin ở cạnh bảng tin: trong lúc chạy không có gì khác canh khói; nhấn Ctrl-C để dừng.",
		"The display is running. Stop it with: systemctl stop bangtind — and after the test start it with: systemctl start bangtind":                          "Bảng tin đang chạy. Hãy dừng bằng: systemctl stop bangtind — và sau khi kiểm tra, chạy lại bằng: systemctl start bangtind",
		"The panel goes on and off several times, for up to half an hour. Begin?":                                                                             "Màn hình sẽ bật và tắt nhiều lần, có thể đến nửa giờ. Bắt đầu?",
		"Nothing was done.": "Chưa làm gì cả.",

		"%s [y = yes, n = no, Enter = skip]":                                                 "%s [c = có, k = không, Enter = bỏ qua]",
		"%s It shall read: %s. [Enter = skip]":                                               "%s Phải đọc được: %s. [Enter = bỏ qua]",
		"%s reads: %s":                                                                       "%s đang đọc được: %s",
		"(Simulated: type t and Enter to operate it.)":                                       "(Mô phỏng: gõ t rồi Enter để tác động.)",
		"Before you touched it, it read: %s. Was that so?":                                   "Trước khi anh/chị tác động, nó đọc là: %s. Thực tế có đúng vậy không?",
		"Thank you. Now put it back as it was.":                                              "Cảm ơn. Bây giờ xin đưa về như cũ.",
		"Please operate the tamper contact.":                                                 "Xin tác động vào tiếp điểm chống phá.",
		"Please turn the key.":                                                               "Xin vặn chìa khóa.",
		"Please open the cabinet's door, or close it if it is open.":                         "Xin mở cửa tủ, hoặc đóng lại nếu đang mở.",
		"Please take the mains away from this contact (its own fuse, not the controller's).": "Xin cắt điện lưới tại tiếp điểm này (cầu chì riêng của nó, không phải của bộ điều khiển).",
		"Please trip the smoke detector (its test button or magnet).":                        "Xin kích đầu báo khói (bằng nút thử hoặc nam châm thử của nó).",
		"Please trip the smoke detector now. Without one, type t and Enter: the smoke is then simulated. [Enter = skip]": "Xin kích đầu báo khói bây giờ. Nếu không có, gõ t rồi Enter để giả lập khói. [Enter = bỏ qua]",
		"Please reset the smoke detector: while it says smoke, the display stays cut off.":                               "Xin đặt lại đầu báo khói: chừng nào nó còn báo khói, bảng tin còn bị ngắt.",
		"Is the panel lit?":                                                      "Màn hình có đang sáng không?",
		"Is the panel's standby lamp dark now?":                                  "Đèn chờ của màn hình đã tắt chưa (c = đã tắt)?",
		"Is the panel's standby lamp lit again?":                                 "Đèn chờ của màn hình đã sáng lại chưa (c = đã sáng)?",
		"Reading the meter for %v …":                                             "Đang đọc công tơ trong %v …",
		"The relay closes, after its dwell of %v …":                              "Rơ-le sẽ đóng, sau thời gian giữ mở %v …",
		"The relay stays open for its dwell of %v …":                             "Rơ-le còn giữ mở trong %v …",
		"The display's own decisions switch the panel on …":                      "Chính bộ quyết định của bảng tin đang bật màn hình …",
		"The report is in %s":                                                    "Báo cáo nằm ở %s",
		"The display is not on air yet. Start it with: systemctl start bangtind": "Bảng tin chưa phát. Hãy chạy bằng: systemctl start bangtind",
	}
}

// vietnameseFindings is what was tried and what was seen.
func vietnameseFindings() tongue {
	return tongue{
		"PASS":      "ĐẠT",
		"FAIL":      "KHÔNG ĐẠT",
		"NOT TRIED": "CHƯA THỬ",

		"mains contact":           "tiếp điểm điện lưới",
		"smoke contact":           "tiếp điểm báo khói",
		"door contact":            "tiếp điểm cửa",
		"tamper contact":          "tiếp điểm chống phá",
		"key switch":              "khóa công tắc",
		"thermometers":            "nhiệt kế",
		"panel on":                "bật màn hình",
		"brightness":              "độ sáng",
		"meter, panel lit":        "công tơ, màn hình sáng",
		"panel off":               "tắt màn hình",
		"meter, panel dark":       "công tơ, màn hình tắt",
		"relay":                   "rơ-le",
		"relay, outside its step": "rơ-le, ngoài bước của nó",
		"safety chain":            "chuỗi an toàn cháy",
		"the end":                 "kết thúc",

		"mains present": "có điện lưới",
		"mains absent":  "mất điện lưới",
		"smoke":         "có khói",
		"no smoke":      "không có khói",
		"open":          "mở",
		"closed":        "đóng",
		"tampered with": "bị tác động",
		"untouched":     "không bị tác động",
		"turned":        "đã vặn",
		"not turned":    "chưa vặn",
		"still %s":      "vẫn là %s",

		"interrupted":                      "bị dừng giữa chừng",
		"skipped":                          "đã bỏ qua",
		"nobody is there":                  "không có người trả lời",
		"nobody looked":                    "không có ai xác nhận",
		"none is wired":                    "không có cái nào được nối",
		"seen to be so":                    "đã được xác nhận bằng mắt",
		"the person sees the opposite":     "người thử thấy ngược lại",
		"nothing that can be believed: %s": "không có số đọc tin được: %s",
		"read %s after %v":                 "đọc được %s sau %v",
		"did not read %s within %v: %s":    "không đọc được %s trong %v: %s",
		"at rest it reads %s; nobody said that this is so":                                                   "lúc nghỉ đọc là %s; chưa ai xác nhận là đúng",
		"it read the other way round: change active in the site file, and see that a cut cable still alarms": "đọc ngược: hãy đổi active trong tệp cấu hình, và thử xem đứt dây có còn báo động không",
		"%s: nothing that can be believed: %s":                                                               "%s: không có số đọc tin được: %s",
		"%s: %v is not what a cabinet has; the display cuts off at %d °C":                                    "%s: %v không phải nhiệt độ của tủ; bảng tin tự ngắt ở %d °C",

		"read back after %v":                           "đọc lại đúng sau %v",
		"acknowledged; this panel cannot be read back": "đã nhận lệnh; màn hình này không đọc lại được",
		"the panel does not obey: %v":                  "màn hình không theo lệnh: %v",
		"it acknowledges, and reads %v":                "nó nhận lệnh nhưng đọc lại là %v",
		"this panel has none to set":                   "màn hình này không chỉnh được",
		"it was %d %%":                                 "trước đó là %d %%",
		"set to %d %% and read back":                   "đặt %d %% và đọc lại đúng",
		"set to %d %%, it reads %d %% (%v)":            "đặt %d %%, đọc lại là %d %% (%v)",

		"%v to %v": "%v đến %v",
		"for the site file, below [meter]: lit = %d and dark = %d":            "cho tệp cấu hình, dưới [meter]: lit = %d và dark = %d",
		"lit and dark draw too much alike: does the meter measure the panel?": "sáng và tắt tiêu thụ gần như nhau: công tơ có đo đúng màn hình không?",
		"meter.dark is %d W, and this panel was dark with more":               "meter.dark là %d W, mà màn hình này tắt vẫn dùng nhiều hơn",
		"meter.lit is %d W, and this panel was lit with less":                 "meter.lit là %d W, mà màn hình này sáng chỉ dùng ít hơn",

		"open after %v":   "mở sau %v",
		"closed after %v": "đóng sau %v",
		"no feedback contact is wired: only a person's eyes tell whether it moves":                    "không nối tiếp điểm phản hồi: chỉ mắt người biết rơ-le có chuyển hay không",
		"the relay does not cut this panel's supply: which contact is it wired to, and is it welded?": "rơ-le không ngắt nguồn của màn hình này: nó nối vào tiếp điểm nào, và có bị dính không?",

		"not made: the panel is not on":                            "không làm được: màn hình chưa bật",
		"the smoke was typed: the contact had no part in it":       "khói được giả lập bằng bàn phím: tiếp điểm không tham gia",
		"no smoke was read within %v":                              "không đọc được khói trong %v",
		"relay open after %v":                                      "rơ-le mở sau %v",
		"the relay did not open: %v":                               "rơ-le không mở: %v",
		"the relay was open after %v; %v are allowed":              "rơ-le mở sau %v; chỉ được phép %v",
		"panel acknowledged to go off after %v":                    "màn hình nhận lệnh tắt sau %v",
		"panel read back as off after %v":                          "đọc lại thấy màn hình tắt sau %v",
		"the panel was not read back as off":                       "không đọc lại được là màn hình đã tắt",
		"the panel was not told to go off in time":                 "màn hình không nhận được lệnh tắt kịp thời",
		"the panel did not acknowledge; the relay took its supply": "màn hình không nhận lệnh; rơ-le đã ngắt nguồn của nó",
		"counted from the debounced reading of smoke; the contact's debounce of 50 ms comes before": "tính từ lúc tín hiệu khói đã ổn định; trước đó còn 50 ms chống rung của tiếp điểm",
	}
}
