package main

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kernelRun is the random identity of the kernel's run; empty when it does not say.
func kernelRun() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// kernelName is the kernel's name and release.
func kernelName() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown: " + err.Error()
	}
	return unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
}

// startOfKernel is when this kernel started, by the wall clock. Before the last heartbeat of an earlier run of the
// kernel it cannot be: then the wall clock was not set from a clock that went on meanwhile.
func startOfKernel(wall time.Time) time.Time {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return wall
	}
	return wall.Add(-time.Duration(up.Nano()))
}
