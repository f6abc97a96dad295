-- The last number of every topic that is not a release; those are numbered in their own rows.
CREATE TABLE topic (
    name     TEXT PRIMARY KEY NOT NULL,
    last_seq BIGINT NOT NULL
);

-- What somebody said once is said once, however often the request arrives.
CREATE TABLE said (
    author TEXT NOT NULL,
    key    TEXT NOT NULL,
    topic  TEXT NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (author, key)
);

-- Chat is read backwards, over long stretches of everything else.
CREATE INDEX event_chat ON event (topic, seq) WHERE kind = 'chat';
