package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/notice"
)

// A volume is where the display's data is, and where it is to be seen.
type volume struct {
	Find    func() (device string, err error) // its partition, which may turn up late
	Wait    time.Duration                     // how late
	Child   []string                          // this program, for what a broken disk may hang
	Limit   time.Duration                     // how long that may take
	Data    string                            // where it is mounted, always: the partition, memory over it, or memory alone
	Var     string                            // where its folder var is seen; empty where a test wants none
	Under   string                            // a folder for what is mounted below memory
	Mark    string                            // a file that is there while what is written is not kept: it holds the notice's code
	Notices string
	Say     *os.File // the log, which a child that was left behind may still write to
}

// Flags of every file system that holds data: nothing on it is a device or a program.
const inert = unix.MS_NOATIME | unix.MS_NODEV | unix.MS_NOSUID | unix.MS_NOEXEC

// memory bounds what stands in for data: a quarter of the machine's memory, so that mpv and the daemon have room.
const memory = "mode=0755,size=25%,nr_inodes=65536"

// bring mounts data, or what can be had of it. It fails only when the kernel has no memory to mount. Why data is not as
// it should be comes as a notice.
func (v volume) bring(ctx context.Context) error {
	n, err := v.mount(ctx)
	if err != nil {
		return err
	}
	if err := v.mountVar(); err != nil {
		return err
	}
	if n == nil {
		return nil
	}
	fmt.Fprintln(v.Say, n.Code, n.En, n.Details)
	if kept(n.Code) {
		return v.tell(*n)
	}
	return errors.Join(v.mark(n.Code), v.tell(*n))
}

// kept says whether what is written outlasts the boot all the same.
func kept(code string) bool { return code == codeFull || code == codeRepaired }

func (v volume) mark(code string) error {
	if err := os.MkdirAll(filepath.Dir(v.Mark), 0o755); err != nil {
		return fmt.Errorf("cannot mark that nothing is kept: %w", err)
	}
	if err := os.WriteFile(v.Mark, []byte(code+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot mark that nothing is kept: %w", err)
	}
	return nil
}

func (v volume) tell(n notice.Notice) error { return notice.Put(v.Notices, n) }

// mount puts something at Data, and says what is wrong with it; nil when nothing is.
func (v volume) mount(ctx context.Context) (*notice.Notice, error) {
	if err := os.MkdirAll(v.Data, 0o755); err != nil {
		fmt.Fprintln(v.Say, err) // of a read-only root, which has the folder
	}
	got, why := v.ask(ctx)
	if why == nil {
		why = v.show(got.At)
	}
	if why == nil {
		return got.notice(), nil
	}
	if err := unix.Mount("tmpfs", v.Data, "tmpfs", inert, memory); err != nil {
		return nil, fmt.Errorf("cannot put memory in the place of data: %w", err)
	}
	return ptr(gone(why)), nil
}

// show has what is mounted at a folder at Data instead.
func (v volume) show(at string) error {
	if filepath.Dir(at) != filepath.Clean(v.Under) {
		return fmt.Errorf("cannot show data: %q is not below %s", at, v.Under)
	}
	if err := unix.Mount(at, v.Data, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot show data: %w", err)
	}
	if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
		fmt.Fprintln(v.Say, "data stays where it was mounted, too:", err)
	}
	return nil
}

func ptr(n notice.Notice) *notice.Notice { return &n }

// mountVar shows data's folder var at Var; where that cannot be, memory.
func (v volume) mountVar() error {
	if v.Var == "" {
		return nil
	}
	from := filepath.Join(v.Data, "var")
	err := os.Mkdir(from, 0o755)
	if errors.Is(err, os.ErrExist) {
		err = nil
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Lstat(from)
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no folder", from)
	}
	if err == nil {
		err = unix.Mount(from, v.Var, "", unix.MS_BIND, "")
	}
	if err == nil {
		return nil
	}
	fmt.Fprintln(v.Say, "memory is in the place of what programs keep:", err)
	if err := unix.Mount("tmpfs", v.Var, "tmpfs", inert, memory); err != nil {
		return fmt.Errorf("cannot mount %s: %w", v.Var, err)
	}
	return nil
}
