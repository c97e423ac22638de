package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"bangtin/internal/notice"
)

// stuckFor is how long a boot that went wrong is left to be read and to be mended by itself, such as by a disk that answers late.
// Then it is started anew: a trial goes back to the slot that ran before, and a fault that passes has passed.
const stuckFor = 15 * time.Minute

// stuck stands where Debian has a shell.
func stuck(ctx context.Context, notices string) error {
	n := notice.Notice{
		Part: "boot", Code: "D04",
		Vi: "Hệ thống không khởi động được trọn vẹn: tự khởi động lại sau 15 phút. Nếu lặp lại, gọi kỹ thuật.",
		En: "The system did not start completely: it starts anew after 15 minutes. If that repeats, call a technician.",
	}
	if err := notice.Put(notices, n); err != nil {
		return err
	}
	// What does not need the part that failed is started all the same: the page on the console, and the display.
	cmd := exec.CommandContext(ctx, "/usr/bin/systemctl", "start", "--no-block", "--job-mode=fail", "multi-user.target")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot go on:", err)
	}
	select {
	case <-ctx.Done():
		return nil // somebody else ends it
	case <-time.After(stuckFor):
	}
	if exec.CommandContext(ctx, "/usr/bin/systemctl", "--quiet", "is-active", "multi-user.target").Run() == nil {
		return notice.Clear(notices, n.Part) // it got there after all
	}
	return exec.CommandContext(ctx, "/usr/bin/systemctl", "--no-block", "reboot").Run()
}
