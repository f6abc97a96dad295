//! What a check of a server finds, line by line.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of a server's check list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// What was looked at: `connect`, `login`, `tar`, `path shop/production` …; no two of a list are the same.
    pub what: String,
    /// Releases can run with it. A warning is `true`, too.
    pub ok: bool,
    /// How it was found.
    pub status: FindingStatus,
    /// What was found.
    pub detail: String,
    /// What to do next where it is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    /// As a release needs it.
    Ok,
    /// Releases run, and somebody should look at it.
    Warning,
    /// Releases do not run, or are not safe.
    Failed,
}
