package rs232

// NoFork is for the test of an opening that hangs.
func NoFork(open func()) { noFork(open) }
