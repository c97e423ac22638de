-- Signed messages that stand, each once however many displays it is for. digest is SHA-256 of raw, in hex.
CREATE TABLE envelope (
    digest TEXT PRIMARY KEY,
    raw    BLOB NOT NULL
) STRICT;

-- The newest order for each display and subject (power, playlist, trust) that the department signed. signatures is how
-- many good ones it had. heard is UTC seconds.
CREATE TABLE standing (
    device     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    signatures INTEGER NOT NULL,
    digest     TEXT    NOT NULL REFERENCES envelope,
    heard      INTEGER NOT NULL,
    PRIMARY KEY (device, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX standing_digest ON standing (digest);
