-- A password is kept as its Argon2id hash in PHC form; without one nobody signs in with that account.
ALTER TABLE account ADD COLUMN password TEXT;

-- Of sessions and set-up codes only the SHA-256 is known here.

CREATE TABLE session (
    digest     TEXT PRIMARY KEY NOT NULL,
    account    TEXT NOT NULL REFERENCES account (name),
    agent      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account);

-- One code per account: a new one takes the place of the one before.
CREATE TABLE setup_code (
    account    TEXT PRIMARY KEY NOT NULL REFERENCES account (name),
    digest     TEXT NOT NULL UNIQUE,
    expires_at BIGINT NOT NULL
);
