//! The manifest: what an artifact holds, entry by entry, and what a server must find when it has unpacked it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use model::TreePath;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Failure;

/// What an artifact holds, by path. Paths are bytes: git and file systems do not promise UTF-8.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The entries, parents before what is in them.
    pub entries: BTreeMap<Vec<u8>, Entry>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A folder, 0755.
    Dir,
    /// A file.
    File {
        /// 0755 instead of 0644.
        executable: bool,
        /// Its length, in bytes.
        size: u64,
        /// SHA-256 of its bytes, in hexadecimal digits.
        sha256: String,
        /// Its time, in seconds since 1970.
        mtime: i64,
    },
    /// A symbolic link; it is never followed.
    Link {
        /// Its text, in hexadecimal digits where it is not UTF-8.
        target: Text,
    },
}

/// Bytes that are nearly always text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// UTF-8.
    Text(String),
    /// Anything else, in hexadecimal digits.
    Hex(String),
}

impl Text {
    /// These bytes.
    pub fn new(bytes: &[u8]) -> Self {
        String::from_utf8(bytes.to_vec()).map_or_else(|_| Self::Hex(hex::encode(bytes)), Self::Text)
    }

    /// The bytes again.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex(digits) => hex::decode(digits).unwrap_or_default(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    path: Text,
    #[serde(flatten)]
    entry: Entry,
}

impl Manifest {
    /// Its lines of JSON, in order.
    pub fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        for (path, entry) in &self.entries {
            let line = Line { path: Text::new(path), entry: entry.clone() };
            serde_json::to_writer(&mut to, &line)?;
            to.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what [`write`](Self::write) wrote.
    pub fn read(from: impl BufRead) -> std::io::Result<Self> {
        let mut entries = BTreeMap::new();
        for line in from.lines() {
            let line: Line = serde_json::from_str(&line?)?;
            entries.insert(line.path.bytes(), line.entry);
        }
        Ok(Self { entries })
    }

    /// SHA-256 of its lines: the artifact's address.
    pub fn hash(&self) -> String {
        let mut hash = Vec::new();
        // Writing into memory cannot fail.
        let _ = self.write(&mut hash);
        hex::encode(Sha256::digest(&hash))
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.entries.values().map(|entry| if let Entry::File { size, .. } = entry { *size } else { 0 }).sum()
    }

    /// What a server must find in a release of this artifact with these links into `shared/`.
    pub fn expected(&self, linked: &[TreePath]) -> Result<Expected, Failure> {
        let mut expected = Expected::default();
        for (path, entry) in &self.entries {
            if !linked.iter().any(|link| within(path, link.as_str().as_bytes())) {
                expected.add(path, entry);
            }
        }
        for link in linked {
            self.can_link(link)?;
            let target = shared_target(link);
            expected.add(link.as_str().as_bytes(), &Entry::Link { target: Text::Text(target) });
        }
        Ok(expected)
    }

    /// A link into `shared/` must not lead through something that is not a folder.
    fn can_link(&self, link: &TreePath) -> Result<(), Failure> {
        let path = Path::new(link.as_str());
        for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            let found = self.entries.get(parent.as_os_str().as_bytes());
            if found.is_some_and(|entry| *entry != Entry::Dir) {
                let message =
                    format!("{link} cannot be linked: {} is not a folder in this commit", parent.display());
                return Err(Failure::new(message)
                    .hint("take it out of linked_files and linked_dirs, or mend the repository"));
            }
        }
        Ok(())
    }
}

/// Whether `path` is `folder` or below it.
pub fn within(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
}

/// The folders in which these paths are.
pub fn ancestors<'p>(paths: impl Iterator<Item = &'p Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let mut folders = BTreeSet::new();
    for path in paths {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for folder in ends.rev().filter_map(|end| path.get(..end)) {
            if folders.contains(folder) {
                break;
            }
            folders.insert(folder.to_vec());
        }
    }
    folders
}

