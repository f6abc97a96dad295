//! The board: one row per environment.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{LockView, Release};

/// What one environment runs and does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardRow {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// Names of its servers.
    pub servers: Vec<String>,
    /// The release that is live: the good one activated last.
    pub live: Option<Release>,
    /// The release that was made last, however it stands.
    pub latest: Option<Release>,
    /// The release that holds the environment.
    pub active: Option<Release>,
    /// How many wait.
    pub queued: u32,
    /// Why nobody is to release there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockView>,
    /// How many servers were found to run something else, and nobody said that it is right so.
    #[serde(default)]
    pub drift: u32,
}
