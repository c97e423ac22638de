// Package control is the decision loop of a display: what the sensors, the department, the people on site and
// the schedule want is turned by the pure function [Decide] into what panel, player and relay shall do; keepers
// make it so and read it back; the [Ledger] accounts for every second of it.
//
// Sensing → deciding → acting flows one way. [Control.Run] is the one goroutine that decides. It never waits
// for disk, network or hardware: the recorder writes, the keepers act, and the newest wish replaces an older one.
package control
