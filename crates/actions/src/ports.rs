//! What actions need besides the ports of the engine: reading keys, reading `aweigh.toml`, looking at the machine, and
//! looking closer at a repository than a release does.

use async_trait::async_trait;
use engine::ports::{ScannedKey, SourceError};
use engine::sandbox::Sandbox;
use model::{Build, CommitId, Name, Project, SecretString, Settings};
use tokio::io::AsyncWrite;

use crate::Wrong;

/// Examines the machine that Aweigh runs on.
pub trait Doctor: Send + Sync {
    /// What was found of it: settings, folders, programs, limits, the sandbox.
    ///
    /// Runs programs such as `git --version`; called on a thread that may block.
    fn examine(&self) -> Examined;
}

/// What was found of the machine of Aweigh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What is around builds and hooks there.
    pub sandbox: Sandbox,
    /// What was looked at, in an order that reads well.
    pub findings: Vec<MachineFinding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFinding {
    /// What: `git`, `disk` …
    pub what: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub detail: String,
    /// What to do next where it is not as it should be.
    pub hint: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and less well or less safely than it could.
    Warning,
    /// Something does not work.
    Failed,
}

/// Reads private keys without using them, and makes new ones.
pub trait Keys: Send + Sync {
    /// The public half of `private_key`, which `passphrase` opens where it is encrypted.
    ///
    /// May take a noticeable time (key derivation); called on a thread that may block.
    fn public_half(
        &self,
        private_key: &SecretString,
        passphrase: Option<&SecretString>,
    ) -> Result<PublicHalf, KeyTrouble>;
    /// A new private key whose public half has this comment.
    fn generate(&self, comment: &str) -> Result<(SecretString, PublicHalf), KeyTrouble>;
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicHalf {
    /// `SHA256:…`.
    pub fingerprint: String,
    /// The line of `authorized_keys`.
    pub line: String,
}

/// Why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTrouble {
    /// It is encrypted, and no passphrase was given.
    NeedsPassphrase,
    /// The passphrase does not open it.
    WrongPassphrase,
    /// It cannot be read; a fragment that says why, without any part of the key.
    Unreadable(String),
}

/// What `aweigh.toml` of a commit says for one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepositorySays {
    /// How the commit is built; the defaults of Aweigh where the file is silent.
    pub build: Build,
    /// The environment's settings over the file's defaults.
    pub settings: Settings,
}

/// Reads the text of `aweigh.toml` for the environment, or tells every key that is wrong.
pub type RepositoryFileReader = fn(&str, &Name) -> Result<RepositorySays, Vec<Wrong>>;

/// Looks into the repository of a project for people. Cancelling (dropping) a call stops the git process behind it.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// The files that differ between two commits of the mirror, `most` of them at most.
    async fn diff(
        &self,
        project: &Project,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<FileDiffs, SourceError>;
    /// The patch that leads from one commit to another, `most` bytes of it at most, and whether there is more.
    async fn patch(
        &self,
        project: &Project,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<(String, bool), SourceError>;
    /// Tells whether an archive can be packed so.
    fn check(&self, packing: &Packing) -> Result<(), SourceError>;
    /// Writes the tree of a commit to `out`, which is shut down only when all of it was written.
    async fn archive(
        &self,
        project: &Project,
        commit: &CommitId,
        packing: &Packing,
        out: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Result<(), SourceError>;
    /// The SSH host of the repository; nothing for one that is reached another way.
    async fn ssh_host(&self, project: &Project) -> Result<Option<SshHost>, SourceError>;
    /// The host keys that a host presents now, without logging in.
    async fn scan(&self, host: &SshHost) -> Result<Vec<ScannedKey>, SourceError>;
}

/// What differs between two commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileDiffs {
    /// The files.
    pub files: Vec<FileDiff>,
    /// Whether there are more than are listed.
    pub more: bool,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// What happened to it.
    pub change: FileChange,
    /// Its path; for a deleted file the one that it had.
    pub path: String,
    /// Its path before, when it was renamed.
    pub before: Option<String>,
    /// How many lines came and how many went; nothing for a binary file.
    pub lines: Option<(u64, u64)>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileChange {
    /// It came.
    Added,
    /// It went.
    Deleted,
    /// Its bytes or its mode are others.
    Modified,
    /// It has another name, and perhaps other bytes.
    Renamed,
    /// It became a link, or was one.
    Retyped,
}

/// How an archive is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// The format.
    pub format: ArchiveFormat,
    /// Folders in front of every path, such as `shop-1.2`; empty for none.
    pub prefix: String,
}

/// The format of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// `.tar`.
    Tar,
    /// `.tar.gz`.
    TarGz,
    /// `.tar.zst`.
    TarZst,
    /// `.zip`.
    Zip,
}

/// Where SSH to a git host goes, and whom it believes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshHost {
    /// The host name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The keys that are believed now.
    pub pinned: Vec<String>,
}
