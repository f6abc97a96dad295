-- When the log text of a release, and when its facts were removed, because they were old.
ALTER TABLE release ADD COLUMN log_removed_at BIGINT;
ALTER TABLE release ADD COLUMN facts_removed_at BIGINT;
