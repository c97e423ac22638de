package main

import "bangtin/internal/notice"

// open says that the firewall could not be loaded. The display runs all the same: nothing listens on a controller, and the
// firewall is there for what nobody thought of.
func open(notices string) error {
	return notice.Put(notices, notice.Notice{
		Part: "firewall", Code: "F01",
		Vi: "Tường lửa không hoạt động: khởi động lại một lần; nếu vẫn báo, gọi kỹ thuật.",
		En: "The firewall is not there: start the controller anew once; if it is said again, call a technician.",
	})
}
