-- Secrets of projects, environments and servers. A part of the key that a scope does not have is empty.
CREATE TABLE secret (
    project     TEXT NOT NULL,
    environment TEXT NOT NULL,
    server      TEXT NOT NULL,
    name        TEXT NOT NULL,
    sealed      BLOB NOT NULL,
    masked      BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (project, environment, server, name)
);
