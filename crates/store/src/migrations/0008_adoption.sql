-- The folder of an adopted release on a server, where another tool gave it another name there than elsewhere.
ALTER TABLE release_server ADD COLUMN folder TEXT;
