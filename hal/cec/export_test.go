package cec

import (
	"time"

	"bangtin/hal"
)

// Parts that have no input or output, for the tests.

// ParsePower parses a message and says what it tells of power, and its encoding.
func ParsePower(b []byte) (again []byte, power hal.Power, told bool, err error) {
	m, err := parseMessage(b)
	if err != nil {
		return nil, 0, false, err
	}
	power, told = m.power()
	m.vendor() // these must not fail on any message
	m.route()
	_ = m.asksNothing()
	_ = m.String()
	again, err = m.encode()
	return again, power, told, err
}

func ParseEDID(b []byte) (uint16, error)           { return parseEDID(b) }
func ConnectedAddress(root string) (uint16, bool)  { return connectedAddress(root) }
func Choose(all map[string]uint16) (string, error) { return choose(candidates(all)) }
func candidates(all map[string]uint16) (c []candidate) {
	for path, physical := range all {
		c = append(c, candidate{path, physical})
	}
	return c
}

// Judge tells a belief of commands, each at its time, and returns what it then makes of a TV's word.
func Judge(told map[time.Time]bool, words map[time.Time]hal.Power, said hal.Power, at time.Time) hal.Power {
	var b belief
	for when, on := range told {
		b.told(on, when)
	}
	for when, word := range words {
		b.judge(word, when)
	}
	return b.judge(said, at)
}
