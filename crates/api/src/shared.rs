//! What the servers of an environment have in `shared/`, and bringing it there and back.

use jiff::Timestamp;
use model::{Name, Selector, TreePath};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::adhoc::{at_once, selector};
use crate::{FieldError, FieldErrors, Trouble};

/// What one server has in `shared/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedServer {
    /// The server.
    #[schema(value_type = String)]
    pub server: Name,
    /// What lies under each name of `linked_files` and `linked_dirs`.
    pub things: Vec<SharedRow>,
    /// Why that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Trouble>,
}

/// What lies under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedRow {
    /// Its name in a release.
    pub name: String,
    /// What it is.
    pub kind: SharedKind,
    /// The bits of its mode, in octal: `640`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// How large a file is, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was changed last, by the clock of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
    /// The SHA-256 of a file, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// What something in `shared/` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SharedKind {
    /// Nothing lies there.
    Missing,
    /// A file, or a link to one.
    File,
    /// A folder, or a link to one.
    Folder,
    /// Neither, or a link that leads nowhere.
    Other,
}

impl SharedKind {
    /// The word on the wire and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::File => "file",
            Self::Folder => "folder",
            Self::Other => "other",
        }
    }
}

/// What is asked for when a linked file or folder is brought from servers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedGetRequest {
    /// Its name in a release: one of `linked_files`, or in one of `linked_dirs`.
    pub name: String,
    /// Selector of servers of the environment; all of them when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<String>,
    /// From how many servers at once; 100 when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The parameters of it, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedTransfer {
    /// Its name in a release.
    pub name: TreePath,
    /// Which servers; all of the environment when nothing is said.
    pub servers: Option<Selector>,
    /// How many servers at once.
    pub at_once: usize,
}

impl SharedTransfer {
    /// Reads the parameters, or everything that is wrong with them.
    pub fn read(name: &str, servers: Option<&str>, limit: Option<u32>) -> Result<Self, Vec<FieldError>> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", name.parse::<TreePath>());
        let servers = errors.take("servers", servers.map(selector).transpose());
        let at_once = errors.take("limit", at_once(limit));
        let whole = name.zip(servers).zip(at_once);
        errors.finish(whole.map(|((name, servers), at_once)| Self { name, servers, at_once }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let read = SharedTransfer::read("storage/logs", Some("role=web"), None).unwrap();
        assert_eq!((read.name.as_str(), read.at_once), ("storage/logs", 100));
        for bad in ["", "/etc/passwd", "../x", "a//b", "~/x", "a\nb", "REVISION"] {
            let errors = SharedTransfer::read(bad, Some(""), Some(0)).unwrap_err();
            let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, ["name", "servers", "limit"], "{bad:?}");
        }
    }
}
