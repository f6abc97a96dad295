//! The journal of releases, and the queue of those that wait for an owner.

use async_trait::async_trait;
use model::plan::{Elsewhere, folder_on};
use model::{
    CommitId, Epoch, Kind, Name, NodeFact, Plan, ReleaseId, ReleaseName, Status, StepStatus, Wishes,
};

/// Records what a release does. All that is said goes through [`record`](Journal::record).
#[async_trait]
pub trait Journal: Send + Sync {
    /// Records `entries` in one transaction: step rows and facts together. Durable on return.
    ///
    /// Fails with [`JournalError::Fenced`] when `epoch` is not the owner's any more; nothing is written then.
    async fn record(&self, release: ReleaseId, epoch: Epoch, entries: Vec<Entry>)
    -> Result<(), JournalError>;
    /// All step rows of a release.
    async fn steps(&self, release: ReleaseId) -> Result<Vec<StepRow>, JournalError>;
    /// The step rows of one server of a release.
    async fn steps_of(&self, release: ReleaseId, server: &Name) -> Result<Vec<StepRow>, JournalError>;
    /// The frozen plan of a release.
    async fn plan(&self, release: ReleaseId) -> Result<Plan, JournalError>;
    /// The good releases of an environment, the last activated first.
    async fn good(&self, project: &Name, environment: &Name) -> Result<Vec<GoodRelease>, JournalError>;
    /// Whether a release of this installation has ended; `false` for one that does not exist.
    async fn has_ended(&self, release: ReleaseId) -> Result<bool, JournalError>;
}

/// Hands releases to the process that works on them.
#[async_trait]
pub trait Queue: Send + Sync {
    /// The oldest queued release whose environment is free, now running and ours.
    async fn claim(&self) -> Result<Option<Claim>, JournalError>;
    /// After a start: every release that a dead owner left active, now ours.
    async fn take_over(&self) -> Result<Vec<Claim>, JournalError>;
    /// What people want of a release now.
    async fn wishes(&self, release: ReleaseId) -> Result<Wishes, JournalError>;
}

/// A release that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which.
    pub release: ReleaseId,
    /// The number of our ownership.
    pub epoch: Epoch,
    /// Where it stands; only `running` is worked on.
    pub status: Status,
    /// What people want of it.
    pub wishes: Wishes,
}

/// One thing to record.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A node's new status, and what its step found out (kept for a resume).
    Node {
        /// The fact.
        fact: Box<NodeFact>,
        /// Replaces the step's result when set.
        result: Option<serde_json::Value>,
    },
    /// Text that a node wrote.
    Log {
        /// Which node.
        node: String,
        /// Masked text, whole characters.
        text: String,
    },
    /// Text that a node wrote and that is not kept.
    Dropped {
        /// Which node.
        node: String,
        /// How many bytes.
        bytes: u64,
    },
    /// How many bytes of the log that a node's try writes on its server are recorded with this.
    LogRead {
        /// Which node.
        node: String,
        /// How many, from the beginning of the try.
        bytes: u64,
    },
    /// A node will write no more in this try.
    LogEnd {
        /// Which node.
        node: String,
    },
    /// A server is tried once more, as somebody wished.
    Retried {
        /// Which.
        server: Name,
    },
    /// The release's new status.
    Release {
        /// Which.
        status: Status,
        /// Why.
        reason: Option<String>,
    },
    /// The artifact that the release brings.
    Artifact {
        /// Its hash.
        hash: String,
    },
}

/// A step as it was recorded last.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// Its key.
    pub key: String,
    /// Where it stands.
    pub status: StepStatus,
    /// The last try.
    pub attempt: u32,
    /// How many times Aweigh ended while it ran.
    pub crashes: u32,
    /// How many bytes of the log that the last try writes on its server are recorded.
    pub log_read: u64,
    /// What it found out.
    pub result: Option<serde_json::Value>,
}

/// A release that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodRelease {
    /// Its number.
    pub id: ReleaseId,
    /// Its folder.
    pub name: ReleaseName,
    /// The servers on which its folder has another name.
    pub elsewhere: Elsewhere,
    /// Forward or back.
    pub kind: Kind,
    /// For a rollback: the release it brought back.
    pub origin: Option<ReleaseId>,
    /// Its commit.
    pub commit: CommitId,
    /// Its artifact.
    pub artifact: Option<String>,
}

impl GoodRelease {
    /// Its folder on `server`.
    pub fn folder_on(&self, server: &Name) -> &ReleaseName {
        folder_on(&self.name, &self.elsewhere, server)
    }
}

/// Why something could not be recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Somebody else owns the release now, or it has ended.
    #[error("release {0} is not ours any more")]
    Fenced(ReleaseId),
    /// There is no room on its disk.
    #[error("the database could not record it: its disk is full")]
    Full,
    /// The database refused or failed.
    #[error("the database could not record it: {0}")]
    Store(String),
}
