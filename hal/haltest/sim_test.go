package haltest_test

import (
	"testing"
	"testing/synctest"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/sim"
)

func TestSimulatedPanel(t *testing.T) {
	haltest.Run(t, haltest.Harness[*testing.T]{Setup: simBench, Within: synctest.Test})
}

func simBench(*testing.T) haltest.Bench {
	r := sim.NewRig(sim.Config{})
	fault := func(f sim.PanelFault) func(bool) {
		return func(active bool) { r.SetPanelFault(f, active) }
	}
	return haltest.Bench{
		New:      r.Panel,
		Lit:      func() bool { return r.Snapshot().Panel == hal.PowerOn },
		Silence:  fault(sim.Silent),
		Refuse:   map[string]func(bool){"no": fault(sim.Refuses)},
		Disobey:  fault(sim.Disobeys),
		Blind:    fault(sim.Blind),
		CutPower: r.LosePower,
	}
}
