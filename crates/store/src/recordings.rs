//! Recordings of shells: who had one where, and how it ended. What the screen showed is a file, which is removed after a
//! time; that there was a shell stays.

use std::time::Duration;

use jiff::Timestamp;
use model::Name;
use sea_orm::FromQueryResult;

use crate::sql::{all, count, execute, number, numbers, one, parse, small, sql, time};
use crate::writer::{Tx, Work};
use crate::{Error, Store};

/// A shell that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecording {
    /// Whose it is.
    pub account: String,
    /// The server.
    pub server: Name,
    /// The command, without secrets; `None` for a login shell.
    pub command: Option<String>,
    /// Whether it runs on a terminal.
    pub is_terminal: bool,
}

/// How a shell ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingEnd {
    /// The exit code, where the command ended by itself.
    pub exit: Option<u32>,
    /// Why it ended, where it did not end by itself.
    pub reason: Option<String>,
    /// How long the recording is, in bytes.
    pub bytes: u64,
    /// Whether it was cut off, because it was longer than may be.
    pub truncated: bool,
}

/// One recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRecord {
    /// Its number.
    pub id: i64,
    /// What was asked for, by whom.
    pub asked: NewRecording,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it is open.
    pub ended_at: Option<Timestamp>,
    /// How it ended, or how it stands.
    pub end: RecordingEnd,
    /// When what it showed was removed.
    pub removed_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    account: String,
    server: String,
    command: Option<String>,
    is_terminal: bool,
    started_at: i64,
    ended_at: Option<i64>,
    exit_code: Option<i64>,
    reason: Option<String>,
    bytes: i64,
    truncated: bool,
    removed_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<RecordingRecord, Error> {
        Ok(RecordingRecord {
            id: self.id,
            asked: NewRecording {
                account: self.account,
                server: parse("name of a server", &self.server)?,
                command: self.command,
                is_terminal: self.is_terminal,
            },
            started_at: time(self.started_at)?,
            ended_at: self.ended_at.map(time).transpose()?,
            end: RecordingEnd {
                exit: self.exit_code.map(small),
                reason: self.reason,
                bytes: count(self.bytes),
                truncated: self.truncated,
            },
            removed_at: self.removed_at.map(time).transpose()?,
        })
    }
}

/// The columns of [`Row`], and where they stand.
macro_rules! recordings {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, server, command, is_terminal, started_at, ended_at, exit_code, reason, bytes, ",
            "truncated, removed_at FROM recording ",
            $rest
        )
    };
}

impl Store {
    /// Notes that a shell begins; its number.
    pub async fn begin_recording(&self, new: NewRecording) -> Result<i64, Error> {
        self.write(Begin(new)).await
    }

    /// Notes how a shell ended. Only the first end counts.
    pub async fn end_recording(&self, id: i64, end: RecordingEnd) -> Result<(), Error> {
        self.write(End { id, end }).await
    }

    /// Notes that all shells that were open have ended, for this `reason`: nobody holds them any more.
    pub async fn end_open_recordings(&self, reason: &str) -> Result<(), Error> {
        self.write(EndOpen(reason.to_owned())).await
    }

    /// Recordings with smaller numbers than `before`, of one server or of all, the newest first, at most `limit`.
    pub async fn recordings(
        &self,
        server: Option<&Name>,
        before: i64,
        limit: u64,
    ) -> Result<Vec<RecordingRecord>, Error> {
        let find = recordings!("WHERE id < $1 AND ($2 IS NULL OR server = $2) ORDER BY id DESC LIMIT $3");
        let server = server.map(|name| name.as_str().to_owned());
        let values = [before.into(), server.into(), limit.cast_signed().into()];
        let rows: Vec<Row> = all(self.readers(), sql(find, values)).await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The recording with this number.
    pub async fn recording(&self, id: i64) -> Result<Option<RecordingRecord>, Error> {
        let row: Option<Row> = one(self.readers(), sql(recordings!("WHERE id = $1"), [id.into()])).await?;
        row.map(Row::read).transpose()
    }

    /// The recordings that ended longer than `keep` ago and were not removed yet.
    pub async fn old_recordings(&self, keep: Duration) -> Result<Vec<i64>, Error> {
        let kept = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let before = crate::sql::now().as_microsecond().saturating_sub(kept);
        let find = "SELECT id FROM recording WHERE ended_at < $1 AND removed_at IS NULL ORDER BY id";
        numbers(self.readers(), sql(find, [before.into()])).await
    }

    /// Notes that what a recording showed was removed.
    pub async fn recording_removed(&self, id: i64) -> Result<(), Error> {
        self.write(Removed(id)).await
    }
}

struct Begin(NewRecording);

impl Work for Begin {
    type Output = i64;

    async fn write(self, tx: &mut Tx) -> Result<i64, Error> {
        let NewRecording { account, server, command, is_terminal } = self.0;
        let last = number(tx.db(), sql("SELECT COALESCE(MAX(id), 0) FROM recording", [])).await?;
        let id = last.unwrap_or_default() + 1;
        let add = "INSERT INTO recording (id, account, server, command, is_terminal, started_at, bytes, truncated) \
                   VALUES ($1, $2, $3, $4, $5, $6, 0, FALSE)";
        let server = server.as_str().into();
        let values =
            [id.into(), account.into(), server, command.into(), is_terminal.into(), tx.micros().into()];
        execute(tx.db(), sql(add, values)).await?;
        Ok(id)
    }
}

struct End {
    id: i64,
    end: RecordingEnd,
}

impl Work for End {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let RecordingEnd { exit, reason, bytes, truncated } = self.end;
        let end = "UPDATE recording SET ended_at = $2, exit_code = $3, reason = $4, bytes = $5, truncated = $6 \
                   WHERE id = $1 AND ended_at IS NULL";
        let exit = exit.map(i64::from).into();
        let bytes = bytes.cast_signed().into();
        let values = [self.id.into(), tx.micros().into(), exit, reason.into(), bytes, truncated.into()];
        execute(tx.db(), sql(end, values)).await.map(drop)
    }
}

struct EndOpen(String);

impl Work for EndOpen {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let end = "UPDATE recording SET ended_at = $1, reason = $2 WHERE ended_at IS NULL";
        execute(tx.db(), sql(end, [tx.micros().into(), self.0.into()])).await.map(drop)
    }
}

struct Removed(i64);

impl Work for Removed {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let removed = "UPDATE recording SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL";
        execute(tx.db(), sql(removed, [self.0.into(), tx.micros().into()])).await.map(drop)
    }
}
