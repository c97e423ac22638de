package control

import (
	"fmt"
	"maps"
	"slices"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
)

const (
	// heatCap is the brightness of a panel that is too warm, in percent. Most of what a panel draws goes into its light,
	// and a picture at 30 % can still be read in the shade: our judgement.
	heatCap = 30
	// heatBand is how far below the threshold a sensor must fall before it is cool again, so that the light does not
	// swing with it: our judgement; dimming itself cools by less.
	heatBand = 5 * physic.Kelvin
)

// A heat knows which sensors are too warm. One leaves it by a good reading alone: a sensor that fails while it is hot
// has not cooled.
type heat struct {
	safety Safety
	hot    map[string]physic.Temperature
}

func newHeat(safety Safety) *heat {
	return &heat{safety: safety, hot: map[string]physic.Temperature{}}
}

func (h *heat) take(r hal.Reading) {
	if r.Kind != hal.Temperature || r.Quality != hal.QualityGood || !h.safety.heeds(r.Sensor) {
		return
	}
	_, hot := h.hot[r.Sensor]
	switch {
	case r.Temperature >= h.safety.Dim, hot && r.Temperature > h.safety.Dim-heatBand:
		h.hot[r.Sensor] = r.Temperature
	default:
		delete(h.hot, r.Sensor)
	}
}

// forget drops a sensor that is not asked any more.
func (h *heat) forget(sensor string) { delete(h.hot, sensor) }

// why says why the panel shall be dimmed; empty when it need not be.
func (h *heat) why() string {
	for _, name := range slices.Sorted(maps.Keys(h.hot)) {
		return fmt.Sprintf("%s measures %s, dimmed from %s on", name, h.hot[name], h.safety.Dim)
	}
	return ""
}
