-- What people want of a release that is under way. `stopping` was there before.
ALTER TABLE release ADD COLUMN pausing_by TEXT;
-- The last batch that may begin although a hold stands before it.
ALTER TABLE release ADD COLUMN promoted BIGINT NOT NULL DEFAULT 0;

-- 'skip': leave this server out. 'retry': try it once more.
ALTER TABLE release_server ADD COLUMN wish TEXT;

-- When it succeeds, its environment is locked: it went back, and what it left was left for a reason.
ALTER TABLE release ADD COLUMN locks BOOLEAN NOT NULL DEFAULT FALSE;
-- It goes back at once: what it brings is live even where it ends partial.
ALTER TABLE release ADD COLUMN urgent BOOLEAN NOT NULL DEFAULT FALSE;

-- Nobody releases where one of these holds. Without an owner it holds for everybody.
CREATE TABLE site_lock (
    project     TEXT NOT NULL,
    environment TEXT NOT NULL,
    owner       TEXT,
    reason      TEXT NOT NULL,
    until       BIGINT,
    since       BIGINT NOT NULL,
    PRIMARY KEY (project, environment)
);
