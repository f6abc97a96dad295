//! Ids: one type per kind of number or hash, so that none is passed for another.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The number of a release, from 1, unique in an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(pub i64);

/// Which ownership of a release this is. It grows by one whenever a process takes a release over, and fences
/// every journal write and every remote action of the owner before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A full git commit id: 40 or 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// A text that is not a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a full commit id")]
pub struct InvalidCommitId;

impl CommitId {
    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl FromStr for CommitId {
    type Err = InvalidCommitId;

    fn from_str(text: &str) -> Result<Self, InvalidCommitId> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && matches!(text.len(), 40 | 64) { Ok(Self(text.to_owned())) } else { Err(InvalidCommitId) }
    }
}

impl TryFrom<String> for CommitId {
    type Error = InvalidCommitId;

    fn try_from(text: String) -> Result<Self, InvalidCommitId> {
        text.parse()
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder of a release on every server: UTC time of planning and release number, `20261120T104512Z-42`.
///
/// Parsing it is how a name read from a server is believed to be ours; anything else there is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseName(String);

/// A text that is not the name of one of our release folders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a release folder")]
pub struct InvalidReleaseName;

impl ReleaseName {
    /// The name of release `id` planned at `at`.
    pub fn new(at: Timestamp, id: ReleaseId) -> Self {
        Self(format!("{}-{id}", at.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number at its end.
    pub fn release(&self) -> ReleaseId {
        ReleaseId(self.0.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or_default())
    }
}

impl FromStr for ReleaseName {
    type Err = InvalidReleaseName;

    fn from_str(text: &str) -> Result<Self, InvalidReleaseName> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (time, number) = text.split_once('-').ok_or(InvalidReleaseName)?;
        let (day, clock) = time.split_once('T').ok_or(InvalidReleaseName)?;
        let clock = clock.strip_suffix('Z').ok_or(InvalidReleaseName)?;
        let good = day.len() == 8 && clock.len() == 6 && number.len() <= 18;
        if good && digits(day) && digits(clock) && digits(number) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidReleaseName)
        }
    }
}

impl TryFrom<String> for ReleaseName {
    type Error = InvalidReleaseName;

    fn try_from(text: String) -> Result<Self, InvalidReleaseName> {
        text.parse()
    }
}

impl From<ReleaseName> for String {
    fn from(name: ReleaseName) -> Self {
        name.0
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_name_holds_time_and_number() {
        let at: Timestamp = "2026-11-20T10:45:12Z".parse().unwrap();
        let name = ReleaseName::new(at, ReleaseId(42));
        assert_eq!(name.as_str(), "20261120T104512Z-42");
        assert_eq!(name.as_str().parse::<ReleaseName>().unwrap().release(), ReleaseId(42));
        for foreign in
            ["20261120104512", "20261120T104512Z-", "../etc", "20261120T104512Z-4/2", "20261120T104512Z-x"]
        {
            assert!(foreign.parse::<ReleaseName>().is_err(), "{foreign:?}");
        }
    }

    #[test]
    fn only_full_commit_ids_count() {
        assert!("a".repeat(40).parse::<CommitId>().is_ok());
        assert!("a".repeat(64).parse::<CommitId>().is_ok());
        assert!("a".repeat(39).parse::<CommitId>().is_err());
        assert!("A".repeat(40).parse::<CommitId>().is_err());
    }
}
