package main

import (
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

func safety(s site.Safety) control.Safety {
	return control.Safety{Dim: celsius(s.Dim), CutOff: celsius(s.CutOff)}
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
