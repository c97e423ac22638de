package main

// vietnameseOrders is what is said of what an order is made of, and of what stands against it.
func vietnameseOrders() map[string]string {
	return map[string]string{
		"is not used together with the rest":     "không dùng được cùng các tùy chọn còn lại",
		"leave it out, or see bangtin help send": "bỏ tùy chọn này, hoặc xem bangtin help send",

		"%s: not taken yet (%s): %s":                             "%s: chưa nhận lệnh (%s): %s",
		"it had too many commands open; the same was sent again": "còn quá nhiều lệnh đang thực hiện; lệnh này đã được gửi lại",

		"sign a command, send it and follow what displays say of it":                                                                             "ký lệnh, gửi đi và theo dõi bảng tin trả lời ra sao",
		"follow the command until each display says that it obeyed and its state shows it; both are unsigned: proof is its record at the centre": "theo dõi đến khi từng bảng tin báo đã thực hiện và trạng thái cho thấy điều đó; cả hai đều không có chữ ký: bằng chứng là bản ghi của bảng tin ở trung tâm",
		"%s: verified by its state of %s, unsigned, as the broker brings it: %s":                                                                 "%s: đã kiểm chứng theo trạng thái lúc %s, do máy chủ tin nhắn chuyển tới, không có chữ ký: %s",
		"Command %s was given to nobody: the broker tells of no display.":                                                                        "Lệnh %s chưa giao cho bảng tin nào: máy chủ tin nhắn không thấy bảng tin nào.",
		"Command %s given to the broker for %d of %d displays, then no more: %s":                                                                 "Đã giao lệnh %s cho máy chủ tin nhắn để gửi tới %d trong %d bảng tin, rồi không giao tiếp được: %s",
		"  given for: %s":                   "  đã giao cho: %s",
		"  not given for, or not known: %s": "  chưa giao, hoặc chưa biết: %s",
		"Send the same bytes again: bangtin send --command %s. Who has them does nothing twice.":                                                                                                      "Gửi lại đúng lệnh này: bangtin send --command %s. Bảng tin nào đã nhận thì không làm lần nữa.",
		"A command that is made with --out FILE and sent with --command FILE can be sent again: who has the same bytes does nothing twice. A new one would be done again by those who have this one.": "Lệnh lập bằng --out TỆP và gửi bằng --command TỆP thì gửi lại được: bảng tin nào đã nhận đúng lệnh ấy thì không làm lần nữa. Nếu lập lệnh mới, bảng tin đã nhận lệnh này sẽ làm thêm lần nữa.",

		"never seen, though a playlist was published for it": "chưa từng thấy, dù đã có danh sách phát cho bảng tin này",

		"trust document that displays hold now: this one must be allowed to replace it": "danh sách khóa bảng tin đang giữ: bản này phải được phép thay nó",
		"displays hold none but this one, by which they were enrolled":                  "bảng tin chưa giữ bản nào khác, vì đã đăng ký bằng chính bản này",
		"give the document that displays hold now with --previous FILE":                 "ghi danh sách khóa bảng tin đang giữ bằng --previous TỆP",
		"bring a power order to its display, to hold until it is replaced":              "đưa lệnh duy trì tới bảng tin, có giá trị đến khi bị thay",
		"is not a power order":                          "không phải lệnh duy trì",
		"Written to %s. Next: bangtin power publish %s": "Đã ghi vào %s. Tiếp theo: bangtin power publish %s",

		"DARK inside its window: panel %s, %s: %s":                     "KHÔNG SÁNG trong giờ phát: màn hình %s, %s: %s",
		"DARK inside its window: the player is %s, %s: %s":             "KHÔNG CÓ HÌNH trong giờ phát: trình phát %s, %s: %s",
		"DARK inside its window: panel not read back since %s, %s: %s": "KHÔNG SÁNG trong giờ phát: không đọc lại được màn hình từ %s, %s: %s",

		"Attention: key %s has signed with a clock that was fast. So that displays obey, this is dated %s; look at the clocks.": "Chú ý: khóa %s đã ký khi đồng hồ chạy nhanh. Để bảng tin chấp nhận, lệnh này ghi giờ %s; hãy kiểm tra đồng hồ.",
		"remove it; look at this machine's clock first":                                                                                                                                   "xóa tệp này; kiểm tra đồng hồ máy này trước",
		"Attention: key %s has signed something later than this. A display that obeyed it refuses this command as replayed.":                                                              "Chú ý: khóa %s đã ký một lệnh ghi giờ muộn hơn. Bảng tin nào đã nhận lệnh ấy sẽ từ chối lệnh này (replayed).",
		"Attention: cannot remember beside key %s when it signed last: %s":                                                                                                                "Chú ý: không ghi được cạnh khóa %s lần ký cuối: %s",
		"Attention: key %s has signed with a clock that was far ahead: %s. A display that took that answers replayed until then: set the clocks right, and sign for it with another key.": "Chú ý: khóa %s đã ký khi đồng hồ chạy quá nhanh: %s. Bảng tin nào đã nhận lệnh đó sẽ trả lời replayed cho đến giờ ấy: chỉnh lại đồng hồ, và ký cho bảng tin đó bằng khóa khác.",
	}
}
