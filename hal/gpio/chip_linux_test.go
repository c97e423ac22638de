package gpio_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/hal/gpio"
)

// TestAMissingChipSaysWhy: one that cannot be asked for its name may be the one that is meant.
func TestAMissingChipSaysWhy(t *testing.T) {
	dev := t.TempDir()
	if err := os.WriteFile(filepath.Join(dev, "gpiochip0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := gpio.Ask(dev, at("SMOKE"))
	for _, part := range []string{`there is no gpio chip called "fake"`, "gpiochip0 is no gpio chip"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v; want that it says %q", err, part)
		}
	}
}
