-- Selectors that were given a name.
CREATE TABLE server_group (
    name     TEXT PRIMARY KEY,
    selector TEXT NOT NULL,
    managed  BOOLEAN NOT NULL
);
