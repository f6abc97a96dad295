//! The repository of a project.

use std::path::Path;

use async_trait::async_trait;
use model::{CommitId, Project};

use crate::besides::{Besides, Exported, LeftOut};

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
    /// Whether a commit has attributes, by which a file that did not change may be packed otherwise.
    async fn has_attributes(&self, project: &Project, commit: &CommitId) -> Result<bool, SourceError>;
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
