package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"bangtin/internal/notice"
)

// stuckFor is how long a boot that went wrong is left to be read, where nothing of it goes on. Then it is started anew: a
// trial goes back to the slot that ran before, and a fault that passes has passed.
const stuckFor = 15 * time.Minute

// stuckPart is whose notice it is that the system did not start.
const stuckPart = "boot"

// stuck stands where Debian has a shell. What does not need the part that failed is started all the same: the page on the
// console, and the display. systemd ends this program by that, as sysinit.target conflicts with it, and times the start
// instead: multi-user.target's JobTimeoutSec. Only where nothing can be started does it get to its end.
func stuck(ctx context.Context, notices string) error {
	n := notice.Notice{
		Part: stuckPart, Code: "D04",
		Vi: "Hệ thống không khởi động được trọn vẹn: tự khởi động lại trong vòng 30 phút. Nếu lặp lại, gọi kỹ thuật.",
		En: "The system did not start completely: it starts anew within 30 minutes. If that repeats, call a technician.",
	}
	if err := notice.Put(notices, n); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/systemctl", "start", "--no-block", "--job-mode=fail", "multi-user.target")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "cannot go on:", err)
	}
	select {
	case <-ctx.Done():
		return nil // it goes on
	case <-time.After(stuckFor):
	}
	return exec.CommandContext(ctx, "/usr/bin/systemctl", "--no-block", "reboot").Run()
}

// unstuck takes the notice away when the start came to its end after all. started asks for that, by its exit code.
func unstuck(ctx context.Context, notices string, started ...string) error {
	_, err := os.Stat(filepath.Join(notices, stuckPart+".json"))
	if there := err == nil; !there {
		return nil
	}
	if done := exec.CommandContext(ctx, started[0], started[1:]...).Run() == nil; !done {
		return nil
	}
	return notice.Clear(notices, stuckPart)
}