/// The text of the link at `link` in `releases/NAME`: relative, so that a moved or mounted folder still works.
pub fn shared_target(link: &TreePath) -> String {
    let up = "../".repeat(1 + link.as_str().split('/').count());
    format!("{up}shared/{link}")
}

/// Whose the files are that a login user makes on a server: user and group by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Owner {
    /// The user's number.
    pub user: u32,
    /// The group's number; that of the folder, where new files take it over.
    pub group: u32,
}

impl std::str::FromStr for Owner {
    type Err = std::num::ParseIntError;

    /// Reads what `stat -c '%u %g'` prints.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (user, group) = text.trim().split_once(' ').unwrap_or((text, ""));
        Ok(Self { user: user.parse()?, group: group.parse()? })
    }
}

/// The files of the folder `manifest/` that travels with a release: names for `xargs -0`, and what `stat` prints
/// for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Names of folders, each ended by NUL.
    pub dirs: Vec<u8>,
    /// Names of links.
    pub links: Vec<u8>,
    /// Names of files.
    pub files: Vec<u8>,
    lines: [Vec<Vec<u8>>; 3],
}

impl Expected {
    fn add(&mut self, path: &[u8], entry: &Entry) {
        let name = [b"./", path].concat();
        let (names, lines, line) = match entry {
            Entry::Dir => (&mut self.dirs, 0, format!("{:x} ", 0o040_755)),
            Entry::Link { target } => {
                (&mut self.links, 1, format!("{:x} {} ", 0o120_777, target.bytes().len()))
            }
            Entry::File { executable, size, mtime, .. } => {
                let mode = if *executable { 0o100_755 } else { 0o100_644 };
                (&mut self.files, 2, format!("{mode:x} {size} {mtime} "))
            }
        };
        names.extend_from_slice(&name);
        names.push(0);
        if let Some(lines) = self.lines.get_mut(lines) {
            lines.push([line.as_bytes(), &name].concat());
        }
    }

    /// What `stat` prints for all names, when everything belongs to `owner`: folders, links, files. Its last line says
    /// that nothing is missing; the seal of a release that nothing changed is this very listing.
    pub fn listing(&self, owner: Owner) -> Vec<u8> {
        let Owner { user, group } = owner;
        let prefix = format!("{user} {group} ");
        let mut listing = Vec::new();
        for line in self.lines.iter().flatten() {
            listing.extend_from_slice(prefix.as_bytes());
            listing.extend_from_slice(line);
            listing.push(b'\n');
        }
        listing.extend_from_slice(b"whole\n");
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let file = |size| Entry::File { executable: false, size, sha256: "00".into(), mtime: 1 };
        let mut entries = BTreeMap::new();
        entries.insert(b"storage".to_vec(), Entry::Dir);
        entries.insert(b"storage/seed".to_vec(), file(3));
        entries.insert(b"storage2".to_vec(), file(0));
        entries.insert(b"a\nb\xff".to_vec(), Entry::Link { target: Text::new(b"\xfe") });
        Manifest { entries }
    }

    #[test]
    fn it_survives_its_own_file() {
        let mut file = Vec::new();
        manifest().write(&mut file).unwrap();
        assert_eq!(Manifest::read(file.as_slice()).unwrap(), manifest());
    }

    #[test]
    fn linked_paths_take_the_place_of_what_is_packed() {
        let expected =
            manifest().expected(&["storage".parse().unwrap(), "var/.env".parse().unwrap()]).unwrap();
        assert_eq!(expected.dirs, b"");
        assert_eq!(expected.links, b"./a\nb\xff\0./storage\0./var/.env\0");
        assert_eq!(expected.files, b"./storage2\0");
        assert!(
            expected
                .listing(Owner { user: 7, group: 8 })
                .ends_with(b"7 8 a1ff 24 ./var/.env\n7 8 81a4 0 1 ./storage2\nwhole\n")
        );
        let through = manifest().expected(&["storage2/x".parse().unwrap()]).unwrap_err();
        assert!(through.message.contains("storage2 is not a folder"), "{}", through.message);
    }
}
