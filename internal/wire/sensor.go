package wire

import "fmt"

// MaxSensors is how many sensors a state tells. A controller with all the contacts, meters and thermometers of the site
// file's drivers that a cabinet has room for has about 20.
const MaxSensors = 32

// A Sensor is the newest reading of one sensor, as far as it can be believed. Its words are bounded and not compared with
// lists: a newer display may have sensors, and doubts, that the reader has no word for. What is not "good" reads as unknown.
type Sensor struct {
	Name string `json:"name"` // in the site file, or the driver's
	// Kind is one of hal: mains, smoke, door, tamper, key, temperature, meter, voltage, fan; or "signal", a picture on the
	// panel's input, or "relay", what its supply was told.
	Kind string `json:"kind"`
	// Value is left out where there is none to be believed. Without a Unit it is 1 for what the kind names and 0 for its
	// opposite: mains present, smoke, door open, tampered with, key turned, signal present, relay closed.
	Value   *float64 `json:"value,omitempty"`
	Unit    string   `json:"unit,omitempty"`   // W, °C, V or rpm
	Quality string   `json:"quality"`          // "good", or why not in a word of hal: "unknown" is missing, stuck, stale or implausible
	Reason  string   `json:"reason,omitempty"` // why it is unknown, in one English line
}

// SensorGood is the Quality of what may be believed.
const SensorGood = "good"

// On reports what a sensor without a unit says; known is false where it says nothing that can be believed, or has a unit.
func (s Sensor) On() (on, known bool) {
	if s.Quality != SensorGood || s.Value == nil || s.Unit != "" {
		return false, false
	}
	return *s.Value != 0, true
}

func checkSensors(all []Sensor) error {
	if len(all) > MaxSensors {
		return fmt.Errorf("%d sensors, more than %d", len(all), MaxSensors)
	}
	for _, s := range all {
		for _, word := range []string{s.Name, s.Kind, s.Unit, s.Quality} {
			if err := checkText("a sensor", word, maxName); err != nil {
				return err
			}
		}
		if err := checkText("a sensor's reason", s.Reason, maxLine); err != nil {
			return err
		}
		switch {
		case s.Name == "" || s.Kind == "" || s.Quality == "":
			return fmt.Errorf("sensor %q of kind %q and quality %q", s.Name, s.Kind, s.Quality)
		case s.Quality != SensorGood && s.Value != nil:
			return fmt.Errorf("sensor %s has a value that cannot be believed", s.Name)
		}
	}
	return nil
}
