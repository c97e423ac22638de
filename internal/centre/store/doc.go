// Package store keeps what the centre has heard, in one SQLite file. It is the only place with SQL of the centre.
//
// # Durability
//
// The file is in WAL mode with synchronous=FULL: when [Store.Write] returns nil, what it wrote survives a power cut.
// There is one connection and one way to write, a group of changes in one transaction, so that the cost of reaching
// the disk is shared by all displays that speak at about the same time.
//
// # Chains
//
// A record is known by its display, its number and its hash. The records of one display form a chain; one that cannot
// follow (another hash at a known number, a number that restarts, a predecessor that is not ours) begins a new epoch of
// that display, beside the old one. Nothing that was stored is ever changed, but for the corrected time beside it.
// A record that the display appended a second time, which it tells by the same run, monotonic time, kind and body, is
// kept for the chain and marked.
//
// The centre does not hold the keys with which displays sign their heads and checkpoints. [Verify] finds an edit, a
// removal and a move; that somebody rewrote the end of a chain together with its hashes shows only beside the display's
// own journal.
//
// # Limits
//
// A display has a budget of bytes for each day (UTC), to which incidents about it count too; what is above it is
// refused and stays in the display's outbox until tomorrow. The number of displays is limited. At the limit of the
// whole file, or when the disk is full, Write fails with [ErrFull] and leaves everything as it was.
package store
