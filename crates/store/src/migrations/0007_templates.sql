-- Hook templates. What each version says is never changed and never removed: releases name it.
CREATE TABLE template (
    name       TEXT PRIMARY KEY,
    version    BIGINT NOT NULL,
    managed    BOOLEAN NOT NULL
);

CREATE TABLE template_version (
    name    TEXT NOT NULL,
    version BIGINT NOT NULL,
    body    TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
