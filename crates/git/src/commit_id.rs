//! The id of a commit: the only thing that is built, exported or compared once a ref has been resolved.

use std::{fmt, str::FromStr};

use crate::{Error, plain::plain};

/// A full commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    /// Parses a full id.
    ///
    /// # Errors
    /// [`Error::InvalidCommitId`] for anything but 40 or 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fits = [40, 64].contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if fits { Ok(Self(text.into())) } else { Err(Error::InvalidCommitId { shown: plain(text, 80) }) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CommitId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_lower_case_ids_are_accepted() {
        assert!(CommitId::parse(&"a1".repeat(20)).is_ok());
        assert!(CommitId::parse(&"a1".repeat(32)).is_ok());
        for text in ["", "abc", "HEAD", &"A1".repeat(20), &"g1".repeat(20), &"a1".repeat(21), "--output=x"] {
            assert!(CommitId::parse(text).is_err(), "{text} was accepted");
        }
    }
}
