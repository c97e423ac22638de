package main

// vietnameseOrders is what is said of what an order is made of, and of what stands against it.
func vietnameseOrders() map[string]string {
	return map[string]string{
		"is not used together with the rest":     "không dùng được cùng các tùy chọn còn lại",
		"leave it out, or see bangtin help send": "bỏ tùy chọn này, hoặc xem bangtin help send",

		"%s: not taken yet (%s): %s":                             "%s: chưa nhận lệnh (%s): %s",
		"it had too many commands open; the same was sent again": "còn quá nhiều lệnh đang thực hiện; lệnh này đã được gửi lại",
	}
}
