package main

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The test binary is the centre too, when this is set: real processes can be killed at a labelled write.
const (
	envCentre = "BANGTIN_TEST_CENTRE"
	envKill   = "BANGTIN_TEST_KILL" // label#n: SIGKILL at the nth time the label is reached
)

func TestMain(m *testing.M) {
	if os.Getenv(envCentre) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit((&Main{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Fault: fault()}).Run(ctx))
}

func fault() func(string) {
	target, times, _ := strings.Cut(os.Getenv(envKill), "#")
	left, _ := strconv.Atoi(times)
	var mu sync.Mutex
	return func(label string) {
		mu.Lock()
		defer mu.Unlock()
		if label != target {
			return
		}
		if left--; left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}
