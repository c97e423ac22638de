package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"bangtin/internal/notice"
)

// part is whose notice it is.
const part = "data"

// Codes of what can be wrong with data; docs/OPERATIONS.md has them.
const (
	codeGone     = "D01"
	codeReadOnly = "D02"
	codeFull     = "D03"
	codeRepaired = "D05"
)

// repairedMark is a file at the top of data that is there once its file system was damaged, with the end of what e2fsck
// said. It stays: a medium that spoilt what it held is to be replaced.
const repairedMark = ".repaired"

// Nearly full: less than a hundredth of it, or less than 32 MiB. The journal's log and a new playlist need that much.
const (
	leastShare = 100
	leastBytes = 32 << 20
)

func gone(why error) notice.Notice {
	return notice.Notice{
		Part: part, Code: codeGone,
		Vi:      "Không đọc được bộ nhớ lưu trữ: bảng tin chạy tạm bằng bộ nhớ RAM, không có nội dung và lịch sử. Hãy thay ổ đĩa.",
		En:      "The storage cannot be read: the display runs from memory, without its content and its past. Replace the disk.",
		Details: lines(why),
	}
}

func readOnly(why error) notice.Notice {
	return notice.Notice{
		Part: part, Code: codeReadOnly,
		Vi:      "Bộ nhớ lưu trữ chỉ đọc được: nội dung vẫn phát, điều mới ghi sẽ mất khi tắt điện. Hãy thay ổ đĩa.",
		En:      "The storage can only be read: the programme goes on, what is written is lost when the power goes. Replace the disk.",
		Details: lines(why),
	}
}

func full(free uint64) notice.Notice {
	return notice.Notice{
		Part: part, Code: codeFull,
		Vi:      "Bộ nhớ lưu trữ gần đầy: nội dung mới không nhận được.",
		En:      "The storage is nearly full: new content cannot be taken.",
		Details: []string{fmt.Sprintf("%d MiB are free", free>>20)},
	}
}

func repaired() notice.Notice {
	return notice.Notice{
		Part: part, Code: codeRepaired,
		Vi:      "Bộ nhớ lưu trữ đã bị hỏng và được sửa, một phần dữ liệu có thể đã mất. Hãy thay ổ đĩa.",
		En:      "The storage was damaged and repaired, and part of what it held may be lost. Replace the disk.",
		Details: []string{"e2fsck had to guess: what it said is in " + repairedMark + " on data"},
	}
}

// lines are the details of an error, one each.
func lines(err error) []string { return strings.Split(err.Error(), "\n") }

// room says what is free, in bytes, and whether data is nearly full.
func room(dir string) (free uint64, full bool, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false, fmt.Errorf("cannot measure data: %w", err)
	}
	// In bytes; blocks that only root may take are nobody's.
	free, all := s.Bavail*uint64(s.Bsize), s.Blocks*uint64(s.Bsize)
	return free, free < leastBytes || free < all/leastShare, nil
}

// judge says what is wrong with data that can be written, as a code, empty where nothing is; and what is free, in bytes.
func judge(dir string) (code string, free uint64, err error) {
	free, nearly, err := room(dir)
	if err != nil {
		return "", 0, err
	}
	_, err = os.Lstat(filepath.Join(dir, repairedMark))
	switch {
	case err == nil:
		return codeRepaired, free, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", 0, fmt.Errorf("cannot tell whether data was repaired: %w", err)
	case nearly:
		return codeFull, free, nil
	}
	return "", free, nil
}

// look says what has become of data since it was mounted: the kernel takes a file system with errors away from writers
// (errors=remount-ro), and disks fill up. What was said when it was mounted stands for the whole boot.
func (v volume) look() error {
	if _, err := os.Stat(v.Mark); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("cannot read what is mounted: %w", err)
	}
	if takenAway(string(text), v.Data) {
		return errors.Join(v.mark(codeReadOnly), v.tell(readOnly(errors.New("it failed while the system ran: it is checked and repaired at the next start"))))
	}
	code, free, err := judge(v.Data)
	if err != nil {
		return err
	}
	if n := (finding{Code: code, Free: free}).notice(); n != nil {
		return v.tell(*n)
	}
	return notice.Clear(v.Notices, part)
}

// takenAway says whether the kernel lets nobody write to what is mounted at a folder, whoever asks: the file system is
// read-only, not only this view of it. The text is /proc/self/mountinfo (proc_pid_mountinfo(5)). Kernels from 6.15 on
// say emergency_ro and leave the file system rw.
func takenAway(mountinfo, dir string) bool {
	taken := false
	for line := range strings.Lines(mountinfo) {
		view, file, ok := strings.Cut(line, " - ")
		at, system := strings.Fields(view), strings.Fields(file)
		if !ok || len(at) < 5 || at[4] != dir || len(system) < 3 {
			continue
		}
		options := strings.Split(system[2], ",") // the last line is what is on top
		taken = slices.Contains(options, "ro") || slices.Contains(options, "emergency_ro")
	}
	return taken
}
