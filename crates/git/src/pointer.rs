//! A pointer of Git LFS: the short text that a commit has in the place of a large file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A pointer is shorter than this many bytes, by the specification.
pub(crate) const LONGEST: u64 = 1024;

/// The version that is written today, and the one that was written before the name was Git LFS.
const VERSIONS: [&str; 2] = ["https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"];

/// Which object a file is, and how long it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pointer {
    oid: String,
    size: u64,
}

impl Pointer {
    /// Reads the text of a whole file; nothing when that is no pointer. A pointer with extensions is none: these are
    /// programs that the object would have to go through.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() as u64 >= LONGEST || !text.starts_with(b"version ") {
            return None;
        }
        let mut lines = str::from_utf8(text).ok()?.lines();
        let version = lines.next()?.strip_prefix("version ")?;
        let oid = lines.next()?.strip_prefix("oid sha256:")?;
        let size = lines.next()?.strip_prefix("size ")?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_pointer = VERSIONS.contains(&version)
            && oid.len() == 64
            && oid.bytes().all(is_hex)
            && size.bytes().all(|byte| byte.is_ascii_digit())
            && lines.next().is_none();
        let size = size.parse().ok().filter(|_| is_pointer)?;
        Some(Self { oid: oid.to_owned(), size })
    }

    /// The SHA-256 of the object, in hexadecimal digits.
    pub(crate) fn oid(&self) -> &str {
        &self.oid
    }

    /// The length of the object, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Where the object lies in a store, as `git-lfs` lays it down.
    pub(crate) fn object(&self, store: &Path) -> PathBuf {
        let digits = |at: std::ops::Range<usize>| self.oid.get(at).unwrap_or_default();
        store.join("objects").join(digits(0..2)).join(digits(2..4)).join(&self.oid)
    }
}

impl fmt::Display for Pointer {
    /// The text of the pointer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, _] = VERSIONS;
        write!(f, "version {version}\noid sha256:{}\nsize {}\n", self.oid, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_comes_back() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
        let pointer = Pointer::parse(text.as_bytes()).unwrap();
        assert_eq!((pointer.oid(), pointer.size(), pointer.to_string()), (oid, 12345, text.clone()));
        assert_eq!(pointer.object(Path::new("/lfs")), Path::new("/lfs/objects/4d/7a").join(oid));
        for same in [text.replace('\n', "\r\n"), text.trim_end().into(), text.replace("git-lfs", "hawser")] {
            assert_eq!(Pointer::parse(same.as_bytes()), Some(pointer.clone()), "{same}");
        }
    }

    #[test]
    fn other_texts_are_no_pointers() {
        let oid = "0".repeat(64);
        let head = "version https://git-lfs.github.com/spec/v1\n";
        for text in [
            String::new(),
            head.into(),
            format!("oid sha256:{oid}\nsize 1\n"),
            format!("version https://example.com/v1\noid sha256:{oid}\nsize 1\n"),
            format!("{head}oid sha256:{}\nsize 1\n", "0".repeat(63)),
            format!("{head}oid sha256:../../../../etc/passwd\nsize 1\n"),
            format!("{head}oid sha256:{}\nsize 1\n", "A".repeat(64)),
            format!("{head}oid sha256:{oid}\nsize\n"),
            format!("{head}oid sha256:{oid}\nsize +1\n"),
            format!("{head}oid sha256:{oid}\nsize -1\n"),
            format!("{head}oid sha256:{oid}\nsize 99999999999999999999\n"),
            format!("{head}oid sha256:{oid}\nsize 1\nmore 2\n"),
            format!("{head}ext-0-foo sha256:{oid}\noid sha256:{oid}\nsize 1\n"),
            format!("{head}oid sha256:{oid}\nsize 1\n{}", "\n".repeat(1000)),
        ] {
            assert_eq!(Pointer::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Pointer::parse(b"version \xff"), None);
    }
}
