package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/control/local"
	"bangtin/internal/notice"
)

// Limits on what is taken from outside.
const (
	maxUnits      = 16 << 10 // bytes of systemctl's answer
	maxFailed     = 20
	maxInterfaces = 16
	maxIPs        = 4
)

// sources are where facts come from, by their paths.
type sources struct {
	socket, notices, slot, data string
	systemctl                   []string
}

func (s *sources) inquiries() []Inquiry {
	return []Inquiry{
		{text{"chương trình chính", "daemon"}, s.daemon},
		{text{"thông báo", "notices"}, s.told},
		{text{"khe hệ thống", "slot"}, s.which},
		{text{"dịch vụ", "services"}, s.units},
		{text{"mạng", "network"}, s.network},
		{text{"dữ liệu", "data"}, s.disk},
		{text{"thời gian chạy", "uptime"}, s.uptime},
	}
}

func (s *sources) daemon(ctx context.Context) func(*Facts) {
	a, err := local.Ask(ctx, s.socket, local.Request{Do: local.Status})
	var d Daemon
	if err == nil && a.Here != nil {
		d.Here = *a.Here
	}
	if err == nil {
		err = json.Unmarshal(a.State, &d.State)
	}
	return func(f *Facts) {
		if err != nil {
			f.DaemonWhy = err.Error()
			return
		}
		f.Daemon = &d
	}
}

func (s *sources) told(context.Context) func(*Facts) {
	all, err := notice.All(s.notices)
	return func(f *Facts) { f.Notices, f.NoticesBad = all, err != nil }
}

// which reads the slot that runs; the initrd wrote it.
func (s *sources) which(context.Context) func(*Facts) {
	raw, err := os.ReadFile(s.slot)
	slot := strings.TrimSpace(string(raw[:min(len(raw), 16)]))
	if err != nil || slot != "A" && slot != "B" {
		slot = ""
	}
	return func(f *Facts) { f.Slot = slot }
}

func (s *sources) units(ctx context.Context) func(*Facts) {
	cmd := exec.CommandContext(ctx, s.systemctl[0], s.systemctl[1:]...)
	cmd.WaitDelay = time.Second
	out := &limited{left: maxUnits}
	complaint := &limited{left: maxUnits}
	cmd.Stdout, cmd.Stderr = out, complaint
	if err := cmd.Run(); err != nil {
		return func(f *Facts) { f.FailedWhy = cmp.Or(strings.TrimSpace(complaint.String()), err.Error()) }
	}
	failed := []string{}
	for line := range strings.Lines(out.String()) {
		// systemctl 257 begins the line with a sign where the unit is not as it should be, also without a legend.
		for _, word := range strings.Fields(line) {
			if strings.Contains(word, ".") {
				failed = append(failed, word)
				break
			}
		}
	}
	return func(f *Facts) { f.Failed = failed[:min(len(failed), maxFailed)] }
}

// limited keeps the first bytes and drops the others.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.Buffer.Write(p[:n])
	return len(p), nil
}

// ReadFrom hides that of the buffer, which has no limit.
func (l *limited) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{l}, r) }

func (s *sources) network(context.Context) func(*Facts) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	all := []Address{}
	for _, i := range interfaces[:min(len(interfaces), maxInterfaces)] {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		a := Address{Interface: i.Name, Up: i.Flags&net.FlagRunning != 0}
		addrs, _ := i.Addrs() // one that went away meanwhile has none
		for _, addr := range addrs {
			ip, ok := addr.(*net.IPNet)
			if ok && !ip.IP.IsLinkLocalUnicast() && len(a.IPs) < maxIPs {
				a.IPs = append(a.IPs, ip.String())
			}
		}
		all = append(all, a)
	}
	return func(f *Facts) { f.Addresses = all }
}

func (s *sources) disk(context.Context) func(*Facts) {
	var fs unix.Statfs_t
	var here, above unix.Stat_t
	err := errors.Join(unix.Statfs(s.data, &fs), unix.Stat(s.data, &here), unix.Stat(filepath.Dir(s.data), &above))
	if err != nil {
		return func(f *Facts) { f.Data = &Disk{Missing: true} }
	}
	d := &Disk{
		Free: fs.Bavail * uint64(fs.Bsize), Total: fs.Blocks * uint64(fs.Bsize),
		Memory:  slices.Contains([]int64{unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC}, fs.Type),
		Missing: here.Dev == above.Dev,
	}
	return func(f *Facts) { f.Data = d }
}

func (s *sources) uptime(context.Context) func(*Facts) {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return nil
	}
	return func(f *Facts) { f.Uptime = time.Duration(info.Uptime) * time.Second }
}
