-- What people want of a release that is under way. `stopping` was there before.
ALTER TABLE release ADD COLUMN pausing_by TEXT;
-- The last batch that may begin although a hold stands before it.
ALTER TABLE release ADD COLUMN promoted BIGINT NOT NULL DEFAULT 0;

-- 'skip': leave this server out. 'retry': try it once more.
ALTER TABLE release_server ADD COLUMN wish TEXT;
