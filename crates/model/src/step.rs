//! Steps: the lines of a plan, which are the nodes of the tree, and their one transition function.

use serde::{Deserialize, Serialize};

use crate::Name;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The root of the tree.
    Start,
    /// The commit is brought into the mirror.
    Fetch,
    /// The build hooks run in a fresh tree.
    Build,
    /// The tree becomes an artifact.
    Pack,
    /// The artifact becomes a complete folder on one server.
    Upload,
    /// Variables and secrets become a file of the staged release, on one server.
    EnvFile,
    /// Every server is staged.
    Staged,
    /// Servers switched together.
    Batch,
    /// `current` is switched on one server.
    Activate,
    /// One server is asked for health.
    Verify,
    /// Old releases of one server are removed.
    Prune,
    /// `current` of one server is switched back.
    Undo,
    /// A hook, or the list of hooks of one point.
    Hook,
    /// A folder of another tool became a release, on one server.
    Adopt,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    #[default]
    Pending,
    /// Begun; after a crash this means *unknown*.
    Running,
    /// Done.
    Ok,
    /// Did not work.
    Failed,
    /// Did not work, and that was allowed; or done with something to know.
    Warning,
    /// Held.
    Paused,
    /// Not needed.
    Skipped,
    /// Stopped, or never begun, because the release was stopped or failed before.
    Cancelled,
    /// Done and taken back.
    Undone,
    /// Nobody knows whether it happened.
    Unknown,
}

impl StepStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Running,
        Self::Ok,
        Self::Failed,
        Self::Warning,
        Self::Paused,
        Self::Skipped,
        Self::Cancelled,
        Self::Undone,
        Self::Unknown,
    ];

    /// The word on the wire, in the database and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Paused => "paused",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Undone => "undone",
            Self::Unknown => "unknown",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether its work is done, with or without something to know.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Ok | Self::Warning | Self::Skipped)
    }

    /// Whether no work is under way.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Paused)
    }

    /// The one transition function: whether `self` may become `next`.
    ///
    /// Invariant: what is done stays done, unless it is undone; a new attempt begins only from something that
    /// is not done. What failed, was stopped, left out or taken back is pending again when somebody has it tried once more.
    pub fn may_become(self, next: Self) -> bool {
        use StepStatus::{
            Cancelled, Failed, Ok, Paused, Pending, Running, Skipped, Undone, Unknown, Warning,
        };
        match self {
            Pending => matches!(next, Running | Skipped | Cancelled | Paused),
            Running => !matches!(next, Pending),
            Paused => matches!(next, Paused | Running | Cancelled | Skipped),
            Failed | Unknown | Cancelled => {
                matches!(next, Pending | Running | Skipped | Undone | Ok | Failed | Warning)
            }
            Ok | Warning => matches!(next, Undone),
            Skipped | Undone => matches!(next, Pending),
        }
    }
}

/// One line of a plan. Keys are unique in a plan: `fetch`, `web-1/upload`, `web-1/after_upload/migrate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its key.
    pub key: String,
    /// The key of the node it hangs on; `None` for the root.
    pub parent: Option<String>,
    /// What stands in the node.
    pub text: String,
    /// What it does.
    pub step: StepKind,
    /// The server it runs on.
    pub server: Option<Name>,
    /// Its batch, from 1.
    pub batch: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_stays_done_unless_undone() {
        for from in StepStatus::ALL {
            assert_eq!(serde_json::to_value(from).unwrap(), from.word());
            for to in StepStatus::ALL {
                if from.is_done() && from != StepStatus::Skipped && from.may_become(to) {
                    assert_eq!(to, StepStatus::Undone);
                }
                let is_over = matches!(from, StepStatus::Ok | StepStatus::Warning) || !from.is_settled();
                assert!(!is_over || !from.may_become(StepStatus::Pending), "{from:?}");
            }
        }
    }
}
