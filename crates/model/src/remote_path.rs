//! The path of a file or a folder on a server, as people name it in work beside releases.

use std::fmt;
use std::str::FromStr;

/// A path on a server: one line, absolute, or from the home folder (`~/x`, for which `x` may be written). It names a thing itself,
/// not a folder to put it into, and leads there straight: it goes up nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemotePath(String);

/// Why a text is no such path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRemotePath {
    /// Nothing was said.
    #[error("is missing")]
    Empty,
    /// It has line breaks or the like.
    #[error("must be one line without control characters")]
    Unclean,
    /// It names no single thing.
    #[error("must name a file or a folder itself: not /, ~ or a path that ends in . or ..")]
    NoName,
    /// It leads up again.
    #[error("must not hold ..: write the path that it leads to")]
    Up,
}

impl RemotePath {
    /// The path as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last word.
    pub fn last(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Whether a folder that takes its place would take very much with it: `/etc`, `/home`.
    pub fn is_wide(&self) -> bool {
        self.0.strip_prefix('/').is_some_and(|rest| !rest.contains('/'))
    }
}

impl FromStr for RemotePath {
    type Err = InvalidRemotePath;

    fn from_str(text: &str) -> Result<Self, InvalidRemotePath> {
        if text.is_empty() {
            return Err(InvalidRemotePath::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidRemotePath::Unclean);
        }
        let is_absolute = text.starts_with('/');
        let mut parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        if let None | Some(&("." | "..")) = parts.last() {
            return Err(InvalidRemotePath::NoName);
        }
        // Where .. leads to depends on what is a link there; from the home folder it leads out of that.
        if parts.contains(&"..") {
            return Err(InvalidRemotePath::Up);
        }
        if !is_absolute && parts.first() == Some(&"~") {
            parts.remove(0);
        }
        parts.retain(|part| *part != ".");
        if parts.is_empty() {
            return Err(InvalidRemotePath::NoName);
        }
        Ok(Self([if is_absolute { "/" } else { "~/" }, &parts.join("/")].concat()))
    }
}

impl fmt::Display for RemotePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_thing() {
        for (text, last, is_wide) in [
            ("/srv/app/", "app", false),
            ("app.conf", "app.conf", false),
            ("~/x y", "x y", false),
            ("/etc", "etc", true),
            ("//etc//", "etc", true),
            ("/./etc", "etc", true),
            ("/etc/nginx", "nginx", false),
            ("-rf", "-rf", false),
        ] {
            let path: RemotePath = text.parse().unwrap();
            assert_eq!((path.last(), path.is_wide()), (last, is_wide), "{text}");
            assert!(path.as_str().starts_with(['/', '~']), "{path}");
        }
        for (text, path) in [
            ("app.conf", "~/app.conf"),
            ("./app/./x", "~/app/x"),
            ("~//x/", "~/x"),
            ("/srv//app/", "/srv/app"),
            ("..x/...", "~/..x/..."),
            ("/~/x", "/~/x"),
            ("./~", "~/~"),
        ] {
            assert_eq!(text.parse::<RemotePath>().unwrap().as_str(), path, "{text}");
        }
        let told = |text: &str| text.parse::<RemotePath>().unwrap_err();
        for bad in ["/", "//", "~", "~/", ".", "..", "/srv/..", "a/./", "~/."] {
            assert_eq!(told(bad), InvalidRemotePath::NoName, "{bad:?}");
        }
        for bad in ["../etc", "~/../etc", "/srv/../etc", "a/../b"] {
            assert_eq!(told(bad), InvalidRemotePath::Up, "{bad:?}");
        }
        assert_eq!(told(""), InvalidRemotePath::Empty);
        for bad in ["a\nb", "a\0"] {
            assert_eq!(told(bad), InvalidRemotePath::Unclean, "{bad:?}");
        }
    }
}
