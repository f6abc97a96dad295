//! The schema, as numbered steps that are never edited once they were released.

use sea_orm::ConnectionTrait;

use crate::Error;
use crate::sql::{execute, number, sql};

/// Every step; the schema of a database is how many of them it has had.
///
/// The SQL keeps to what SQLite and PostgreSQL share, but for `BLOB`, which PostgreSQL calls `BYTEA`.
const STEPS: &[&str] = &[
    include_str!("0001_initial.sql"),
    include_str!("0002_people.sql"),
    include_str!("0003_topics.sql"),
    include_str!("0004_steering.sql"),
    include_str!("0005_history.sql"),
    include_str!("0006_drift.sql"),
    include_str!("0007_templates.sql"),
    include_str!("0008_adoption.sql"),
    include_str!("0009_audit.sql"),
    include_str!("0010_git_hosts.sql"),
    include_str!("0011_recordings.sql"),
    include_str!("0012_secrets.sql"),
    include_str!("0013_keys.sql"),
    include_str!("0014_groups.sql"),
    include_str!("0015_git_hosts.sql"),
];

/// The step after which a password goes only to the places that it was typed for.
const PLACES: i64 = 13;

/// The newest schema.
const NEWEST: i64 = STEPS.len().cast_signed() as i64;

/// The schema of the database; 0 for an empty one.
pub(crate) async fn schema(db: &impl ConnectionTrait) -> Result<i64, Error> {
    let has_meta = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'";
    if number(db, sql(has_meta, [])).await? == Some(0) {
        return Ok(0);
    }
    let found = "SELECT CAST(value AS BIGINT) FROM meta WHERE key = 'schema'";
    let found = number(db, sql(found, [])).await?.unwrap_or_default();
    let known = NEWEST;
    if found > known { Err(Error::NewerSchema { found, known }) } else { Ok(found) }
}

/// Whether a database of schema `from` had passwords before it was known what they were typed for.
pub(crate) fn brings_places(from: i64) -> bool {
    (1..PLACES).contains(&from)
}

/// Takes the database from schema `from` to the newest.
pub(crate) async fn run(db: &impl ConnectionTrait, from: i64) -> Result<(), Error> {
    for (number, step) in (1_i64..).zip(STEPS).filter(|(number, _)| *number > from) {
        db.execute_unprepared(step).await?;
        let done = "INSERT INTO meta (key, value) VALUES ('schema', $1) \
                    ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        execute(db, sql(done, [number.to_string().into()])).await?;
    }
    Ok(())
}
