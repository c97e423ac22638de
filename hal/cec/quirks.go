package cec

import "time"

// Makers' OUIs in the register of the IEEE (standards-oui.ieee.org/oui/oui.txt), which CEC uses as vendor IDs; libcec's
// cectypes.h lists the same numbers.
const (
	vendorSamsung   = 0x0000F0
	vendorPanasonic = 0x008045
	vendorPhilips   = 0x00903E
	vendorLG        = 0x00E091
)

// A quirk is how a maker's TVs want to be treated. All of it is from hardware-facts, "Quirks".
type quirk struct {
	sources   []time.Duration // when active source is sent, after image view on
	viewAgain time.Duration   // when image view on is sent once more, unless the TV says that it is on; 0 never
	handshake bool            // it asks in its own language whether we are there, and waits for the answer
	unread    bool            // what it says of its power proves nothing
}

// quirkOf is the treatment for a vendor ID; 0 is a TV that has not told its own.
func quirkOf(vendor uint32) quirk {
	q := quirk{sources: []time.Duration{0, 3 * time.Second, 7 * time.Second}}
	switch vendor {
	case vendorLG: // wants 3 s before active source
		q.sources, q.handshake = []time.Duration{3 * time.Second, 7 * time.Second}, true
	case vendorPanasonic: // takes 15 s to wake
		q.sources = append(q.sources, 15*time.Second)
	case vendorPhilips: // may ignore the first image view on, and route to a wrong sub-address
		q.sources, q.viewAgain = []time.Duration{0, 3 * time.Second, 5 * time.Second, 8 * time.Second}, 5*time.Second
	case vendorSamsung: // from 2016 on; CEC does not tell the year, and what is sold now is newer
		q.unread = true
	}
	return q
}

const (
	pollFrom  = 10 * time.Second // a woken TV is asked from here on,
	pollEvery = 2 * time.Second  // this often,
	pollUntil = 30 * time.Second // until it says "on" or this is over
)

// LG's own words, of which only the first question and its answer are needed. They are in no public document of
// LG's; libcec and the firmware of HDMI devices agree on these bytes.
const (
	lgAsks     = 0x01
	lgAnswers  = 0x02
	lgRecorder = 0x05 // the kind of device that all of them claim to be
)
