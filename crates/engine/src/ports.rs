//! The few things a release needs from outside, as traits beside their user. `aweigh/adapters` puts them on
//! `transport`, `git` and `store`; tests put them on fakes.

use std::path::Path;
use std::pin::Pin;

use async_trait::async_trait;
use futures::future::BoxFuture;
use model::plan::{Elsewhere, folder_on};
use model::{
    CommitId, Epoch, Kind, Name, NodeFact, Plan, Project, ReleaseId, ReleaseName, Server, SshAddress, Status,
    StepStatus, Wishes,
};
use tokio::io::{AsyncRead, AsyncWrite};

pub use crate::besides::{Besides, Exported, LeftOut};

// ---------------------------------------------------------------- the repository

/// A project's git repository, seen through the mirror that Aweigh keeps of it.
///
/// Cancelling (dropping) a call stops the git process behind it.
#[async_trait]
pub trait Source: Send + Sync {
    /// Brings the mirror up to date; `say` gets git's progress, line by line.
    async fn fetch(&self, project: &Project, say: &mut Say<'_>) -> Result<(), SourceError>;
    /// What `git_ref` (branch before tag before commit) is in the mirror, without fetching.
    async fn resolve(&self, project: &Project, git_ref: &str) -> Result<Resolved, SourceError>;
    /// Writes the tree of `commit` into the new folder `into`, without `.git`, and what is asked for besides; `say` gets
    /// what is fetched for that, line by line.
    async fn export(
        &self,
        project: &Project,
        commit: &CommitId,
        besides: Besides,
        into: &Path,
        say: &mut Say<'_>,
    ) -> Result<Exported, SourceError>;
    /// Gives every entry of the tree of `commit` to `take`, folders before what is in them; with `paths`, of which there
    /// is one at least, only these and the folders that lead to them. Only an `Ok` means that the tree was whole.
    async fn read_tree(
        &self,
        project: &Project,
        commit: &CommitId,
        paths: Option<Vec<Vec<u8>>>,
        take: Box<TakeItem>,
    ) -> Result<LeftOut, SourceError>;
    /// The time of a commit, in seconds since 1970.
    async fn commit_time(&self, project: &Project, commit: &CommitId) -> Result<i64, SourceError>;
    /// The paths of the files that differ between two commits, byte for byte, and whether the second has them.
    async fn changed_paths(
        &self,
        project: &Project,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<Vec<(Vec<u8>, bool)>, SourceError>;
    /// The newest `limit` entries of one kind, newest first.
    async fn refs(
        &self,
        project: &Project,
        what: &RefQuery,
        limit: usize,
    ) -> Result<Vec<RefEntry>, SourceError>;
    /// The commits in the history of `of` and not in that of `without`, newest first, at most `limit`.
    async fn commits_without(
        &self,
        project: &Project,
        of: &CommitId,
        without: &CommitId,
        limit: usize,
    ) -> Result<Vec<RefEntry>, SourceError>;
    /// The text of one file of a commit, at most 256 KiB; `None` when it is not there.
    async fn read(
        &self,
        project: &Project,
        commit: &CommitId,
        path: &str,
    ) -> Result<Option<String>, SourceError>;
}

/// Takes in one line of progress.
pub type Say<'s> = dyn FnMut(&str) + Send + 's;

/// Takes in one entry of a tree.
pub type TakeItem = dyn FnMut(&[u8], TreeItem<'_>) -> std::io::Result<()> + Send;

/// One entry of a tree.
pub enum TreeItem<'i> {
    /// A folder.
    Folder,
    /// A symbolic link with this text.
    Link(&'i [u8]),
    /// A file.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// Its length, in bytes.
        size: u64,
        /// Its bytes.
        bytes: &'i mut dyn std::io::Read,
    },
}

/// What a ref was when it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The commit.
    pub commit: CommitId,
    /// Set when the ref is a branch.
    pub branch: Option<String>,
    /// Set when the ref is a tag.
    pub tag: Option<String>,
}

/// Which entries of a repository are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefQuery {
    /// Branches.
    Branches,
    /// Tags.
    Tags,
    /// Commits of a ref, or of the default branch.
    Commits(Option<String>),
}

/// A branch, a tag or a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefEntry {
    /// The branch's or tag's name; a commit's full id.
    pub name: String,
    /// The commit.
    pub commit: CommitId,
    /// Who wrote it.
    pub author: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The first line of its message.
    pub summary: String,
}

