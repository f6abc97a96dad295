//! Servers: a named machine, how it is reached, and the labels by which it is chosen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Name, Variables};

/// Labels of a server; a key may have several values (`role = ["web", "db"]`).
pub type Labels = BTreeMap<Name, BTreeSet<String>>;

/// One machine that releases go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Unique in the installation.
    pub name: Name,
    /// How it is reached.
    pub address: Address,
    /// What it is chosen by.
    pub labels: Labels,
    /// Its variables, over those of the environments that run there.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub variables: Variables,
    /// The groups that it is in, as of the moment when it was read. It is written without them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<Name>,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// The machine Aweigh itself runs on, without SSH.
    Local,
    /// Another machine, over SSH.
    Ssh(SshAddress),
}

/// Where and as whom to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAddress {
    /// Host name or address.
    pub host: String,
    /// TCP port, usually 22.
    pub port: u16,
    /// Login name.
    pub user: String,
    /// The stored credential to log in with.
    pub credential: Name,
    /// Pinned host keys in the form `ssh-ed25519 AAAA…`, and authorities in that of `@cert-authority NAMES ssh-ed25519
    /// AAAA…`; without one nobody is trusted yet.
    pub host_keys: Vec<String>,
    /// The server to go through; none where Aweigh reaches this one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<Name>,
    /// Whether algorithms that are not safe any more are agreed to, where the server knows nothing better.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legacy_algorithms: bool,
}

/// How many servers a connection goes through at most.
pub const MOST_JUMPS: usize = 4;

impl Server {
    /// The values of the label `role`, which hooks see as `AWEIGH_ROLES`.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.labels
            .iter()
            .filter(|(key, _)| key.as_str() == "role")
            .flat_map(|(_, values)| values)
            .map(String::as_str)
    }

    /// The server to go through, where there is one.
    pub fn jump(&self) -> Option<&Name> {
        match &self.address {
            Address::Local => None,
            Address::Ssh(ssh) => ssh.jump.as_ref(),
        }
    }

    /// Where it is, for people: `deploy@10.0.0.11:22`, with the server to go through, or `this machine`.
    pub fn place(&self) -> String {
        match &self.address {
            Address::Local => "this machine".to_owned(),
            Address::Ssh(ssh) => ssh.place(),
        }
    }
}

impl SshAddress {
    /// Where it is, for people: `deploy@10.0.0.11:22`, with the server to go through.
    pub fn place(&self) -> String {
        let through = self.jump.as_ref().map(|jump| format!(" through {jump}")).unwrap_or_default();
        format!("{}@{}:{}{through}", self.user, self.host, self.port)
    }
}
