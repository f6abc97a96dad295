//! The doctor: how the machine of Aweigh is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the machine of Aweigh is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorReport {
    /// The version of Aweigh that looked.
    pub version: String,
    /// What is around builds and hooks there.
    pub sandbox: SandboxState,
    /// What was looked at.
    pub findings: Vec<DoctorFinding>,
}

impl DoctorReport {
    /// Whether something does not work.
    pub fn has_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.state == DoctorState::Failed)
    }
}

/// What is around builds and hooks on the machine of Aweigh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SandboxState {
    /// The level that holds: 0, 1 or 2.
    pub level: u8,
    /// The level below which nothing is run.
    pub min: u8,
    /// The level and what it is made of, as the log of a build tells it.
    pub text: String,
    /// What is missing, each with what to do.
    pub missing: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoctorFinding {
    /// What: `git`, `disk` and so on.
    pub what: String,
    /// How it is.
    pub state: DoctorState,
    /// What was found.
    pub detail: String,
    /// What to do next where it is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DoctorState {
    /// As it should be.
    Ok,
    /// It works, and less well or less safely than it could.
    Warning,
    /// It does not work.
    Failed,
}
