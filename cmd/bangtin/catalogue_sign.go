package main

import "maps"

// vietnameseSigning is what is said about drafts that travel, about the ssh-agent and about struck keys.
func vietnameseSigning() map[string]string {
	all := vietnameseAgent()
	maps.Copy(all, map[string]string{
		"show everything that is about to be signed in a draft, and who is still missing": "xem toàn bộ nội dung sắp ký trong bản trình ký, và còn thiếu chữ ký của ai",
		"add a signature to a draft: a playlist, a trust document, an order or a command": "ký thêm vào bản trình ký: danh sách phát, danh sách khóa, lệnh duy trì hoặc lệnh tức thời",
		"sign without asking": "ký ngay, không hỏi lại",
		"trust document it is to replace, to be warned of what stops counting": "danh sách khóa sẽ bị thay, để được cảnh báo những gì hết giá trị",

		"%s: standing order, version %d":          "%s: lệnh duy trì, phiên bản %d",
		"%s: command %s":                          "%s: lệnh tức thời %s",
		"display":                                 "bảng tin",
		"all displays":                            "tất cả bảng tin",
		"what":                                    "nội dung lệnh",
		"how":                                     "cách thực hiện",
		"reason":                                  "lý do",
		"made":                                    "lập lúc",
		"not taken after":                         "không nhận sau",
		"until somebody orders otherwise":         "cho đến khi có lệnh khác",
		"also while the display is on air":        "kể cả khi bảng tin đang phát",
		"on, whatever the schedule says":          "bật, bất kể lịch phát",
		"off; people on site may switch it on":    "tắt; người tại chỗ được bật lại",
		"dark; nobody on site may switch it on":   "tắt hẳn; người tại chỗ không được bật lại",
		"the built-in safe picture":               "ảnh an toàn có sẵn",
		"back to the schedule":                    "trở lại theo lịch",
		"switch the panel":                        "bật, tắt màn hình",
		"show the newest approved playlist now":   "chiếu ngay danh sách phát mới nhất đã duyệt",
		"show the gate's name on the screen":      "hiện tên cửa khẩu trên màn hình",
		"restart the player":                      "khởi động lại trình phát",
		"restart the controller":                  "khởi động lại bộ điều khiển",
		"send a picture of the screen":            "gửi ảnh chụp màn hình",
		"send a report of the controller's state": "gửi báo cáo tình trạng bộ điều khiển",
		"is of a kind that people do not sign with this program": "thuộc loại không ký bằng chương trình này",
		"make it anew": "hãy lập lại",
		"The pictures and videos are not beside this file: look at them before you sign.": "Ảnh và video không nằm cạnh tệp này: hãy xem trước khi ký.",

		"Signed by %s (%s), %s%s":     "Đã ký: %s (%s), %s%s",
		"which does not hold role %s": "không giữ vai trò %s",
		"does not hold role %s in %s": "không giữ vai trò %s trong %s",
		"Signature that names key %s does not count: no key of the trust document made it":  "Chữ ký ghi khóa %s không được tính: không khóa nào trong danh sách khóa tạo ra chữ ký này",
		"The signatures were counted, not checked: %d. Check them with --trust trust.json.": "Chữ ký mới chỉ được đếm, chưa được kiểm tra: %d. Hãy kiểm tra bằng --trust trust.json.",
		"Enough people have signed: displays that go by %s take it.":                        "Đã đủ chữ ký: các bảng tin dùng %s sẽ chấp nhận.",
		"Not valid yet: it %s; %s. People that role %s needs together: %d.":                 "Chưa có hiệu lực: bản này %s; %s. Vai trò %s cần số người cùng ký: %d.",

		"Sign this as %s? Type y and Enter: ":          "Ký nội dung trên với danh nghĩa %s? Gõ y rồi nhấn Enter: ",
		"there is no terminal to ask on":               "không có cửa sổ dòng lệnh để hỏi",
		"give --yes once you have read what is signed": "đọc kỹ nội dung sẽ ký, rồi thêm --yes",
		"was not signed: the answer was not y":         "chưa ký: câu trả lời không phải là y",
		"nothing was changed":                          "không có gì thay đổi",
		"was changed while you looked at it":           "đã bị sửa trong lúc đang xem",
		"look at it again, and sign then":              "hãy xem lại rồi mới ký",
		"Signed in %s by key %s":                       "Đã ký vào %s bằng khóa %s",

		"Attention: key %s of %s (%s) loses role %s. What counted by its signature stops counting at once.":                                                                               "Chú ý: khóa %s của %s (%s) bị thôi vai trò %s. Những gì có giá trị nhờ chữ ký của khóa này hết giá trị ngay.",
		"Attention: no playlist signed so far counts any more: the screens show the slate until a new one comes.":                                                                         "Chú ý: mọi danh sách phát đã ký đến nay đều hết giá trị: màn hình hiện ảnh chờ cho đến khi có danh sách mới.",
		"Attention: no order signed so far for role %s counts any more: the displays go back to the schedule.":                                                                            "Chú ý: mọi lệnh đã ký cho vai trò %s đến nay đều hết giá trị: các bảng tin trở lại theo lịch.",
		"First publish a document that holds the old keys and the new. Have what stands signed with the new ones too (bangtin sign draft), and publish that. Then publish this document.": "Trước hết hãy gửi danh sách có cả khóa cũ và khóa mới. Ký thêm bằng khóa mới cho những gì đang có hiệu lực (bangtin sign draft) rồi gửi đi. Sau đó mới gửi danh sách này.",
		"Before this document is published, have what stands for role %s signed with keys that stay (bangtin sign draft), and publish that.":                                              "Trước khi gửi danh sách này, hãy ký những gì đang có hiệu lực của vai trò %s bằng các khóa còn lại (bangtin sign draft) và gửi đi.",
	})
	return all
}

