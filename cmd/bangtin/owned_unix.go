//go:build unix

package main

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owned tells who owns the folder, and whether that is who runs this program.
func owned(dir string) (owner string, mine bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", true // the next step says what is wrong
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return "", true
	}
	owner = strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	return owner, false
}
