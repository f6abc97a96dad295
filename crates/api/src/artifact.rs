//! Artifacts as they are shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A packed tree that was made from a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArtifactView {
    /// SHA-256 of its manifest.
    pub hash: String,
    /// The commit it was made from.
    pub commit: String,
    /// How many entries.
    pub files: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its files are kept: it can be released again.
    pub kept: bool,
}
