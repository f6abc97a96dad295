//! Recordings of shells as they are listed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A shell that somebody had on a server. What it showed is answered by `GET /recordings/{recording}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Its number.
    pub id: i64,
    /// Whose it was.
    pub user: String,
    /// The server.
    pub server: String,
    /// The command, secrets masked; absent for a login shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Whether it ran on a terminal.
    pub terminal: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The exit code, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<u32>,
    /// Why it ended, where it did not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long the recording is, in bytes; 0 while it is open.
    pub bytes: u64,
    /// Whether it was cut off, because it was longer than a recording may be.
    pub truncated: bool,
    /// When what it showed was removed, because it is older than recordings are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}
