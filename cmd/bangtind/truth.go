package main

import (
	"slices"
	"strings"

	"periph.io/x/conn/v3/physic"

	"bangtin/internal/control"
	"bangtin/internal/site"
)

// levels, safety and meter say what stands in the site file in the words of control.

func levels(list []site.Level) []control.Level {
	var out []control.Level
	for _, l := range list {
		out = append(out, control.Level(l))
	}
	return out
}

func safety(s *site.Site, rig bool) control.Safety {
	return control.Safety{Dim: celsius(s.Safety.Dim), CutOff: celsius(s.Safety.CutOff), Sensors: protecting(s, rig)}
}

// protecting names the thermometers that dim and cut off. Where the site file does not say they are those that are in no
// processor: a fanless controller computes at 70 to 90 °C, and nothing burns. What a thermal zone measures nobody knows
// from its type, but on most boards it is a processor. nil is all those of the simulated rig.
func protecting(s *site.Site, rig bool) []string {
	if rig {
		return nil
	}
	if s.Safety.Sensors != nil {
		return s.Safety.Sensors
	}
	names := []string{}
	for _, t := range s.Thermometers {
		if t.Driver != "zone" && !inProcessor(t.Chip) && !runsHot(t.Chip) {
			names = append(names, t.Name)
		}
	}
	return names
}

// runsHot knows the kernel's names of other parts of a computer that are made to: graphics, solid-state disks, chip sets,
// radios, and the ACPI zone that is often a processor (drivers/hwmon, drivers/gpu, drivers/nvme, drivers/thermal/intel).
func runsHot(chip string) bool {
	return slices.Contains([]string{"acpitz", "amdgpu", "radeon", "nouveau", "nvme", "drivetemp"}, chip) ||
		strings.HasPrefix(chip, "pch_") || strings.HasPrefix(chip, "iwlwifi")
}

func meter(m *site.Meter) control.Meter {
	if m == nil {
		return control.Meter{}
	}
	return control.Meter{Lit: physic.Power(m.Lit) * physic.Watt, Dark: physic.Power(m.Dark) * physic.Watt}
}

func celsius(degrees int) physic.Temperature {
	return physic.ZeroCelsius + physic.Temperature(degrees)*physic.Celsius
}
