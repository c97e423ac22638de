package main_test

import (
	"slices"
	"testing"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/site"
)

// TestWhatProtects: no part of a computer, unless the site file says so.
func TestWhatProtects(t *testing.T) {
	list := []site.Thermometer{
		{Name: "board", Driver: "hwmon", Chip: "coretemp", Channel: "temp1"}, {Name: "soc", Driver: "hwmon", Chip: "cpu_thermal", Channel: "temp1"},
		{Name: "disk", Driver: "hwmon", Chip: "nvme", Channel: "temp1"}, {Name: "outside", Driver: "zone", Chip: "acpitz"},
		{Name: "cabinet", Driver: "w1", Chip: "28-0316a2795f1c"}, {Name: "back", Driver: "hwmon", Chip: "lm75", Channel: "temp1"},
	}
	for _, tt := range []struct {
		name string
		site site.Site
		want []string
	}{
		{"not said", site.Site{Thermometers: list}, []string{"cabinet", "back"}},
		{"said", site.Site{Thermometers: list, Safety: site.Safety{Sensors: []string{"board"}}}, []string{"board"}},
		{"none", site.Site{Thermometers: list[:4]}, []string{}},
		{"the rig", site.Site{Panel: site.Panel{Driver: site.Sim}}, nil},
	} {
		got := main.Protecting(&tt.site)
		if !slices.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
