// Package sqlite keeps the journal on disk, in one SQLite file. It is the only place with SQL in it.
//
// # Durability
//
// The file is in WAL mode with synchronous=FULL: when a method returns nil, what it wrote survives a power cut.
// There is one connection, so that writes and reads take their turn. Every write is one transaction: after an
// error or a power cut nothing of it is there. (An error of COMMIT itself, from a dying disk, is the one case in
// which the write may turn up after the next start; counters that must rise make repeating it safe.)
//
// # The chain
//
// Each record holds the hash of the one before. The newest is named, with a signature, in a row of its own that
// every commit renews, so that whoever lacks the device's key can neither change, insert, move nor remove a
// record, not even the last, without [Verify] finding it. Putting back an older copy of the whole file is what
// only the centre can find: it holds the head that it acknowledged. [Journal.SignHead] keeps one head a day.
// Settings, counters, the heartbeat and how far the centre acknowledged are not part of the chain.
//
// # What is thrown away, and when
//
// [Journal.Prune] removes records from the beginning of the chain only, in bounded batches, and appends a signed
// checkpoint that says up to where and why:
//   - records that the centre has acknowledged, once they are older than the policy's age, if it names one;
//   - over the policy's size the oldest records, acknowledged or not. Incidents and orders that the centre has
//     not acknowledged are then appended again, unchanged but for their number, so that they are never lost.
//     Plays, segments and boots are lost to the centre; the checkpoint says how many.
//
// The centre tells a record appended again from a new one by its stamp, kind and body: all three are the same.
// Space that became free is used again; the file does not shrink. Above the hard limit of [Options.MaxBytes]
// writes fail with [ErrFull] and leave everything as it was.
//
// # A damaged file
//
// [Open] checks the file (integrity_check, that the head belongs to the last record and to this device, and that the
// records which the centre has not acknowledged hang together below it: the centre takes no other). A file
// that fails is moved aside with its -wal and -shm as <path>.damaged-<UTC>, the newest two of these are kept,
// and a new journal is begun. It takes over what can still be read: settings, counters, the heartbeat and, of the
// records not yet acknowledged, those that are proven by the signed head or by one that was kept. One spoilt record
// costs what lies between the head kept before it and itself, a day at most. The first record of the new journal
// is a checkpoint with the reason "damaged", its last an incident. Its numbers begin above every number the old
// one can have used, see resumeAfter. A file that is missing though [Options.Expected] is treated alike.
//
// # Newer and older programs
//
// Before Open brings the schema n up to date it keeps a copy as <path>.schema<n>, replacing the copy from before.
// When an update is taken back, the older program finds a schema that it does not know. It sets the file aside as
// <path>.newer-<UTC>, of which the newest two are kept, and begins anew as after damage, with the settings, counters
// and heartbeat. Therefore the tables setting (key, value), counter (name, value) and heartbeat (one, body), and
// what stands in them, are frozen: no migration may ever change them, nor the number of a record, record.seq.
package sqlite