/// Why the repository did not give what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What kind of trouble it is.
    pub kind: SourceTrouble,
    /// What happened to what, as a lower-case fragment without secrets.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of trouble with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceTrouble {
    /// The ref or commit does not exist, is hostile, or is ambiguous.
    UnknownRef,
    /// The repository cannot be reached or read (network, login, protocol, gone, empty).
    Unreachable,
    /// This machine could not do it (git missing, disk full).
    Local,
    /// This machine keeps the room that is left on its disk.
    NoRoom,
}

// ---------------------------------------------------------------- the servers

/// Opens connections to servers.
#[async_trait]
pub trait Hosts: Send + Sync {
    /// Connects and logs in, through the servers on the way. The host key is checked before any credential is sent,
    /// at each of them.
    async fn connect(&self, server: &Server) -> Result<Box<dyn Host>, HostError>;
    /// The host keys that a machine presents, without logging in there.
    async fn scan(&self, address: &SshAddress) -> Result<Vec<ScannedKey>, HostError>;
}

/// A host key as presented by a machine nobody trusts yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedKey {
    /// `ssh-ed25519 AAAA…`, as it is pinned.
    pub key: String,
    /// `SHA256:…`, as `ssh-keygen -lf` prints it.
    pub fingerprint: String,
}

/// A connection to one server, on which commands run and ports are reached. Others may share it; dropping gives it back.
#[async_trait]
pub trait Host: Send + Sync {
    /// Starts one command line. Dropping the channel does not stop the command.
    async fn exec(&self, command: &str) -> Result<Channel, HostError>;
    /// A byte stream to a TCP port as seen from the server.
    async fn forward(&self, host: &str, port: u16) -> Result<Box<dyn Duplex>, HostError>;
    /// It did not do what it should: whoever connects next gets another one.
    fn distrust(&self);
}

/// A two-way byte stream.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A running command.
pub struct Channel {
    /// Its standard input; shutting it down is its end of file.
    pub stdin: Pin<Box<dyn AsyncWrite + Send + Sync>>,
    /// Its standard output.
    pub stdout: Pin<Box<dyn AsyncRead + Send + Sync>>,
    /// Its standard error.
    pub stderr: Pin<Box<dyn AsyncRead + Send + Sync>>,
    /// Its end: the exit code, or `None` when a signal ended it.
    pub exit: BoxFuture<'static, Result<Option<u32>, HostError>>,
}

/// Why a server did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct HostError {
    /// What kind of trouble it is.
    pub kind: HostTrouble,
    /// What happened to what, as a lower-case fragment without secrets.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Kinds of trouble with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostTrouble {
    /// No connection: name, network, silent.
    Unreachable,
    /// Refused or hung up on: it may be there again in a moment.
    Away,
    /// The host key is unknown or another one than pinned.
    HostKey,
    /// The login was refused, or the credential cannot be used.
    Denied,
    /// The connection broke in the middle.
    Lost,
    /// The server refused a forwarded port.
    ForwardRefused,
    /// Anything else.
    Other,
}

// ---------------------------------------------------------------- the journal

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

// ---------------------------------------------------------------- the artifacts

/// Remembers which artifact is which; the files themselves are the engine's.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// The artifact of this commit and these build settings.
    async fn find(
        &self,
        project: &Name,
        commit: &CommitId,
        build: &str,
    ) -> Result<Option<String>, JournalError>;
    /// What is remembered of an artifact.
    async fn get(&self, hash: &str) -> Result<Option<KeptArtifact>, JournalError>;
    /// The newest artifact of the project.
    async fn latest(&self, project: &Name) -> Result<Option<String>, JournalError>;
    /// The hashes of a project's artifacts, the newest first.
    async fn all(&self, project: &Name) -> Result<Vec<String>, JournalError>;
    /// Those that are live somewhere, that something can go back to, or that are on their way.
    async fn needed(&self, project: &Name) -> Result<Vec<String>, JournalError>;
    /// Forgets one; answers whether no other project has the same.
    async fn forget(&self, project: &Name, hash: &str) -> Result<bool, JournalError>;
    /// Remembers one.
    async fn keep(&self, artifact: &KeptArtifact) -> Result<(), JournalError>;
}

/// What is remembered of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptArtifact {
    /// SHA-256 of its manifest.
    pub hash: String,
    /// The project.
    pub project: Name,
    /// The commit it was made from.
    pub commit: CommitId,
    /// SHA-256 of the build settings.
    pub build: String,
    /// How many entries.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
}

/// The secrets whose values must not appear in any log.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Every secret that a release of this plan touches.
    async fn of(&self, plan: &Plan) -> Result<Vec<model::SecretString>, JournalError>;
}
