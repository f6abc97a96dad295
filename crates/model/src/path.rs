//! Paths that cross to a server: where an environment lives, and names inside a released tree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Neither absolute nor below `~/`.
    #[error("must be absolute or begin with ~/")]
    Relative,
    /// `/`, `~/` or a folder directly below `/`: too much to own.
    #[error("must name a folder of its own, at least two levels below /, such as /srv/shop")]
    TooWide,
    /// It has `..`, an empty part or a control character.
    #[error("must not hold '..', '//' or control characters")]
    Unclean,
    /// An absolute path where a name inside the release was expected.
    #[error("must be a path inside the release, such as storage/logs")]
    NotInside,
    /// `REVISION` and the like.
    #[error("is written by Aweigh itself")]
    Reserved,
}

/// The folder of an environment on its servers: absolute, or `~/…` below the `$HOME` of the SSH session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeployPath(String);

/// Folders that belong to the system, whatever is below them.
const SYSTEM: [&str; 9] = ["/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/sbin", "/sys", "/usr"];

impl DeployPath {
    /// The path as it was written, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn clean_parts(path: &str) -> bool {
    path.split('/').all(|part| !part.is_empty() && part != ".." && part != ".")
        && !path.chars().any(char::is_control)
}

impl FromStr for DeployPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let (inside, least) = match (text.strip_prefix("~/"), text.strip_prefix('/')) {
            (Some(inside), _) => (inside, 1),
            (None, Some(inside)) => (inside, 2),
            (None, None) if text.is_empty() || text == "~" => return Err(InvalidPath::TooWide),
            (None, None) => return Err(InvalidPath::Relative),
        };
        if !clean_parts(inside) {
            return Err(InvalidPath::Unclean);
        }
        let system =
            SYSTEM.iter().any(|dir| text.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')));
        let local = text.starts_with("/usr/local/");
        if inside.split('/').count() < least || (system && !local) {
            return Err(InvalidPath::TooWide);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A path inside a released tree, `/`-separated and relative: `storage/logs`, `.env`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePath(String);

impl TreePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `self` is `other` or stands below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for TreePath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let text = text.strip_prefix("./").unwrap_or(text);
        if text.starts_with('/') || text.starts_with('~') || text.is_empty() {
            return Err(InvalidPath::NotInside);
        }
        if !clean_parts(text) {
            return Err(InvalidPath::Unclean);
        }
        if matches!(text, "REVISION" | "REVISION_TIME") {
            return Err(InvalidPath::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

macro_rules! text_conversions {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = InvalidPath;
            fn try_from(text: String) -> Result<Self, InvalidPath> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(path: $type) -> Self {
                path.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text_conversions!(DeployPath);
text_conversions!(TreePath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deploy_paths_are_narrow_and_clean() {
        for good in
            ["/srv/shop", "~/shop", "/srv/my shop", "/srv/$HOME", "/srv/it's", "/usr/local/shop", "/srv/-x"]
        {
            assert_eq!(good.parse::<DeployPath>().unwrap().as_str(), good);
        }
        assert_eq!("/srv/shop/".parse::<DeployPath>().unwrap().as_str(), "/srv/shop");
        for bad in [
            "",
            "/",
            "~",
            "~/",
            "~root/x",
            "srv/shop",
            "./x",
            "/srv",
            "/home",
            "/etc/x",
            "/srv/a/../..",
            "/srv//x",
            "/a/b\nc",
        ] {
            assert!(bad.parse::<DeployPath>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn tree_paths_stay_inside() {
        for good in [".env", "storage/logs", "a b/c"] {
            assert_eq!(good.parse::<TreePath>().unwrap().as_str(), good);
        }
        for bad in ["", "/etc/passwd", "../x", "a/../b", "~/x", "a\nb", "REVISION"] {
            assert!(bad.parse::<TreePath>().is_err(), "{bad:?} must be refused");
        }
        let storage: TreePath = "storage".parse().unwrap();
        assert!("storage/a".parse::<TreePath>().unwrap().is_within(&storage));
        assert!(!"storage2".parse::<TreePath>().unwrap().is_within(&storage));
    }
}
