//! A git repository: a bare mirror of a remote one, its refs and commits, and the tree of a commit, by the `git` program.
//!
//! Nothing that comes from a person or from a repository is trusted: addresses and ref names are parsed into types
//! before `git` sees them, `git` runs with an environment and a configuration of its own, and nothing in a repository
//! is executed. Dropping a future of this crate kills every process that it started.

mod access;
mod answers;
mod archive;
mod checkout;
mod classify;
mod closest;
mod command;
mod commit_id;
mod content;
mod default_branch;
mod diff;
mod error;
mod export;
mod fetch;
mod fields;
mod hint;
mod lfs;
mod listing;
mod lock;
mod mirror;
mod place;
mod plain;
mod pointer;
mod policy;
mod question;
mod ref_name;
mod repository;
mod resolve;
mod running;
mod settings;
mod shallow;
mod state;
mod submodule;
mod tidy;
mod tree;
mod unpack;
mod url;
mod way;
mod whole;
pub use access::Access;
pub use answers::Answers;
pub use archive::{ArchiveFormat, Prefix};
pub use checkout::{CheckoutFolder, StagedCheckout, Switched};
pub use commit_id::CommitId;
pub use diff::{Diff, FileDiff, LineCounts, Patch};
pub use error::Error;
pub use listing::{Branch, Change, Commit, Tag};
pub use policy::{Policy, Protocol};
pub use ref_name::RefName;
pub use repository::GitRepository;
pub use resolve::{RefKind, Resolved};
pub use tree::{ExportStats, TreeItem};
pub use url::Url;
pub use way::{CaFile, HttpHost, Proxy, Way};
pub use whole::Besides;

/// The SSH host keys that the large git hosts publish, as lines of a `known_hosts` file; see [`Access::Key`].
pub const PUBLISHED_HOST_KEYS: &str = include_str!("published_host_keys");
