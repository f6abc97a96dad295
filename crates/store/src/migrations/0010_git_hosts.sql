-- Which SSH host keys of git hosts are the right ones, as people decided; one line each.
CREATE TABLE git_host (
    host      TEXT NOT NULL,
    port      INTEGER NOT NULL,
    keys      TEXT NOT NULL,
    pinned_by TEXT NOT NULL,
    pinned_at BIGINT NOT NULL,
    PRIMARY KEY (host, port)
);
