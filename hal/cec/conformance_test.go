package cec_test

import (
	"testing"
	"testing/synctest"

	"bangtin/hal"
	"bangtin/hal/cec"
	"bangtin/hal/haltest"
)

func TestConformance(t *testing.T) {
	haltest.Run(t, haltest.Harness[*testing.T]{Setup: fakeBench, Within: synctest.Test})
}

func fakeBench(*testing.T) haltest.Bench {
	b := cec.NewBus()
	fault := func(f cec.Fault) func(bool) { return func(active bool) { b.Set(f, active) } }
	return haltest.Bench{
		New:      func() hal.Panel { return cec.NewOn(b, cec.Config{}) },
		Lit:      b.Lit,
		Silence:  fault(cec.Deaf),
		Refuse:   map[string]func(bool){"feature abort": fault(cec.Refuses)},
		Disobey:  fault(cec.Disobeys),
		CutPower: b.Cut,
		Unplug:   b.Unplug,
		Replug:   b.Replug,
		Late:     map[string]func(bool){"2.5 s": fault(cec.Late)},
		Noise: map[string]func(bool){
			"arbitration lost": fault(cec.Disturbed),
			"events dropped":   fault(cec.Eventless),
		},
	}
}
