//! Releases: one numbered try to bring one commit to one environment, and its one transition function.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CommitId, Name, ReleaseId, ReleaseName};

/// A release forward, or back to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Brings a commit.
    Release,
    /// Brings an earlier release back.
    Rollback,
    /// Brings the live release to servers that do not run it.
    CatchUp,
    /// Was brought by another tool; its folder was there when Aweigh adopted it.
    Adopted,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Release, Self::Rollback, Self::CatchUp, Self::Adopted];

    /// Whether such a release has a folder of its own, to which others go back.
    pub fn has_folder(self) -> bool {
        matches!(self, Self::Release | Self::Adopted)
    }
}

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A second person has to agree.
    AwaitingApproval,
    /// Waits for its time.
    Scheduled,
    /// Waits for the environment to be free, first in, first out.
    Queued,
    /// Somebody owns it and works on it.
    Running,
    /// Held at a step border by a person.
    Paused,
    /// The outcome of something is unknown; holds its environment until `resume` or `cancel`.
    Interrupted,
    /// Every server runs it, healthy (servers named `behind` excepted).
    Succeeded,
    /// No server was left switched.
    Failed,
    /// Every switched server runs its previous release again, healthy.
    RolledBack,
    /// Servers differ, and Aweigh could not make them equal.
    Partial,
    /// Ended by a person before the first switch.
    Cancelled,
    /// A newer one took its place in the queue.
    Superseded,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 12] = [
        Self::AwaitingApproval,
        Self::Scheduled,
        Self::Queued,
        Self::Running,
        Self::Paused,
        Self::Interrupted,
        Self::Succeeded,
        Self::Failed,
        Self::RolledBack,
        Self::Partial,
        Self::Cancelled,
        Self::Superseded,
    ];

    /// The word on the wire, in the database and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Interrupted => "interrupted",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }

    /// The status with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether nothing follows.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Failed
                | Self::RolledBack
                | Self::Partial
                | Self::Cancelled
                | Self::Superseded
        )
    }

    /// Whether it holds its environment: at most one release of an environment does.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Paused | Self::Interrupted)
    }

    /// The one transition function: whether `self` may become `next`.
    ///
    /// Invariant: a terminal status never changes, and nothing becomes active without passing `Queued`.
    pub fn may_become(self, next: Self) -> bool {
        use Status::{
            AwaitingApproval, Cancelled, Failed, Interrupted, Partial, Paused, Queued, RolledBack, Running,
            Scheduled, Succeeded, Superseded,
        };
        match self {
            AwaitingApproval | Scheduled => matches!(next, Queued | Cancelled | Superseded),
            Queued => matches!(next, Running | Cancelled | Superseded | Failed),
            Running => {
                matches!(next, Paused | Interrupted | Succeeded | Failed | RolledBack | Partial | Cancelled)
            }
            Paused | Interrupted => matches!(next, Running | Cancelled | RolledBack | Partial | Failed),
            Succeeded | Failed | RolledBack | Partial | Cancelled | Superseded => false,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Where one server of a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// Not reached yet, or nothing of this release is there.
    #[default]
    Pending,
    /// The release is complete there and not visible.
    Staged,
    /// Switched; health is not proven yet.
    Activated,
    /// Switched and healthy.
    Live,
    /// Switched back to what it ran before.
    Undone,
    /// Left on its previous release while the others went on.
    Behind,
    /// Nobody knows; it has to be asked.
    Unknown,
}

/// What one server ran before, and runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// Its name.
    pub name: Name,
    /// What `current` was at first contact: a release's name, another link's text, or nothing.
    pub before: Option<String>,
    /// What `current` is, as far as this release knows.
    pub now: Option<String>,
    /// Where it stands.
    pub state: ServerState,
}

/// One release, as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub id: ReleaseId,
    /// Its folder on the servers.
    pub name: ReleaseName,
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// Forward or back.
    pub kind: Kind,
    /// What was asked for: a branch, a tag, a commit.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// What that was.
    pub commit: CommitId,
    /// The earlier release this one brings back; `None` unless it is a rollback.
    pub rollback_to: Option<ReleaseId>,
    /// Where it stands.
    pub status: Status,
    /// Why, where that is not plain.
    pub reason: Option<String>,
    /// Somebody asked it to stop and it has not ended yet.
    pub stopping: bool,
    /// Somebody asked it to wait and it does not wait yet.
    pub pausing: bool,
    /// Place in the queue from 1.
    pub position: Option<u32>,
    /// What its author wrote.
    pub note: String,
    /// Who pressed Release.
    pub by: String,
    /// When it was pressed; of an adopted one, when its folder was made.
    pub created_at: Timestamp,
    /// When work began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its servers.
    pub servers: Vec<ServerRecord>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_status_never_changes() {
        for from in Status::ALL {
            for to in Status::ALL {
                if from.is_terminal() {
                    assert!(!from.may_become(to), "{from} -> {to}");
                }
                if to.is_active() && from.may_become(to) {
                    assert!(from == Status::Queued || from.is_active(), "{from} -> {to}");
                }
            }
            assert_eq!(Status::from_word(from.word()), Some(from));
            assert_eq!(serde_json::to_value(from).unwrap(), from.word());
        }
    }

    #[test]
    fn every_unfinished_release_can_end() {
        for from in Status::ALL.into_iter().filter(|s| !s.is_terminal()) {
            assert!(
                Status::ALL.into_iter().any(|to| to.is_terminal() && from.may_become(to)),
                "{from} has no exit"
            );
        }
    }
}
