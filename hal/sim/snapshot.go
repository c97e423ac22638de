package sim

import (
	"fmt"
	"strings"

	"bangtin/hal"

	"periph.io/x/conn/v3/physic"
)

// A Snapshot is the truth about a rig at one moment: what somebody standing before it would see.
type Snapshot struct {
	Panel       hal.Power
	Mains       bool // present
	RelayClosed bool
	Smoke, Door bool // Door: open
	Tamper, Key bool // Key: turned
	Lit         bool // somebody before it sees light; differs from Panel only under Black and Glows
	Draws       physic.Power
	Cabinet     physic.Temperature
	PanelBack   physic.Temperature
	Brightness  int // percent
	Input       string
	Faults      []string // of panel and sensors
}

// Snapshot returns the state of the rig.
func (r *Rig) Snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Snapshot{
		Panel: r.power(), Mains: r.mains, RelayClosed: r.relay, Smoke: r.smoke, Door: r.door,
		Tamper: r.tamper, Key: r.key, Lit: r.lit(), Draws: r.draws(),
		Cabinet: r.temperature[CabinetSensor], PanelBack: r.temperature[PanelSensor],
		Brightness: r.brightness, Input: r.input,
	}
	for f, active := range r.faults {
		if active {
			s.Faults = append(s.Faults, "panel "+PanelFault(f).String())
		}
	}
	for _, name := range sensorNames() {
		if f := r.sensorFaults[name]; f != SensorGood {
			s.Faults = append(s.Faults, name+" sensor "+f.String())
		}
	}
	return s
}

// String is one line for a person.
func (s Snapshot) String() string {
	line := fmt.Sprintf("panel %v (%d %%, %s), %v drawn, mains %s, relay %s, door %s, smoke %s, cabinet %v, panel back %v",
		s.Panel, s.Brightness, s.Input, s.Draws, either(s.Mains, "present", "lost"), either(s.RelayClosed, "closed", "open"),
		either(s.Door, "open", "closed"), either(s.Smoke, "yes", "no"), s.Cabinet, s.PanelBack)
	if s.Tamper {
		line += ", tampered with"
	}
	if s.Key {
		line += ", key turned"
	}
	if len(s.Faults) > 0 {
		line += ", faults: " + strings.Join(s.Faults, ", ")
	}
	return line
}

func either(condition bool, yes, no string) string {
	if condition {
		return yes
	}
	return no
}
