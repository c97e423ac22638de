package drm_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestBenchOutput: the kernel's console is on the output of the guest's card, goes off it and comes back.
func TestBenchOutput(t *testing.T) {
	if os.Getenv("BANGTIN_BENCH") == "" {
		t.Skip("needs the booted bench: make e2e-hal")
	}
	if out, err := exec.Command("modprobe", "virtio-gpu").CombinedOutput(); err != nil {
		t.Fatalf("cannot load the card's driver: %v\n%s", err, out)
	}
	lit := func() bool { return strings.Contains(state(t), "enable=1") }
	await(t, "the console to light the output", lit)
	s := &screen{}
	p := newPanel(t, "/dev/dri", s)
	for range 3 {
		for range 2 {
			if err := p.SetPower(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if lit() {
				t.Fatalf("the output is lit after SetPower(false):\n%s", state(t))
			}
		}
		for range 2 {
			if err := p.SetPower(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		await(t, "the console to come back", lit)
	}
	if s.released != 3 || s.taken != 6 {
		t.Errorf("the player was asked to let go %d times and to take the output %d times, want 3 and 6", s.released, s.taken)
	}
}

// state is what the kernel says of its CRTCs.
func state(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "grep -h 'enable=' /sys/kernel/debug/dri/*/state").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot read the state of the outputs: %v\n%s", err, out)
	}
	return string(out)
}

// await looks until it is so. The limit is no measure of speed: only a test that fails waits for it.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s:\n%s", what, state(t))
		}
	}
}
