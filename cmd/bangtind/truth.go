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

// protecting names the thermometers that dim and cut off. Where the site file does not say they are those that are known to
// be made for a board or a cabinet: most others measure parts of a computer, which work at 70 to 100 °C while nothing burns.
// nil is all those of the simulated rig.
func protecting(s *site.Site, rig bool) []string {
	if rig {
		return nil
	}
	if s.Safety.Sensors != nil {
		return s.Safety.Sensors
	}
	names := []string{}
	for _, t := range s.Thermometers {
		if t.Driver == "w1" || t.Driver == "hwmon" && ambient(t.Chip) {
			names = append(names, t.Name)
		}
	}
	return names
}

// ambient knows the kernel's names of parts that measure their surroundings: the LM75 and what is compatible with it
// (lm75_ids of drivers/hwmon/lm75.c), Sensirion's (drivers/hwmon/sht3x.c), and a DS18B20 as hwmon (drivers/w1/w1.c).
// What is missing is named in the site file.
func ambient(chip string) bool {
	return slices.Contains([]string{
		"adt75", "ds1775", "ds75", "ds7505", "g751", "lm75", "lm75a", "lm75b", "max6625", "max6626", "mcp980x", "stds75", "tcn75",
		"tmp100", "tmp101", "tmp105", "tmp112", "tmp175", "tmp275", "tmp75", "tmp75c", "sht3x", "sts3x", "w1_slave_temp",
	}, chip)
}

// heeded says which thermometers dim and cut off, for who wired them.
func heeded(s *site.Site) string {
	names := protecting(s, false)
	if !s.Panel.InsideLies {
		names = append(slices.Clone(names), "panel-inside where the panel tells it")
	}
	if len(names) == 0 {
		return "no thermometer dims or cuts off"
	}
	return "dims and cuts off: " + strings.Join(names, ", ")
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
