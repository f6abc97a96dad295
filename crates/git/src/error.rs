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
    /// What to do next, as a sentence fragment.
    pub fn hint(&self) -> String {
        let fixed = match self {
            Self::InvalidUrl { .. } => "write https://host/path, ssh://user@host/path or user@host:path",
            Self::ProtocolNotAllowed { .. } => {
                "use https or ssh, or add the protocol to allow_protocols under [git]"
            }
            Self::InvalidRef { .. } => "give the name of a branch or tag, or a commit id",
            Self::InvalidCommitId { .. } => "give 40 or 64 lower-case hexadecimal digits",
            Self::GitMissing { .. } => "install git (on Debian: apt-get install git)",
            Self::Unreachable { .. } => "check the address, the network and the proxy of this machine",
            Self::Certificate { .. } => {
                "install the authority of the host, or name its file in GIT_SSL_CAINFO"
            }
            Self::LoginRequired { .. } => "add a git-token or git-key credential and name it in the project",
            Self::Denied { .. } => {
                "check that the token or key is valid, not expired, and may read this repository"
            }
            Self::WrongAccess { .. } => "use a git-token with https, and a git-key with ssh",
            Self::KeyUnusable { .. } => "check that it is a private key, and that its passphrase is right",
            Self::HostKeyUnknown { .. } => {
                "compare the host's key (ssh-keyscan), then put its line into the file known_hosts of the data folder"
            }
            Self::HostKeyChanged { .. } => {
                "ask the owner of the host whether its key was replaced, then pin the new one"
            }
            Self::NotFound { .. } => "check the address, and that the credential may see the repository",
            Self::Empty { .. } => "push a branch to it first",
            Self::NotACommit { .. } => "give a branch, a commit, or a tag of a commit",
            Self::CommitGone { .. } => "it was probably force-pushed away: choose another commit",
            Self::IdleTimeout { .. } => "check the connection, or raise git_idle_timeout under [limits]",
            Self::TotalTimeout { .. } => "raise git_timeout under [limits]",
            Self::Locked { .. } => "wait until the other fetch has ended",
            Self::DiskFull { .. } => "free some space and try again",
            Self::NotEmpty { .. } => "name a folder that does not exist yet",
            Self::HostileTree { .. } | Self::HostileObject { .. } => {
                "the repository is damaged or malicious: run git fsck in a clone of it"
            }
            Self::Submodule { source, .. } => return source.hint_of_submodule(),
            Self::SubmoduleRefused { .. } => "mend .gitmodules, commit it, and release that commit",
            Self::LfsMissing => "install git-lfs (on Debian: apt-get install git-lfs)",
            Self::LfsRefused { .. } => "use an address over https, or one with a plain path",
            Self::LfsObject { .. } => {
                "check that it was pushed (git lfs push --all), the quota of the host, and that the credential may read it"
            }
            Self::Io { .. } => "check the folder and its owner",
            Self::Failed { .. } => "read what git said; removing the mirror's folder makes it anew",
            Self::UnknownRef { close, .. } if close.is_empty() => "check the name, and that it was pushed",
            Self::UnknownRef { close, .. } => return format!("did you mean {}?", close.join(" or ")),
            Self::AmbiguousRef { candidates, .. } => {
                let ids: Vec<&str> = candidates.iter().map(CommitId::as_str).collect();
                return format!("give more digits: {}", ids.join(", "));
            }
            Self::TooLarge { setting, .. } => return format!("raise {setting} under [limits]"),
        };
        fixed.into()
    }

    /// What to do next when this happened to a submodule, where that is something else.
    fn hint_of_submodule(&self) -> String {
        let fixed = match self {
            Self::CommitGone { .. } => {
                "push that commit to the repository of the submodule, or let the submodule name one that is there"
            }
            Self::LoginRequired { .. } | Self::HostKeyUnknown { .. } => {
                "the credential of the project goes to its own scheme, host and port only: give the submodule an address there, such as ../name.git, or one that needs no login"
            }
            _ => return self.hint(),
        };
        fixed.into()
    }

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
