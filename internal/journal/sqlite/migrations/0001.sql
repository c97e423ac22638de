-- The chain. prev and hash are 32 bytes each; wall is nanoseconds since 1970 UTC, mono since the daemon's start.
CREATE TABLE record (
    seq   INTEGER PRIMARY KEY,
    boot  TEXT    NOT NULL,
    mono  INTEGER NOT NULL,
    wall  INTEGER NOT NULL,
    trust TEXT    NOT NULL,
    kind  TEXT    NOT NULL,
    body  TEXT    NOT NULL,
    prev  BLOB    NOT NULL,
    hash  BLOB    NOT NULL
) STRICT;

-- Segments are found by time; the record stays the only place where they are written down.
CREATE INDEX record_segment ON record (body ->> 'to') WHERE kind = 'segment';

-- One row: the newest record, signed at every commit, and how far the centre has acknowledged.
CREATE TABLE chain (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    seq       INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    signature BLOB    NOT NULL,
    acked     INTEGER NOT NULL
) STRICT;

-- Heads kept for good, one a day, as long as their record is.
CREATE TABLE signed_head (
    seq       INTEGER PRIMARY KEY,
    hash      BLOB    NOT NULL,
    at        INTEGER NOT NULL,
    signature BLOB    NOT NULL
) STRICT;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE heartbeat (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    body TEXT NOT NULL
) STRICT;
