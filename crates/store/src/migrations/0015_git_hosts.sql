-- Who pinned a key, and when, is in the audit log, in the same transaction.
ALTER TABLE git_host DROP COLUMN pinned_by;
ALTER TABLE git_host DROP COLUMN pinned_at;
