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
	"time"
)

// The test binary is the daemon too, when this is set: real processes can be killed at a labelled write.
const (
	envDaemon  = "BANGTIN_TEST_DAEMON"
	envKill    = "BANGTIN_TEST_KILL"    // label#n: SIGKILL at the nth time the label is reached
	envLabels  = "BANGTIN_TEST_LABELS"  // file to which each label reached is appended
	envWall    = "BANGTIN_TEST_WALL"    // start|factor: the wall clock, faster than life
	envRig     = "BANGTIN_TEST_RIG"     // folder of a rig's sysfs and socket, see onRig
	envNotices = "BANGTIN_TEST_NOTICES" // folder of what other parts of the controller tell
)

func TestMain(m *testing.M) {
	if os.Getenv(envDaemon) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	daemon := &Main{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Wall: wall(), Fault: fault()}
	daemon.ShowNowhere()
	daemon.notices = os.Getenv(envNotices)
	if folder := os.Getenv(envRig); folder != "" {
		onRig(daemon, folder)
	}
	os.Exit(daemon.Run(ctx))
}

// wall is the system clock, or one that starts elsewhere and runs faster.
func wall() func() time.Time {
	start, factor, found := strings.Cut(os.Getenv(envWall), "|")
	if !found {
		return time.Now
	}
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(factor)
	if err != nil {
		panic(err)
	}
	began := time.Now()
	return func() time.Time { return at.Add(time.Since(began) * time.Duration(n)) }
}

func fault() func(string) {
	target, times, _ := strings.Cut(os.Getenv(envKill), "#")
	left, _ := strconv.Atoi(times)
	list := os.Getenv(envLabels)
	var mu sync.Mutex
	return func(label string) {
		mu.Lock()
		defer mu.Unlock()
		if list != "" {
			appendLine(list, label)
		}
		if label != target {
			return
		}
		if left--; left == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}

func appendLine(path, text string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text + "\n"); err != nil {
		panic(err)
	}
}
