//! Who holds the lock of a server, read from its text `INSTALLATION:RELEASE:EPOCH`, and what that means for others.

use model::{DeployPath, ReleaseId};

use crate::error::Failure;

/// The number that stands for the release in the lock of an adoption: there is no release 0.
const ADOPTION: i64 = 0;

/// The text of the lock of adoption number `number` of `installation`.
pub fn adoption(installation: &str, number: i64) -> String {
    format!("{installation}:{ADOPTION}:{number}")
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A release of this installation.
    Release(ReleaseId),
    /// An adoption of this installation. Nobody waits for it: what it does is done once more, or for nothing.
    Adoption,
    /// Another installation, or who knows what; empty for the latter.
    Stranger(String),
}

impl Holder {
    /// Who `text` names, seen from `installation`.
    pub fn read(text: &str, installation: &str) -> Self {
        let mut parts = text.split(':');
        let (who, release) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match release.parse() {
            Ok(ADOPTION) if who == installation => Self::Adoption,
            Ok(number) if who == installation => Self::Release(ReleaseId(number)),
            _ => Self::Stranger(who.to_owned()),
        }
    }

    /// The number that the driver needs in order to take the lock over; `None` where that must not be done. `has_ended` says
    /// of a release of ours that it has ended.
    pub fn may_be_taken(&self, has_ended: bool) -> Option<String> {
        match self {
            Self::Adoption => Some(ADOPTION.to_string()),
            Self::Release(id) if has_ended => Some(id.to_string()),
            Self::Release(_) | Self::Stranger(_) => None,
        }
    }

    /// Why the folder `root` cannot be worked in.
    pub fn refusal(&self, root: &DeployPath) -> Failure {
        match self {
            Self::Release(number) => {
                Failure::new(format!("{root} is locked by release {number}, which has not ended"))
                    .hint(format!("wait for it, or stop it: aweigh cancel {number}"))
            }
            Self::Adoption => {
                Failure::new(format!("{root} is locked by an adoption")).hint("try again in a moment")
            }
            Self::Stranger(who) => {
                let who = if who.is_empty() {
                    "something else".to_owned()
                } else {
                    format!("another Aweigh ({who})")
                };
                Failure::new(format!("{root} is locked by {who}"))
                    .hint(format!("if that one is gone for good, remove {root}/.aweigh/lock on the server"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_ended_and_adoptions_of_ours_are_taken_from() {
        for (text, holder, running, ended) in [
            ("here:42:1", Holder::Release(ReleaseId(42)), None, Some("42")),
            ("here:0:7", Holder::Adoption, Some("0"), Some("0")),
            ("there:42:1", Holder::Stranger("there".into()), None, None),
            ("there:0:1", Holder::Stranger("there".into()), None, None),
            ("", Holder::Stranger(String::new()), None, None),
            ("here:x:1", Holder::Stranger("here".into()), None, None),
        ] {
            let read = Holder::read(text, "here");
            assert_eq!(read, holder, "{text}");
            let taken = [false, true].map(|has_ended| read.may_be_taken(has_ended));
            assert_eq!(taken, [running, ended].map(|number| number.map(str::to_owned)), "{text}");
        }
        assert_eq!(Holder::read(&adoption("here", 3), "here"), Holder::Adoption);
    }
}
