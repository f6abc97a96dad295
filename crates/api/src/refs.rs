//! Branches, tags and commits as they are shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of ref is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefKind {
    /// Branches.
    Branch,
    /// Tags.
    Tag,
    /// Commits.
    Commit,
}

/// A branch, a tag or a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ref {
    /// What it is.
    pub kind: RefKind,
    /// The branch's or tag's name; a commit's full id.
    pub name: String,
    /// The full id of the commit.
    pub commit: String,
    /// Its first seven digits.
    pub short: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// The first line of its message.
    pub summary: String,
}

/// What a release would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The full id of the commit that is live; absent before the first good release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The full id of the commit that would be live.
    pub to: String,
    /// Commits that would come, newest first, at most 200.
    pub commits: Vec<Ref>,
    /// Commits that would go, newest first, at most 200.
    pub undone: Vec<Ref>,
    /// Whether there are more than are listed.
    pub more: bool,
}

/// The time of a commit from its seconds since 1970; one that no calendar holds becomes 1970.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}
