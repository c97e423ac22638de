package drm

import "golang.org/x/sys/unix"

func Retried(request func() unix.Errno) error { return retried(request) }
