package control

import "golang.org/x/sys/unix"

// KernelSynchronised reports whether the kernel's clock is disciplined by NTP or PTP at this moment.
// The flag is STA_UNSYNC of adjtimex(2); the kernel sets it by itself when nobody has corrected the clock for
// so long that its estimated error passed 16 s.
func KernelSynchronised() bool {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return err == nil && state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
}
