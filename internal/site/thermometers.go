package site

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// thermometers reads a table whose keys are names of the installer's own.
func (r *reader) thermometers() []Thermometer {
	if !r.table("temperature") {
		return nil
	}
	table, _ := r.tree["temperature"].(map[string]any)
	if len(table) > maxThermometer {
		r.wrong("temperature", "has %d entries: write at most %d", len(table), maxThermometer)
		return nil
	}
	var list []Thermometer
	for _, name := range slices.Sorted(maps.Keys(table)) {
		key := "temperature." + name
		text := r.text(key, "")
		if !regexp.MustCompile(`^[a-z0-9-]{1,20}$`).MatchString(name) {
			r.wrong(key, "is not a name: use 1 to 20 of a-z, 0-9 and hyphens")
			continue
		}
		if slices.Contains([]string{"mains", "smoke", "door", "tamper", "key", "meter", "panel-inside", "panel-signal", "relay"}, name) {
			r.wrong(key, "is the name of another sensor: choose another")
			continue
		}
		t, err := parseThermometer(text)
		if err != nil {
			r.wrong(key, "%q %s", text, err)
			continue
		}
		r.trimmed(key, t.Chip)
		if slices.ContainsFunc(list, func(o Thermometer) bool { return o.Driver == t.Driver && o.Chip == t.Chip && o.Channel == t.Channel }) {
			r.wrong(key, "%q is there already: each thermometer once", text)
			continue
		}
		t.Name = name
		list = append(list, t)
	}
	r.oneBus(list)
	return list
}

// oneBus refuses more thermometers than one 1-wire bus can read in time.
func (r *reader) oneBus(list []Thermometer) {
	n := 0
	for _, t := range list {
		if t.Driver == "w1" {
			n++
		}
	}
	if n > maxW1 {
		r.wrong("temperature", "has %d thermometers on the 1-wire bus: write at most %d", n, maxW1)
	}
}

func parseThermometer(text string) (Thermometer, error) {
	parts := regexp.MustCompile(`^(?:(hwmon):([ -.0-9;-~]{1,63}):(temp[1-9]\d?)|(zone):([ -.0-9;-~]{1,63})|(w1):(28-[0-9a-f]{12}))$`).FindStringSubmatch(text)
	if parts == nil {
		return Thermometer{}, fmt.Errorf(`is no thermometer: write "hwmon:CHIP:temp1", "zone:TYPE" or "w1:28-0316a2795f1c"`)
	}
	return Thermometer{Driver: parts[1] + parts[4] + parts[6], Chip: parts[2] + parts[5] + parts[7], Channel: parts[3]}, nil
}
