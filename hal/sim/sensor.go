package sim

import (
	"context"
	"slices"
	"time"

	"bangtin/hal"
)

// A SensorFault is what is wrong with one sensor.
type SensorFault int

const (
	SensorGood  SensorFault = iota
	SensorStuck             // it repeats its last value for ever, and nothing shows that
	SensorGone              // its driver says that it is missing
	SensorQuiet             // it sends nothing any more
)

func (f SensorFault) String() string {
	switch f {
	case SensorGood:
		return "good"
	case SensorStuck:
		return "stuck"
	case SensorGone:
		return "gone"
	case SensorQuiet:
		return "quiet"
	}
	return "unknown"
}

// SetSensorFault begins a fault of the sensor of that name, or ends it with SensorGood. It
// panics on another name, which is a bug in the caller.
func (r *Rig) SetSensorFault(sensor string, f SensorFault) {
	if !slices.Contains(sensorNames(), sensor) {
		panic("sim: no sensor is named " + sensor)
	}
	r.change(func() {
		if f == SensorStuck && r.sensorFaults[sensor] != SensorStuck {
			r.frozen[sensor] = r.measure(sensor)
		}
		r.sensorFaults[sensor] = f
	})
}

// Sensor returns the rig's sensors: mains, smoke, door, tamper, key switch, power meter and two
// temperatures. The meter tells what the panel draws at the moment, and does not count.
func (r *Rig) Sensor() hal.Sensor { return sensor{r} }

type sensor struct{ rig *Rig }

func sensorNames() []string {
	return []string{MainsSensor, SmokeSensor, DoorSensor, TamperSensor, KeySensor, MeterSensor, CabinetSensor, PanelSensor}
}

// Run implements [hal.Sensor]. It returns ctx's error.
func (s sensor) Run(ctx context.Context, readings chan<- hal.Reading) error {
	repeat := time.NewTicker(s.rig.config.Every)
	defer repeat.Stop()
	last := map[string]hal.Reading{}
	all := true
	for {
		now, changed := s.rig.read()
		for _, reading := range now {
			if !all && sameReading(reading, last[reading.Sensor]) {
				continue
			}
			select {
			case readings <- reading:
			case <-ctx.Done():
				return ctx.Err()
			}
			last[reading.Sensor] = reading
		}
		select {
		case <-changed:
			all = false
		case <-repeat.C:
			all = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read returns what each sensor says now, and a channel that is closed when that may have changed.
func (r *Rig) read() ([]hal.Reading, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []hal.Reading
	for _, name := range sensorNames() {
		reading := r.measure(name)
		switch r.sensorFaults[name] {
		case SensorQuiet:
			continue
		case SensorGone:
			reading = hal.Reading{Sensor: name, Kind: reading.Kind, Reason: "sensor is gone"}
		case SensorStuck:
			reading = r.frozen[name]
		}
		reading.At = time.Now()
		list = append(list, reading)
	}
	return list, r.changed
}

// measure is what a faultless sensor says.
func (r *Rig) measure(name string) hal.Reading {
	reading := hal.Reading{Sensor: name, Quality: hal.QualityGood}
	switch name {
	case MainsSensor:
		reading.Kind, reading.Active = hal.Mains, r.mains
	case SmokeSensor:
		reading.Kind, reading.Active = hal.Smoke, r.smoke
	case DoorSensor:
		reading.Kind, reading.Active = hal.Door, r.door
	case TamperSensor:
		reading.Kind, reading.Active = hal.Tamper, r.tamper
	case KeySensor:
		reading.Kind, reading.Active = hal.Key, r.key
	case MeterSensor:
		reading.Kind, reading.Watts = hal.Meter, r.draws()
	default:
		reading.Kind, reading.Temperature = hal.Temperature, r.temperature[name]
	}
	return reading
}

// sameReading tells whether two readings differ in nothing but their time.
func sameReading(a, b hal.Reading) bool {
	a.At = b.At
	return a == b
}
