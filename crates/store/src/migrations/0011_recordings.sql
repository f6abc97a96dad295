-- Recordings of shells: who had one where, and when. The recording itself is a file, named by its id.
CREATE TABLE recording (
    id          BIGINT PRIMARY KEY NOT NULL,
    account     TEXT NOT NULL,
    server      TEXT NOT NULL,
    command     TEXT,
    is_terminal BOOLEAN NOT NULL,
    started_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    exit_code   BIGINT,
    reason      TEXT,
    bytes       BIGINT NOT NULL,
    truncated   BOOLEAN NOT NULL,
    removed_at  BIGINT
);
