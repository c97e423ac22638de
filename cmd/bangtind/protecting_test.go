package main_test

import (
	"slices"
	"testing"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/site"
)

// TestWhatProtects: what is known to measure its surroundings, unless the site file says otherwise.
func TestWhatProtects(t *testing.T) {
	list := []site.Thermometer{
		{Name: "board", Driver: "hwmon", Chip: "coretemp", Channel: "temp1"}, {Name: "soc", Driver: "hwmon", Chip: "cpu_thermal", Channel: "temp1"},
		{Name: "disk", Driver: "hwmon", Chip: "nvme", Channel: "temp1"}, {Name: "outside", Driver: "zone", Chip: "acpitz"},
		{Name: "cabinet", Driver: "w1", Chip: "28-0316a2795f1c"}, {Name: "back", Driver: "hwmon", Chip: "lm75", Channel: "temp1"},
	}
	var parts []site.Thermometer // of computers; each of them works at 75 °C
	for _, chip := range []string{"nct6798", "ath10k_hwmon", "mt7915_phy0", "dell_smm", "thinkpad", "asusec", "zenpower", "jc42", "spd5118", "xe", "it8728", "lm7"} {
		parts = append(parts, site.Thermometer{Name: "x", Driver: "hwmon", Chip: chip, Channel: "temp1"})
	}
	for _, tt := range []struct {
		name string
		site site.Site
		want []string
	}{
		{"not said", site.Site{Thermometers: list}, []string{"cabinet", "back"}},
		{"said", site.Site{Thermometers: list, Safety: site.Safety{Sensors: []string{"board"}}}, []string{"board"}},
		{"none", site.Site{Thermometers: list[:4]}, []string{}},
		{"parts of computers", site.Site{Thermometers: parts}, []string{}},
		{"a zone of that name", site.Site{Thermometers: []site.Thermometer{{Name: "z", Driver: "zone", Chip: "lm75"}}}, []string{}},
		{"the rig", site.Site{Panel: site.Panel{Driver: site.Sim}}, nil},
	} {
		got := main.Protecting(&tt.site)
		if !slices.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
