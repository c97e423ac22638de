package main

// vietnamesePanel is what those say who connect a panel, and what they are told.
func vietnamesePanel() map[string]string {
	return map[string]string{
		"write a request to a panel in hex":                                    "viết một yêu cầu gửi màn hình dưới dạng hex",
		"say in words what a request to a panel or its reply says":             "diễn giải một yêu cầu gửi màn hình hoặc trả lời của nó",
		"find which protocol and set ID a panel answers to; nothing is set":    "tìm giao thức và set ID mà màn hình trả lời; không thay đổi gì",
		"what the panel speaks: mdc (Samsung), lg, nec or sicp (Philips)":      "giao thức của màn hình: mdc (Samsung), lg, nec hoặc sicp (Philips)",
		"set ID of the panel, as in its menu; all for every panel on the line": "set ID của màn hình, như trong menu của nó; all là mọi màn hình trên đường dây",

		"serial port, such as /dev/ttyUSB0; better its name in /dev/serial/by-id": "cổng nối tiếp, như /dev/ttyUSB0; tốt hơn là tên của nó trong /dev/serial/by-id",
		"set IDs to ask, such as 1-9 or 1,3,20-25 (1-9)":                          "các set ID cần hỏi, như 1-9 hoặc 1,3,20-25 (1-9)",
		"ask in this protocol only: mdc, lg, nec or sicp; several times (all)":    "chỉ hỏi bằng giao thức này: mdc, lg, nec hoặc sicp; dùng được nhiều lần (tất cả)",
		"asking %s, set ID %d …":                                                  "đang hỏi %s, set ID %d …",

		"%q is not a protocol of panels":                         "%q không phải giao thức màn hình",
		"use mdc, lg, nec or sicp":                               "dùng mdc, lg, nec hoặc sicp",
		"%q is not a set ID":                                     "%q không phải set ID",
		"give the number in the panel's menu, or all":            "ghi số trong menu của màn hình, hoặc all",
		"%q are not set IDs":                                     "%q không phải các set ID",
		"give numbers from 0 to 255, such as 1-9 or 1,3,20-25":   "ghi các số từ 0 đến 255, như 1-9 hoặc 1,3,20-25",
		"cannot be said to a panel of this protocol":             "không nói được với màn hình bằng giao thức này",
		"give a command and its value or get, such as: power on": "ghi lệnh và giá trị hoặc get, ví dụ: power on",

		"cannot be used as a panel's port": "không dùng được làm cổng màn hình",
		"check its name with ls -l /dev/serial/by-id, that you are in the group dialout, and that bangtind does not hold it: systemctl stop bangtind": "kiểm tra tên cổng bằng ls -l /dev/serial/by-id, tài khoản có trong nhóm dialout, và bangtind không giữ cổng: systemctl stop bangtind",
		"no panel answers":                        "không có màn hình nào trả lời",
		"was not searched to the end":             "chưa được dò hết",
		"ask fewer at once: --ids and --protocol": "hãy hỏi ít hơn mỗi lần: --ids và --protocol",
		"try the cable (a straight one and a null modem, 2 and 3 crossed), the panel's mains switch, other --ids as in its menu, and the panel switched on: some are deaf in standby; on Samsung set the control to RS-232C: with RJ45 the serial port is silent": "thử cáp (cả cáp thẳng và cáp null modem, chéo chân 2 và 3), công tắc nguồn của màn hình, --ids khác như trong menu, và bật màn hình lên: có loại không nghe khi ở chế độ chờ; với Samsung hãy đặt điều khiển là RS-232C: khi đặt RJ45 thì cổng nối tiếp im lặng",
	}
}
