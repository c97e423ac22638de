package main

import "maps"

// vietnamese is the catalogue: the Vietnamese of every phrase in this program, by its English. Commands, options
// and values stay as they are typed.
func vietnamese() map[string]string {
	all := map[string]string{}
	for _, part := range catalogueParts() {
		maps.Copy(all, part)
	}
	return all
}

func catalogueParts() []map[string]string {
	return []map[string]string{
		vietnameseHelp(), vietnameseProblems(), vietnameseRemedies(), vietnameseResults(),
		vietnameseSend(), vietnameseWatch(), vietnameseSigning(), vietnameseCentre(), vietnameseOrders(),
		vietnameseReasons(), vietnamesePanel(), vietnameseFlash(), vietnameseSite(),
	}
}

// vietnameseResults is what the program says when all went well.
func vietnameseResults() map[string]string {
	return map[string]string{
		"Passphrase of %s: ": "Mật khẩu của %s: ",
		"New passphrase: ":   "Mật khẩu mới: ",
		"The same again: ":   "Nhập lại mật khẩu: ",

		"Key of %s (%s): %s": "Khóa của %s (%s): %s",
		"  %s  keep secret, and keep a copy in another safe place": "  %s  giữ bí mật, và cất một bản sao ở nơi an toàn khác",
		"  %s  give to whoever writes the trust document":          "  %s  gửi cho người lập danh sách khóa",

		"%s: trust document %d of %s, %s":                  "%s: danh sách khóa số %d của %s, %s",
		"Not valid yet: %s. Sign with: bangtin trust sign": "Chưa có hiệu lực: %s. Ký thêm bằng: bangtin trust sign",
		"Signed by enough of the people it names itself. Whether it may replace another, that one decides: bangtin trust show --previous OLD.": "Đã đủ chữ ký của những người nêu trong chính danh sách này. Có được thay một danh sách khác hay không là do danh sách đó: bangtin trust show --previous BẢNCŨ.",
		"It may replace %s: newer, and signed by enough of the people named there.":                                                            "Được thay %s: mới hơn, và đủ chữ ký của những người nêu trong đó.",

		"Playlist %s begun in %s. Next: bangtin playlist add %s":                                                                     "Đã tạo danh sách phát %s trong %s. Tiếp theo: bangtin playlist add %s",
		"Item %d added: %s, %d s":                                                                                                    "Đã thêm mục %d: %s, %d giây",
		"Signed: %s, version %d, %d items, %d s, by key %s":                                                                          "Đã ký: %s, phiên bản %d, %d mục, %d giây, bằng khóa %s",
		"The playlist is frozen. The other person signs next: bangtin playlist approve %s":                                           "Danh sách phát đã khóa nội dung. Người còn lại ký tiếp: bangtin playlist approve %s",
		"The characters of texts were not checked: the display's fonts are not here. Give them with --fonts DIR.":                    "Chưa kiểm tra các ký tự của phần chữ: máy này không có phông chữ của bảng tin. Hãy chỉ rõ thư mục phông chữ bằng --fonts DIR.",
		"Attention: every item ends. From %s the display has nothing of this playlist to show.":                                      "Chú ý: mọi mục đều có hạn. Từ %s bảng tin không còn gì trong danh sách này để chiếu.",
		"Both signatures are there. Next: bangtin playlist publish %s --wait; or to carry it on a stick: bangtin playlist export %s": "Đã đủ hai chữ ký. Tiếp theo: bangtin playlist publish %s --wait; hoặc để mang đi bằng USB: bangtin playlist export %s",
		"The signatures of %s are dropped. It can be changed and must be signed anew by both.":                                       "Đã bỏ các chữ ký của %s. Có thể sửa, và cả hai người phải ký lại.",
		"Exported to %s: %s, version %d, for %s, SHA-256 %s":                                                                         "Đã xuất ra %s: %s, phiên bản %d, cho %s, SHA-256 %s",
		"The signatures were counted, not checked. Check them with --trust trust.json.":                                              "Chữ ký mới chỉ được đếm, chưa được kiểm tra. Hãy kiểm tra bằng --trust trust.json.",
		"Checked: edited by %s, approved by %s.":                                                                                     "Đã kiểm tra: biên tập %s, duyệt %s.",

		"%s: %s, version %d, for %s":  "%s: %s, phiên bản %d, cho %s",
		"Signed content: SHA-256 %s":  "Nội dung đã ký: SHA-256 %s",
		"file":                        "tệp",
		"heading":                     "tiêu đề chữ",
		"colours":                     "màu",
		"%s on %s":                    "%s trên nền %s",
		"from":                        "từ",
		"until":                       "đến",
		"contributor":                 "người cung cấp",
		"rights":                      "bản quyền",
		"state secrets":               "bí mật nhà nước",
		"declared to be none":         "cam kết không có",
		"not declared":                "chưa cam kết",
		"Not signed yet.":             "Chưa ai ký.",
		"Signature that names key %s": "Chữ ký ghi khóa %s",
		"kind":                        "loại",
		"category":                    "nội dung",
		"language":                    "ngôn ngữ",
		"seconds":                     "giây",
		"source":                      "nguồn",
		"editor":                      "biên tập",
		"approver":                    "duyệt",
		"picture":                     "ảnh",
		"video":                       "video",
		"text":                        "chữ",
		"country promotion":           "quảng bá đất nước",
		"integration achievements":    "thành tựu hội nhập",
		"border rules":                "quy định biên giới",
		"sea and islands":             "biển đảo",
		"essential information":       "thông tin thiết yếu",
		"economy and investment":      "kinh tế, đầu tư",
		"foreign affairs":             "đối ngoại",
		"Vietnamese":                  "Việt",
		"English":                     "Anh",
		"Khmer":                       "Khmer",
		"no words":                    "không lời",

		"Order for %s: back to the schedule": "Lệnh cho %s: trở lại theo lịch",
		"Order for %s: %s until %s":          "Lệnh cho %s: %s đến %s",
	}
}
