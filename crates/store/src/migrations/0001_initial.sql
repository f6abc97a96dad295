-- Times are microseconds since 1970 (UTC). Columns named body, fact and result hold JSON.

-- schema, stream, installation, master_key_check
CREATE TABLE meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- Numbers that are never given twice, not even after a delete.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('release', 0);

-- What users define. The columns beside body are those that something is looked up by.

CREATE TABLE credential (
    name        TEXT PRIMARY KEY NOT NULL,
    kind        TEXT NOT NULL,
    fingerprint TEXT,
    username    TEXT,
    secret      BLOB,
    passphrase  BLOB,
    managed     BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

CREATE TABLE server (
    name       TEXT PRIMARY KEY NOT NULL,
    credential TEXT,
    body       TEXT NOT NULL,
    managed    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE project (
    name       TEXT PRIMARY KEY NOT NULL,
    credential TEXT,
    body       TEXT NOT NULL,
    managed    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE site (
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    path       TEXT NOT NULL,
    body       TEXT NOT NULL,
    managed    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (project, name)
);
CREATE INDEX site_path ON site (path);

-- Who may come in.

CREATE TABLE account (
    name       TEXT PRIMARY KEY NOT NULL,
    admin      BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE token (
    digest     TEXT PRIMARY KEY NOT NULL,
    account    TEXT NOT NULL REFERENCES account (name),
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (account, name)
);

-- Releases. The plan stands apart, because a release's row is written with every fact.

CREATE TABLE release (
    id          BIGINT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    project     TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind        TEXT NOT NULL,
    git_ref     TEXT NOT NULL,
    commit_id   TEXT NOT NULL,
    rollback_to BIGINT,
    status      TEXT NOT NULL,
    reason      TEXT,
    stopping    BOOLEAN NOT NULL,
    stopped_by  TEXT,
    note        TEXT NOT NULL,
    author      TEXT NOT NULL,
    epoch       BIGINT NOT NULL,
    last_seq    BIGINT NOT NULL,
    artifact    TEXT,
    created_at  BIGINT NOT NULL,
    started_at  BIGINT,
    ended_at    BIGINT,
    good_at     BIGINT
);
-- At most one release holds an environment, whoever asks.
CREATE UNIQUE INDEX release_active ON release (project, environment)
    WHERE status IN ('running', 'paused', 'interrupted');
CREATE INDEX release_unfinished ON release (project, environment, id) WHERE ended_at IS NULL;
CREATE INDEX release_good ON release (project, environment, good_at) WHERE good_at IS NOT NULL;
CREATE INDEX release_environment ON release (project, environment, id);

CREATE TABLE release_plan (
    release_id BIGINT PRIMARY KEY NOT NULL REFERENCES release (id),
    body       TEXT NOT NULL
);

CREATE TABLE release_server (
    release_id  BIGINT NOT NULL REFERENCES release (id),
    position    BIGINT NOT NULL,
    name        TEXT NOT NULL,
    before_link TEXT,
    now_link    TEXT,
    state       TEXT NOT NULL,
    PRIMARY KEY (release_id, name)
);

CREATE TABLE step (
    release_id BIGINT NOT NULL REFERENCES release (id),
    key        TEXT NOT NULL,
    position   BIGINT NOT NULL,
    parent     TEXT,
    text       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    server     TEXT,
    batch      BIGINT,
    status     TEXT NOT NULL,
    attempt    BIGINT NOT NULL,
    crashes    BIGINT NOT NULL,
    epoch      BIGINT NOT NULL,
    reason     TEXT,
    result     TEXT,
    started_at BIGINT,
    ended_at   BIGINT,
    log_read   BIGINT NOT NULL,
    PRIMARY KEY (release_id, key)
);

CREATE TABLE idempotency (
    author       TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    release_id   BIGINT NOT NULL REFERENCES release (id),
    PRIMARY KEY (author, key)
);

-- The journal. Rows are only added.

CREATE TABLE event (
    topic TEXT NOT NULL,
    seq   BIGINT NOT NULL,
    at    BIGINT NOT NULL,
    kind  TEXT NOT NULL,
    fact  TEXT NOT NULL,
    PRIMARY KEY (topic, seq)
);

-- The text of log facts: compressed pieces that tile each node's log from byte 0 to log_node.bytes. Those
-- before log_node.merged are final.

CREATE TABLE log_node (
    release_id BIGINT NOT NULL REFERENCES release (id),
    node       TEXT NOT NULL,
    bytes      BIGINT NOT NULL,
    merged     BIGINT NOT NULL,
    PRIMARY KEY (release_id, node)
);

CREATE TABLE log_chunk (
    release_id BIGINT NOT NULL REFERENCES release (id),
    node       TEXT NOT NULL,
    start      BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    text       BLOB NOT NULL,
    PRIMARY KEY (release_id, node, start)
);

-- Which artifacts were made from what. One tree may come from several commits, and one commit may be built twice.
CREATE TABLE artifact (
    project    TEXT NOT NULL,
    commit_id  TEXT NOT NULL,
    build      TEXT NOT NULL,
    hash       TEXT NOT NULL,
    files      BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (project, commit_id, build, hash)
);
CREATE INDEX artifact_hash ON artifact (hash);
CREATE INDEX artifact_project ON artifact (project, created_at);