// vietnameseAgent is what can be wrong with a key in the ssh-agent.
func vietnameseAgent() map[string]string {
	return map[string]string{
		"private key to sign with: a file, or one that the ssh-agent holds, by agent:SHA256:… or its .pub file": "khóa bí mật dùng để ký: một tệp, hoặc khóa do ssh-agent giữ, ghi bằng agent:SHA256:… hay tệp .pub của khóa",

		"is in the ssh-agent, and none runs here: SSH_AUTH_SOCK is not set":             "do ssh-agent giữ, mà ở đây không có ssh-agent: chưa đặt SSH_AUTH_SOCK",
		"start ssh-agent and add the key with ssh-add, or give a key in a file":         "chạy ssh-agent và nạp khóa bằng ssh-add, hoặc dùng khóa trong tệp",
		"is in the ssh-agent, which does not answer":                                    "do ssh-agent giữ, mà ssh-agent không trả lời",
		"see whether ssh-add -l works, or give a key in a file":                         "thử ssh-add -l xem có chạy không, hoặc dùng khóa trong tệp",
		"is not among the keys of the ssh-agent":                                        "không có trong ssh-agent",
		"see ssh-add -l; add the key with ssh-add, or unlock the agent with ssh-add -X": "xem bằng ssh-add -l; nạp khóa bằng ssh-add, hoặc mở khóa ssh-agent bằng ssh-add -X",
		"was not used by the ssh-agent":                                                 "không được ssh-agent dùng để ký",
		"unlock the agent, touch the token where it asks for it, and try again":         "mở khóa ssh-agent, chạm vào thiết bị khóa khi được yêu cầu, rồi thử lại",
		"is in the ssh-agent, which signs no more than %d KiB":                          "do ssh-agent giữ, mà ssh-agent không ký quá %d KiB",
		"make it smaller, or sign it with a key in a file":                              "làm nhỏ lại, hoặc ký bằng khóa trong tệp",
		"makes signatures of another kind than ssh-ed25519":                             "tạo chữ ký không phải loại ssh-ed25519",
		"use a key of the type ssh-ed25519":                                             "dùng khóa loại ssh-ed25519",
		"is not a public SSH key":                                                       "không phải khóa SSH công khai",
		"is a key of the type %s":                                                       "là khóa loại %s",
		"is a FIDO key (%s), whose signatures displays cannot check":                    "là khóa FIDO (%s), bảng tin không kiểm tra được chữ ký của loại này",
		"use a key of the type ssh-ed25519; a PIV or OpenPGP token can hold one":        "dùng khóa loại ssh-ed25519; thiết bị PIV hoặc OpenPGP giữ được khóa loại này",
	}
}
