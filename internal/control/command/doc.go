// Package command takes the department's signed commands and sees them through: each is judged, committed together with
// its counter, done once, verified by what is read back, and ends in exactly one final record.
//
// [Commands.Take] is the way in, for commands whose signatures and audience were verified. What was accepted waits in
// a lane for what it touches: the panel, the library, the player, the link to the centre or the machine. In a lane one
// command is done after the other, and each has room of its own; a power command never waits for a screenshot.
//
// What a power cut leaves open is finished at the next start where that is safe (power, playlist), told by the identity
// of the kernel's run (reboot), and reported as interrupted where it is not known how far it came (all others).
package command
