-- The public halves of keys. They are no secret.
ALTER TABLE credential ADD COLUMN public_key TEXT;

-- Keys that are being replaced: the new one, sealed until it is in its place, and the old one until no server knows it.
CREATE TABLE key_rotation (
    credential     TEXT PRIMARY KEY NOT NULL,
    secret         BLOB,
    public_key     TEXT NOT NULL,
    fingerprint    TEXT NOT NULL,
    old_public_key TEXT NOT NULL,
    started_at     BIGINT NOT NULL
);

-- Where a stored password may be sent to: user, host, port and way, for which it was typed.
CREATE TABLE password_place (
    credential TEXT NOT NULL,
    place      TEXT NOT NULL,
    PRIMARY KEY (credential, place)
);
