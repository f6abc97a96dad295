//! What can go wrong with a repository, each with what to do next.

use std::{io, path::PathBuf, time::Duration};

use crate::CommitId;

/// Why something could not be done. The message names the thing, [`hint`](Error::hint) says what to do next and
/// [`said`](Error::said) has git's own last words. None of them has a password in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not one, or could be taken for something else.
    #[error("repository address {shown} is refused: {reason}")]
    InvalidUrl {
        /// The address without what may be a secret.
        shown: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The address needs a transport that the policy does not list.
    #[error("protocol {protocol} is not allowed")]
    ProtocolNotAllowed {
        /// The name of the transport.
        protocol: String,
    },
    /// The text can be no name of a branch, tag or commit.
    #[error("ref {shown} is refused: {reason}")]
    InvalidRef {
        /// The text, cut and without control characters.
        shown: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The text is no full commit id.
    #[error("{shown} is not a full commit id")]
    InvalidCommitId {
        /// The text, cut and without control characters.
        shown: String,
    },
    /// The program is not installed.
    #[error("the program {program} was not found")]
    GitMissing {
        /// The name or path that was tried.
        program: String,
    },
    /// The host could not be found, reached or understood.
    #[error("{url} cannot be reached: {}", last_line(.said))]
    Unreachable {
        /// The repository.
        url: String,
        /// The last lines of git.
        said: String,
    },
    /// The certificate of the host is not trusted.
    #[error("{url} shows a certificate that is not trusted: {}", last_line(.said))]
    Certificate {
        /// The repository.
        url: String,
        /// The last lines of git.
        said: String,
    },
    /// The repository asks who we are, and there is nothing to answer.
    #[error("{url} wants a login")]
    LoginRequired {
        /// The repository.
        url: String,
        /// The last lines of git.
        said: String,
    },
    /// The repository does not accept the credential.
    #[error("{url} refused the credential")]
    Denied {
        /// The repository.
        url: String,
        /// The last lines of git.
        said: String,
    },
    /// The credential is of a kind that this address cannot use.
    #[error("{url} cannot be opened with {given}")]
    WrongAccess {
        /// The repository.
        url: String,
        /// The kind of the credential.
        given: &'static str,
    },
    /// ssh could not read the private key.
    #[error("the SSH key for {url} cannot be used: {}", last_line(.said))]
    KeyUnusable {
        /// The repository.
        url: String,
        /// The last lines of git and ssh.
        said: String,
    },
    /// No key of the host is pinned.
    #[error("the host key of {url} is not known")]
    HostKeyUnknown {
        /// The repository.
        url: String,
        /// The last lines of git and ssh.
        said: String,
    },
    /// The host shows another key than the pinned one.
    #[error("the host key of {url} has changed")]
    HostKeyChanged {
        /// The repository.
        url: String,
        /// The last lines of git and ssh.
        said: String,
    },
    /// There is no repository, or none that this credential may see.
    #[error("{url} was not found")]
    NotFound {
        /// The repository.
        url: String,
        /// The last lines of git.
        said: String,
    },
    /// The repository has neither a branch nor a tag.
    #[error("{url} is empty: it has no branch and no tag")]
    Empty {
        /// The repository.
        url: String,
    },
    /// No branch, tag or commit has this name.
    #[error("there is no branch, tag or commit {name} in {url}")]
    UnknownRef {
        /// What was typed.
        name: String,
        /// The repository.
        url: String,
        /// Names that are much like it, best first.
        close: Vec<String>,
    },
    /// Several commits start with these digits.
    #[error("commit id {name} is ambiguous")]
    AmbiguousRef {
        /// What was typed.
        name: String,
        /// The full ids of some commits that start with it.
        candidates: Vec<CommitId>,
    },
    /// The tag marks a file or a tree.
    #[error("{name} does not name a commit")]
    NotACommit {
        /// What was typed.
        name: String,
    },
    /// The commit was there once, or never.
    #[error("commit {commit} is gone from {url}")]
    CommitGone {
        /// The commit.
        commit: CommitId,
        /// The repository.
        url: String,
    },
    /// Nothing moved for too long.
    #[error("git {verb} stood still for {} s", .after.as_secs_f32())]
    IdleTimeout {
        /// The command of git.
        verb: &'static str,
        /// The limit.
        after: Duration,
    },
    /// It took too long altogether.
    #[error("git {verb} took longer than {} s", .after.as_secs_f32())]
    TotalTimeout {
        /// The command of git.
        verb: &'static str,
        /// The limit.
        after: Duration,
    },
    /// Another fetch held the mirror all the time.
    #[error("the mirror {} is in use", .folder.display())]
    Locked {
        /// The folder of the mirror.
        folder: PathBuf,
    },
    /// A limit of the policy was passed.
    #[error("{what} has more than {limit} {unit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What is counted.
        unit: &'static str,
        /// The field of the policy that sets the limit.
        setting: &'static str,
    },
    /// No space is left.
    #[error("the disk of {} is full", .folder.display())]
    DiskFull {
        /// Where it was written.
        folder: PathBuf,
    },
    /// A tree is exported into a new or empty folder only.
    #[error("{} is not an empty folder", .folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// An archive cannot be packed so.
    #[error("{shown} is not a format of archives")]
    UnknownFormat {
        /// The name, cut and without control characters.
        shown: String,
    },
    /// No folder of this name can stand in front of the paths of an archive.
    #[error("folder {shown} is refused: {reason}")]
    InvalidPrefix {
        /// The name, cut and without control characters.
        shown: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A proxy of such an address cannot be used.
    #[error("proxy {shown} is refused: {reason}")]
    InvalidProxy {
        /// The address without a login, cut and without control characters.
        shown: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The text is no host.
    #[error("{shown} is not a host, or a host and a port")]
    InvalidHost {
        /// The text, cut and without control characters.
        shown: String,
    },
    /// A file that should have certificates of authorities has none.
    #[error("{} has no certificate in PEM", .path.display())]
    NoAuthority {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else put something where a checkout would write.
    #[error("{} is in the way: it was not brought by a checkout", .path.display())]
    InTheWay {
        /// What is there.
        path: PathBuf,
    },
    /// Another checkout is at work in the folder.
    #[error("another checkout works in {}", .folder.display())]
    CheckoutBusy {
        /// The folder.
        folder: PathBuf,
    },
    /// What a checkout knows of its folder cannot be read.
    #[error("{} does not say what a checkout brought", .path.display())]
    UnknownCheckout {
        /// The file that should.
        path: PathBuf,
    },
    /// The mirror does not have enough of the history to tell.
    #[error("the mirror of {url} is shallow: {what}")]
    Shallow {
        /// The repository.
        url: String,
        /// What cannot be told.
        what: String,
    },
    /// The tree has a name that leads out of it.
    #[error("the tree has a name that is refused: {shown}")]
    HostileTree {
        /// The name, cut and without control characters.
        shown: String,
    },
    /// The repository has broken or malicious objects.
    #[error("{url} has an object that is refused: {}", last_line(.said))]
    HostileObject {
        /// The repository.
        url: String,
        /// The last lines of git.
        said: String,
    },
    /// Something about a submodule failed.
    #[error("submodule {path}: {source}")]
    Submodule {
        /// Its folder in the tree, cut and without control characters.
        path: String,
        /// What failed.
        source: Box<Error>,
    },
    /// A submodule cannot be brought along as the commit has it.
    #[error("submodule {path} is refused: {reason}")]
    SubmoduleRefused {
        /// Its folder in the tree, cut and without control characters.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The program for Git LFS is not installed.
    #[error("the program git-lfs was not found, and the commit has files that Git LFS keeps")]
    LfsMissing,
    /// The place where the files of Git LFS are kept is refused.
    #[error("{url} is refused as a place of Git LFS: {reason}")]
    LfsRefused {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The object that a pointer of Git LFS stands for was not to be had.
    #[error("the LFS object of {path} is not to be had from {url} ({oid}): {}", telling_line(.said))]
    LfsObject {
        /// The file, cut and without control characters.
        path: String,
        /// The SHA-256 of the object.
        oid: String,
        /// Where it was asked for.
        url: String,
        /// The last lines of git-lfs.
        said: String,
    },
    /// The machine did not do what was asked.
    #[error("{what} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it did not work.
        source: io::Error,
    },
    /// git failed in a way that has no name here.
    #[error("git {verb} failed: {}", last_line(.said))]
    Failed {
        /// The command of git.
        verb: &'static str,
        /// The last lines of git.
        said: String,
    },
}

impl Error {
    /// The last lines that git wrote to its standard error, where git was asked and failed.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Unreachable { said, .. }
            | Self::Certificate { said, .. }
            | Self::LoginRequired { said, .. }
            | Self::Denied { said, .. }
            | Self::KeyUnusable { said, .. }
            | Self::HostKeyUnknown { said, .. }
            | Self::HostKeyChanged { said, .. }
            | Self::NotFound { said, .. }
            | Self::HostileObject { said, .. }
            | Self::LfsObject { said, .. }
            | Self::Failed { said, .. } => Some(said),
            Self::Submodule { source, .. } => source.said(),
            _ => None,
        }
    }

    /// Makes an error of the machine, with a full disk told apart.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { folder: path },
            _ => Self::Io { what, path, source },
        }
    }
}

/// The line that says it: what git-lfs found out, among what git says of questions that nobody answers and before the
/// line that something failed.
fn telling_line(said: &str) -> &str {
    let is_telling = |line: &&str| !line.starts_with("error: ") && !line.starts_with("fatal: ");
    said.lines().find(is_telling).unwrap_or_else(|| last_line(said))
}

/// The line that says it: git's last `fatal:` or `error:`, else the last one.
fn last_line(said: &str) -> &str {
    let blamed = said.lines().rev().find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    blamed.or_else(|| said.lines().last()).unwrap_or("it said nothing")
}
