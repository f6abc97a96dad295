//! Drift: what servers really run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What every server of an environment runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftReport {
    /// The release that is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<i64>,
    /// The servers, by name.
    pub servers: Vec<DriftRow>,
}

/// What one server runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftRow {
    /// Its name.
    pub server: String,
    /// How that is beside what it should be.
    pub state: DriftState,
    /// The text of `current`, where it is a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The release of this installation that this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<i64>,
    /// The commit that the release says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Why it is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when it is known that it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Who said that it is right so, for as long as it stays what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<String>,
}

impl DriftRow {
    /// Whether it runs something else than it should, and nobody said that it is right so.
    pub fn is_open(&self) -> bool {
        matches!(self.state, DriftState::Behind | DriftState::Foreign) && self.accepted_by.is_none()
    }
}

/// How what a server runs is beside what it should run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftState {
    /// It runs the live release.
    Same,
    /// It runs another release of this installation, or nothing.
    Behind,
    /// It runs what no release of this installation brought.
    Foreign,
    /// It could not be asked.
    Unknown,
}

impl DriftState {
    /// The word on the wire and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Behind => "behind",
            Self::Foreign => "foreign",
            Self::Unknown => "unknown",
        }
    }
}
