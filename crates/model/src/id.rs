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

/// A full git commit id: 40 or 64 lower-case hexadecimal digits. Only zeros is no commit, as in git itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// A text that is not a full commit id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a full commit id")]
pub struct InvalidCommitId;

impl CommitId {
    /// The commit of a release of which nobody knows the commit: another tool made it, and left no word. It is what git
    /// writes where there is none.
    pub fn unknown() -> Self {
        Self("0".repeat(40))
    }

    /// Whether it names a commit at all.
    pub fn is_known(&self) -> bool {
        self.0.bytes().any(|digit| digit != b'0')
    }

    /// It, where it names a commit.
    pub fn known(&self) -> Option<&Self> {
        self.is_known().then_some(self)
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, for people.
    pub fn short(&self) -> &str {
        if self.is_known() { self.0.get(..7).unwrap_or(&self.0) } else { "unknown" }
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

/// The folder of a release on a server: UTC time of planning and release number, `20261120T104512Z-42`; of a release that
/// another tool made and Aweigh adopted, the name that it had then.
///
/// Parsing it is how a name read from a server becomes something that is spoken of; what it cannot be is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseName(String);

/// The longest name of a release folder, in bytes: with what is put behind it, a file system can still hold it.
const LONGEST_NAME: usize = 200;

/// A text that is not the name of a release folder.
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

    /// The number at the end of a name that Aweigh gave; `None` for one that another tool did.
    pub fn release(&self) -> Option<ReleaseId> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (time, number) = self.0.split_once('-')?;
        let (day, clock) = time.split_once('T')?;
        let clock = clock.strip_suffix('Z')?;
        let ours = day.len() == 8 && clock.len() == 6 && number.len() <= 18;
        (ours && digits(day) && digits(clock) && digits(number)).then_some(())?;
        number.parse().ok().map(ReleaseId)
    }
}

impl FromStr for ReleaseName {
    type Err = InvalidReleaseName;

    fn from_str(text: &str) -> Result<Self, InvalidReleaseName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        // A dot or a dash in front means something else to shells and tools.
        let starts = text.bytes().next().is_some_and(|byte| byte != b'.' && byte != b'-');
        if starts && text.len() <= LONGEST_NAME && text.bytes().all(plain) {
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
        assert_eq!(name.as_str().parse::<ReleaseName>().unwrap().release(), Some(ReleaseId(42)));
    }

    #[test]
    fn a_name_that_another_tool_gave_has_no_number_of_ours() {
        for foreign in [
            "20261120104512",
            "12",
            "shop-7",
            "3_12_20261120_104512",
            "20261120T104512Z-",
            "20261120T104512Z-x",
        ] {
            assert_eq!(foreign.parse::<ReleaseName>().unwrap().release(), None, "{foreign:?}");
        }
        let long = "1".repeat(201);
        let wrong = [
            "",
            ".",
            "..",
            "../etc",
            ".12",
            "-12",
            "1 2",
            "1\n2",
            "1/2",
            "20261120T104512Z-4/2",
            "caf\u{e9}",
            &long,
        ];
        for wrong in wrong {
            assert!(wrong.parse::<ReleaseName>().is_err(), "{wrong:?}");
        }
        assert!("1".repeat(200).parse::<ReleaseName>().is_ok());
    }

    #[test]
    fn only_full_commit_ids_count() {
        assert!("a".repeat(40).parse::<CommitId>().is_ok());
        assert!("a".repeat(64).parse::<CommitId>().is_ok());
        assert!("a".repeat(39).parse::<CommitId>().is_err());
        assert!("A".repeat(40).parse::<CommitId>().is_err());
        assert!("a".repeat(40).parse::<CommitId>().unwrap().is_known());
        assert_eq!((CommitId::unknown().known(), CommitId::unknown().short()), (None, "unknown"));
        assert_eq!(CommitId::unknown().as_str().parse(), Ok(CommitId::unknown()));
    }
}
