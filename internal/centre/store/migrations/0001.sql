-- One row for each display that was ever heard. epoch, seq and hash are the end of the chain that goes on; top is the
-- highest number of any of its chains; day (days since 1970, UTC) and spent (bytes) are its budget.
CREATE TABLE display (
    id     INTEGER PRIMARY KEY,
    device TEXT    NOT NULL UNIQUE,
    since  INTEGER NOT NULL,
    epoch  INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    top    INTEGER NOT NULL,
    day    INTEGER NOT NULL,
    spent  INTEGER NOT NULL
) STRICT;

-- One row for each run of a display's daemon that records speak of. synchronised and signed are the monotonic times up to
-- which its records were given a time that is worth as much.
CREATE TABLE run (
    id      INTEGER PRIMARY KEY,
    display INTEGER NOT NULL REFERENCES display,
    boot    TEXT    NOT NULL,
    synchronised INTEGER NOT NULL DEFAULT -1,
    signed       INTEGER NOT NULL DEFAULT -1,
    UNIQUE (display, boot)
) STRICT;

-- The chains. wall is nanoseconds since 1970 UTC as the display wrote it, at and worth the corrected time and its
-- trust where a later record told them, mono nanoseconds since the start of the run, heard UTC seconds. again is 1 for what the display appended
-- a second time: it belongs to the chain and counts for nothing.
CREATE TABLE record (
    display INTEGER NOT NULL REFERENCES display,
    seq     INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    run     INTEGER NOT NULL REFERENCES run,
    mono    INTEGER NOT NULL,
    wall    INTEGER NOT NULL,
    trust   TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    prev    BLOB    NOT NULL,
    hash    BLOB    NOT NULL,
    heard   INTEGER NOT NULL,
    at      INTEGER,
    worth   TEXT,
    again   INTEGER NOT NULL,
    PRIMARY KEY (display, seq, epoch)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_run ON record (run, mono);

-- Numbers that never came. why is what a checkpoint of the display says of them; NULL as long as nothing does.
CREATE TABLE gap (
    display INTEGER NOT NULL REFERENCES display,
    epoch   INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    heard   INTEGER NOT NULL,
    why     TEXT,
    PRIMARY KEY (display, epoch, first)
) STRICT, WITHOUT ROWID;

-- What displays said of themselves last.
CREATE TABLE state (
    display INTEGER PRIMARY KEY REFERENCES display,
    heard   INTEGER NOT NULL,
    body    TEXT    NOT NULL
) STRICT;

-- What a person must know of and no record of a display tells. Times are UTC seconds.
CREATE TABLE incident (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    device TEXT    NOT NULL,
    code   TEXT    NOT NULL,
    over   INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    heard  INTEGER NOT NULL,
    detail TEXT    NOT NULL
) STRICT;

-- Signed commands, each once however many displays it is for. raw is NULL where only a display's record tells of it.
CREATE TABLE command (
    digest  TEXT    PRIMARY KEY,
    id      TEXT    NOT NULL,
    ctr     INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    people  TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    heard   INTEGER NOT NULL,
    raw     BLOB
) STRICT, WITHOUT ROWID;

-- What became of a command at one display. source is 0 for the centre's own conclusion, 1 for an answer, 2 for a
-- record: a lower one never replaces a higher one.
CREATE TABLE outcome (
    digest   TEXT    NOT NULL REFERENCES command,
    device   TEXT    NOT NULL,
    status   TEXT    NOT NULL,
    source   INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    evidence TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (digest, device)
) STRICT, WITHOUT ROWID;

CREATE INDEX outcome_open ON outcome (device) WHERE status IN ('SENT', 'RECEIVED');
