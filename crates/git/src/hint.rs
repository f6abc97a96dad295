//! What to do next about an error, as people read it below the message.

use crate::{CommitId, Error};

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
                "install the authority of the host, or name its file in ca_file under [git]"
            }
            Self::LoginRequired { .. } => "add a git-token or git-key credential and name it in the project",
            Self::Denied { .. } => {
                "check that the token or key is valid, not expired, and may read this repository"
            }
            Self::WrongAccess { .. } => "use a git-token with https, and a git-key with ssh",
            Self::KeyUnusable { .. } => "check that it is a private key, and that its passphrase is right",
            Self::HostKeyUnknown { .. } => {
                "compare the host's key with what its owner publishes, then pin it"
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
            Self::UnknownFormat { .. } => "use tar, tar.gz, tar.zst or zip",
            Self::InvalidPrefix { .. } => "give a relative folder, such as shop-1.2",
            Self::InvalidProxy { .. } => "write http://proxy.example.com:3128, or none",
            Self::InvalidHost { .. } => "write it like git.example.com, or git.example.com:8443",
            Self::NoAuthority { .. } => "name a file with lines like -----BEGIN CERTIFICATE-----",
            Self::InTheWay { .. } => "move it away, or choose another folder",
            Self::CheckoutBusy { .. } => "wait until it has ended",
            Self::UnknownCheckout { .. } => "choose a new folder, or empty this one",
            Self::Shallow { .. } => "fetch the whole repository",
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
}
