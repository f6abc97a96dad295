//! What the operator allows git to do: protocols, time and size, and the ways to hosts.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use crate::{
    Error,
    way::{HttpHost, Way},
};

/// A way to reach a repository. No other transport of git is ever used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP over TLS.
    Https,
    /// Plain HTTP, for closed networks and tests.
    Http,
    /// SSH, written as `ssh://…` or `user@host:path`.
    Ssh,
    /// A repository on this machine, written as `file://…` or as an absolute path.
    File,
}

impl Protocol {
    /// The name in an address, in [`Policy::allow_protocols`] and in git's own settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }

    /// Tells whether a user name and a token open a repository over this protocol.
    pub(crate) fn takes_token(self) -> bool {
        matches!(self, Self::Https | Self::Http)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        [Self::Https, Self::Http, Self::Ssh, Self::File]
            .into_iter()
            .find(|protocol| protocol.name() == name)
            .ok_or_else(|| Error::ProtocolNotAllowed { protocol: crate::plain::plain(name, 40) })
    }
}

/// What the operator allows git to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The program to run: a name looked up in `PATH`, or a path.
    pub program: PathBuf,
    /// Names of the [protocols](Protocol) that may be used.
    pub allow_protocols: Vec<String>,
    /// A fetch in which nothing moves for this long is given up.
    pub idle_timeout: Duration,
    /// Any single run of git is given up after this long, and so is waiting for the mirror's lock.
    pub total_timeout: Duration,
    /// Bytes that one fetch may add to the mirror, and that one exported tree may have.
    pub max_bytes: u64,
    /// Files, links and directories that one exported tree may have.
    pub max_files: u64,
    /// How hosts are reached over HTTP.
    pub way: Way,
    /// How single hosts are reached, where that is different.
    pub ways: BTreeMap<HttpHost, Way>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            program: PathBuf::from("git"),
            allow_protocols: vec!["https".into(), "ssh".into()],
            idle_timeout: Duration::from_mins(2),
            total_timeout: Duration::from_hours(1),
            max_bytes: 5 << 30,
            max_files: 1_000_000,
            way: Way::default(),
            ways: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// Tells whether a protocol may be used, as an error when it may not.
    pub(crate) fn check(&self, protocol: Protocol) -> Result<(), Error> {
        if self.allow_protocols.iter().any(|allowed| allowed == protocol.name()) {
            return Ok(());
        }
        Err(Error::ProtocolNotAllowed { protocol: protocol.name().into() })
    }

    /// The allowed protocols as types. A name that is none of ours is refused: it would open a transport of git, such
    /// as `ext`, that runs commands.
    pub(crate) fn protocols(&self) -> Result<Vec<Protocol>, Error> {
        self.allow_protocols.iter().map(|name| name.parse()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_cannot_open_a_transport_that_runs_commands() {
        let policy = Policy { allow_protocols: vec!["https".into(), "ext".into()], ..Policy::default() };
        let refused = policy.protocols().unwrap_err();
        assert_eq!(refused.to_string(), "protocol ext is not allowed");
        assert!(Policy::default().protocols().is_ok());
    }
}
