// Package chaos_test is the whole way of a record and of a command under conditions that are worse than any border gate:
// real Mosquitto with the configuration that `bangtin center init` writes, the real centre, and displays made of the
// daemon's own parts in processes of their own, all of which are killed, cut off and filled up at random.
package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// envDisplay names the settings of a display. The test binary is that display when it is set, so that it can be killed.
const envDisplay = "BANGTIN_TEST_DISPLAY"

// exitReboot is how a display ends whose machine was told to start anew.
const exitReboot = 42

func TestMain(m *testing.M) {
	path := os.Getenv(envDisplay)
	if path == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := runDisplay(ctx, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
