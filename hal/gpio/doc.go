// Package gpio watches contacts, counts the pulses of energy meters and drives relays on GPIO lines.
//
// # Why not periph's driver
//
// The words are periph's (periph.io/x/conn/v3/gpio); the lines are not driven by periph.io/x/host/v3/gpioioctl v3.8.5
// but by the kernel's GPIO character device, version 2, through x/sys/unix. What periph cannot do, seen on Linux
// 6.12 and kept true by TestBenchPeriph:
//
//   - It looks for chips once in a process. A USB adapter that was unplugged and returned is never found again, and
//     the chip it was cannot be let go of: closing it closes file 0 of the process, and its own file twice (from its
//     source, which also does so by itself where a chip has two nodes, as on some Raspberry Pis).
//   - Read and Func on an output make it an input with a pull-up: the relay moves. Here an output has no method that
//     reads, so nothing can be written that does.
//   - The first Out drives the pin low before it drives it as asked (from its source): a relay that closes on low
//     would close. Here the request itself carries the level, and a chip whose driver can do so sets it before the
//     direction. The CP2112's does not: it makes the pin an output first and sets its level by a second transfer.
//   - A read that fails is Low, and a chip that is gone is a wait that found no edge: both look like rest. Here each
//     error is a reading of unknown quality, and a quiet line is read every second to see that it is there.
//   - WaitForEdge(-1) returns at once, WaitForEdge(0) waits for ever. Here waits have a limit and a context.
//   - Lines without a name cannot be asked for by name, and nothing is told of the times of edges or of edges lost,
//     nor can the kernel's buffer of 16 edges be made longer: too little to count pulses by.
//
// Importing gpioioctl runs an init that composes a name and registers a driver; it opens nothing until
// driverreg.Init is called, which opens every chip of the machine for good. Only the tests of this package import it.
//
// The kernel's own debounce is not used. It is done in a work queue, late on a busy machine, and hides a line that
// buzzes, which then reads as at rest for ever. Edges are judged by the times that their interrupts took instead.
//
// # Chips
//
// A chip is named by what does not change: see [Line]. Chips without interrupts, as most USB adapters are, are read
// every 7 ms; energy pulses need interrupts.
package gpio
