// Command initrd is the first process of a controller: it finds the root file system that the signed command line names,
// has the kernel verify every block of it, shows the slate as early as there is a display, and gives way to the root's
// own init.
//
// What fails is told in one line on the console and in the kernel's log, and then the machine restarts: the boot loader
// may have another slot. There is nothing here to talk to.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// diskLimit is how long the root may take to turn up. A stick on USB takes some 3 s, of which the driver of USB
	// storage waits one; a worn eMMC that repairs itself is said to take tens.
	diskLimit = 30 * time.Second
	// limit is how long all of it may take, whatever hangs.
	limit = 2 * diskLimit
	// reading is how long the reason of a failure can be read on the console before the machine restarts.
	reading = 10 * time.Second
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "this is the first process of a controller, and of nothing else")
		os.Exit(2)
	}
	ended := make(chan error, 1)
	go func() { ended <- start() }() // returns only when it failed
	var err error
	select {
	case err = <-ended:
	case <-time.After(limit):
		err = fmt.Errorf("no root after %v: something hangs", limit)
	}
	tell(err)
	time.Sleep(reading)
	restart()
}

// tell writes one line to the console and to the kernel's log, from where it may get into pstore.
func tell(err error) {
	line := "cannot start: " + err.Error()
	write("/dev/console", "\r\n"+oneLine(line)+"\r\n")
	log(line)
}

// log writes one line to the kernel's log, where the journal finds it. The console does not show it.
func log(line string) { write("/dev/kmsg", "<3>"+oneLine(line)+"\n") }

func oneLine(text string) string { return "bangtin: " + strings.ReplaceAll(text, "\n", "; ") }

// write writes to a device. There is nobody to tell that it did not work.
func write(path, text string) {
	if f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NOCTTY, 0); err == nil {
		_, _ = f.WriteString(text)
		f.Close()
	}
}

// restart does not return. Where the kernel refuses, the end of the first process is a panic, and panic= restarts.
func restart() {
	err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	tell(fmt.Errorf("and cannot restart: %w", err))
	os.Exit(1)
}
