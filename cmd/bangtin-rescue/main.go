// Command bangtin-rescue keeps a controller going whose storage does not: it mounts the data partition, or puts memory
// in its place, and says which. It keeps what the log and a crash leave, within bounds. systemd starts it, as root:
//
//	bangtin-rescue data      mounts /data and /var; never fails, never asks, never formats
//	bangtin-rescue take DEVICE FOLDER  the part of that which a broken disk may hang, started by it: mounts below a folder
//	bangtin-rescue look      looks whether data went read-only or is full since
//	bangtin-rescue logs      adds the warnings since the last time to the log on data
//	bangtin-rescue tail      keeps the end of this boot's log on data
//	bangtin-rescue crash     says what the last boot's crash left, and keeps the newest of them
//	bangtin-rescue firewall  says that the firewall could not be loaded
//	bangtin-rescue stuck     instead of the emergency shell: says so, and starts what can be started
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"bangtin/image/layout"
	"bangtin/internal/bootdisk"
	"bangtin/internal/notice"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bangtin-rescue:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 3 && args[0] == "take" {
		return taker{device: args[1], under: args[2], say: os.Stderr}.answer(ctx, os.Stdout)
	}
	if len(args) != 1 {
		return errors.New("cannot run: one of data, look, logs, tail, crash, firewall, stuck is wanted")
	}
	data, ok := layout.Find(layout.Data, "")
	if !ok {
		return errors.New("cannot run: the disk's layout has no data")
	}
	v := volume{
		Find:  func() (string, error) { return bootdisk.Partition("/sys", "/dev", layout.DiskRun, data.Number) },
		Wait:  findWithin,
		Child: []string{"/proc/self/exe"}, Limit: takeWithin,
		Data: layout.DataDir, Var: "/var", Under: "/run/bangtin-rescue", Mark: layout.RescueRun, Notices: notice.Dir, Say: os.Stderr,
	}
	switch args[0] {
	case "data":
		return v.bring(ctx)
	case "look":
		return errors.Join(v.look(), unstuck(ctx, notice.Dir, "/usr/bin/systemctl", "--quiet", "is-active", "multi-user.target"))
	case "logs":
		return keeper(layout.DataDir).warnings(ctx)
	case "tail":
		return keeper(layout.DataDir).tail(ctx)
	case "crash":
		return crashes(layout.DataDir, notice.Dir).tell()
	case "firewall":
		return open(notice.Dir)
	case "stuck":
		return stuck(ctx, notice.Dir)
	}
	return fmt.Errorf("cannot run %q: it is none of data, look, logs, tail, crash, firewall, stuck", args[0])
}
