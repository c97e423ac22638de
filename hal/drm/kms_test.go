package drm_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/hal/drm"
)

// TestARequestIsNotRepeatedForEver: not one of a driver that always wants it again.
func TestARequestIsNotRepeatedForEver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		says  []unix.Errno // the last of them from then on
		calls int
		want  error
		takes time.Duration
	}{
		{"at once", []unix.Errno{0}, 1, nil, 0},
		{"refused", []unix.Errno{unix.EACCES}, 1, unix.EACCES, 0},
		{"interrupted", []unix.Errno{unix.EINTR, unix.EINTR, 0}, 3, nil, 0},
		{"busy for a while", []unix.Errno{unix.EAGAIN, unix.EAGAIN, 0}, 3, nil, 40 * time.Millisecond},
		{"interrupted for ever", []unix.Errno{unix.EINTR}, 100, unix.EAGAIN, 0},
		{"busy for ever", []unix.Errno{unix.EAGAIN}, 100, unix.EAGAIN, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, calls := time.Now(), 0
			err := drm.Retried(func() unix.Errno {
				calls++
				return tt.says[min(calls, len(tt.says))-1]
			})
			if !errors.Is(err, tt.want) || calls != tt.calls || time.Since(began) != tt.takes {
				t.Errorf("%s: %v after %d calls and %v", tt.name, err, calls, time.Since(began))
			}
		})
	}
}
