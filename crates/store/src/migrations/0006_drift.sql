-- Servers that were found to run something else than what is live there, until they are found right again.
CREATE TABLE drift (
    project     TEXT NOT NULL,
    environment TEXT NOT NULL,
    server      TEXT NOT NULL,
    runs        TEXT NOT NULL,
    since       BIGINT NOT NULL,
    accepted_by TEXT,
    PRIMARY KEY (project, environment, server)
);
