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

/// What differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Diff {
    /// The full id of the commit before.
    pub from: String,
    /// The full id of the commit after.
    pub to: String,
    /// The files that differ.
    pub files: Vec<FileDiff>,
    /// Whether there are more than are listed.
    pub more: bool,
    /// The patch, when it was asked for: at most 1 MiB, whole lines. What is not UTF-8 in it is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Whether there is more of the patch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub patch_more: bool,
}

/// A file that differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileDiff {
    /// What happened to it.
    pub change: FileChange,
    /// Its path; of a deleted file the one that it had. It may have any character in it.
    pub path: String,
    /// Its path before, when it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How many lines came; absent for a binary file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    /// How many lines went; absent for a binary file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    /// It came.
    Added,
    /// It went.
    Deleted,
    /// Its bytes or its mode are others.
    Modified,
    /// It has another name.
    Renamed,
    /// It became a link, or was one.
    Retyped,
}

/// The time of a commit from its seconds since 1970; one that no calendar holds becomes 1970.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}
