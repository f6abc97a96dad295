//! The few lines between SQL text and rows. Placeholders are `$1`, which SQLite and PostgreSQL both know.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A statement with its values.
pub(crate) fn sql<const N: usize>(text: &'static str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, text, values)
}

/// Runs a statement; answers how many rows it changed.
pub(crate) async fn execute(db: &impl ConnectionTrait, statement: Statement) -> Result<u64, Error> {
    Ok(db.execute_raw(statement).await?.rows_affected())
}

/// The first row.
pub(crate) async fn one<T: FromQueryResult>(
    db: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Option<T>, Error> {
    let row = db.query_one_raw(statement).await?;
    Ok(row.map(|row| T::from_query_result(&row, "")).transpose()?)
}

/// Every row.
pub(crate) async fn all<T: FromQueryResult>(
    db: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<T>, Error> {
    let rows = db.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| T::from_query_result(row, "")).collect::<Result<_, _>>()?)
}

/// The first column of the first row, a number.
pub(crate) async fn number(db: &impl ConnectionTrait, statement: Statement) -> Result<Option<i64>, Error> {
    let row = db.query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// The first column of every row, a number.
pub(crate) async fn numbers(db: &impl ConnectionTrait, statement: Statement) -> Result<Vec<i64>, Error> {
    let rows = db.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The first column of every row, a text.
pub(crate) async fn texts(db: &impl ConnectionTrait, statement: Statement) -> Result<Vec<String>, Error> {
    let rows = db.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// A value as it is stored in a text column.
pub(crate) fn to_json(what: &'static str, value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::unreadable(what, error))
}

/// A value from a text column.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::unreadable(what, error))
}

/// The word of a plain enum, as it is stored and sent.
pub(crate) fn to_word(what: &'static str, value: &impl Serialize) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(Error::unreadable(what, other)),
        Err(error) => Err(Error::unreadable(what, error)),
    }
}

/// The plain enum with this word.
pub(crate) fn from_word<T: DeserializeOwned>(what: &'static str, word: &str) -> Result<T, Error> {
    serde_json::from_value(word.into()).map_err(|error| Error::unreadable(what, error))
}

/// A value from its text form.
pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    what: &'static str,
    text: &str,
) -> Result<T, Error> {
    text.parse().map_err(|error| Error::unreadable(what, error))
}

/// A time from its column: microseconds since 1970, UTC.
pub(crate) fn time(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(micros).map_err(|error| Error::unreadable("time", error))
}

/// Now, as precise as it is stored.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    time(now.as_microsecond()).unwrap_or(now)
}

/// A count from its column; counts are never negative.
pub(crate) fn count(number: i64) -> u64 {
    number.max(0).cast_unsigned()
}

/// A small count from its column.
pub(crate) fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
