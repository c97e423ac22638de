package main_test

import (
	"testing"

	main "bangtin/cmd/bangtind"
)

// TestLimitsOfAComputer: its parts may heat by 60 K at once, and what is in the cabinet may not.
func TestLimitsOfAComputer(t *testing.T) {
	for chip, step := range map[string]int64{
		"coretemp": 60_000, "k10temp": 60_000, "k8temp": 60_000, "via_cputemp": 60_000, "cpu_thermal": 60_000, "soc_thermal": 60_000,
		"nvme": 60_000, "amdgpu": 60_000, "nct6798": 60_000, "lm75": 5_000, "sht3x": 5_000, "w1_slave_temp": 5_000,
	} {
		if got := main.Limits(chip).Step; got != step {
			t.Errorf("%s may step by %d, want %d", chip, got, step)
		}
	}
}
