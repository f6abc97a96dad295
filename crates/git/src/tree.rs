//! The tree of a commit, entry by entry, from the tar stream of `git archive`. Whatever stands in it is checked here:
//! names stay inside, nothing stands below a link, nothing comes twice.

use std::collections::HashMap;
use std::io::{self, Read};

use tar::{Archive, EntryType};

use crate::{
    Error, Policy,
    plain::plain,
    pointer::{self, Pointer},
};

/// One entry of a tree.
pub enum TreeItem<'i> {
    /// A folder. It comes before what is in it.
    Folder,
    /// A symbolic link, and its text.
    Link {
        /// The text.
        target: &'i [u8],
    },
    /// A file.
    File {
        /// Whether it may be executed.
        executable: bool,
        /// Its length, in bytes.
        size: u64,
        /// Its bytes.
        bytes: &'i mut dyn Read,
    },
}

impl std::fmt::Debug for TreeItem<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder => out.write_str("Folder"),
            Self::Link { target } => write!(out, "Link({})", String::from_utf8_lossy(target)),
            Self::File { size, .. } => write!(out, "File({size} bytes)"),
        }
    }
}

/// What is in a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportStats {
    /// Regular files.
    pub files: u64,
    /// Symbolic links.
    pub links: u64,
    /// Folders below the one that was named.
    pub folders: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Files that are pointers of Git LFS, and not what these stand for.
    pub pointers: u64,
    /// Whether there is a `.gitmodules`, which only a commit with submodules has.
    pub names_submodules: bool,
}

/// A file of a tree that is a pointer of Git LFS.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its path in the tree.
    pub(crate) path: Vec<u8>,
    pub(crate) pointer: Pointer,
}

/// What a walk through a tree has seen.
#[derive(Debug)]
pub(crate) struct Walked {
    /// Of this tree, and of what was counted before it.
    pub(crate) stats: ExportStats,
    pub(crate) pointers: Vec<Found>,
}

impl ExportStats {
    fn count(&mut self, item: &TreeItem<'_>) {
        match item {
            TreeItem::Folder => self.folders += 1,
            TreeItem::Link { .. } => self.links += 1,
            TreeItem::File { size, .. } => {
                self.files += 1;
                self.bytes += size;
            }
        }
    }

    /// Tells whether a policy allows as much, as an error when it does not.
    pub(crate) fn check(&self, policy: &Policy) -> Result<(), Error> {
        let too_large =
            |limit, unit, setting| Err(Error::TooLarge { what: "the tree", limit, unit, setting });
        if self.files + self.links + self.folders > policy.max_files {
            return too_large(policy.max_files, "entries", "repository_files");
        }
        if self.bytes > policy.max_bytes {
            return too_large(policy.max_bytes, "bytes", "repository_size");
        }
        Ok(())
    }
}

/// How long all paths together may be, in bytes: they are in memory, and trees that share trees make many of few bytes.
const ALL_NAMES: u64 = 256 * 1024 * 1024;

/// Gives every entry with its path and its time, in seconds since 1970, to `take`. `before` was counted already and
/// counts for the limits of the policy. `broken` words what is wrong with the stream itself. Blocks.
pub(crate) fn walk(
    tar: impl Read,
    policy: &Policy,
    before: ExportStats,
    broken: impl Fn(io::Error) -> Error,
    mut take: impl FnMut(&[u8], u64, TreeItem<'_>) -> Result<(), Error>,
) -> Result<Walked, Error> {
    let mut archive = Archive::new(tar);
    let mut walked = Walked { stats: before, pointers: Vec::new() };
    let mut small = Vec::new();
    // What has come, and whether it is a folder. Invariant: what is in a folder comes after it. So a link can never be
    // a part of a path.
    let mut come: HashMap<Vec<u8>, bool> = HashMap::new();
    let mut names = 0;
    for entry in archive.entries().map_err(&broken)? {
        let mut entry = entry.map_err(&broken)?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        let path = inside(&name)?.to_vec();
        names += path.len() as u64;
        if names > ALL_NAMES {
            let (what, unit, setting) = ("the names of the tree", "bytes", "repository_files");
            return Err(Error::TooLarge { what, limit: ALL_NAMES, unit, setting });
        }
        let parent = path.iter().rposition(|byte| *byte == b'/').and_then(|end| path.get(..end));
        let is_reached = parent.is_none_or(|parent| come.get(parent) == Some(&true));
        let is_new = come.insert(path.clone(), kind == EntryType::Directory).is_none();
        if !is_reached || !is_new {
            return Err(hostile(&name));
        }
        let mtime = entry.header().mtime().map_err(&broken)?;
        let target = entry.link_name_bytes().unwrap_or_default().into_owned();
        let mut start: &[u8];
        let item = match kind {
            EntryType::Directory => TreeItem::Folder,
            EntryType::Symlink => TreeItem::Link { target: &target },
            EntryType::Regular => {
                let executable = entry.header().mode().map_err(&broken)? & 0o100 != 0;
                let size = entry.size();
                if size < pointer::LONGEST {
                    small.clear();
                    entry.read_to_end(&mut small).map_err(&broken)?;
                    let found = Pointer::parse(&small).map(|pointer| Found { path: path.clone(), pointer });
                    walked.pointers.extend(found);
                    start = &small;
                    TreeItem::File { executable, size, bytes: &mut start }
                } else {
                    TreeItem::File { executable, size, bytes: &mut entry }
                }
            }
            _ => return Err(hostile(&name)),
        };
        walked.stats.count(&item);
        walked.stats.check(policy)?;
        take(&path, mtime, item)?;
    }
    walked.stats.pointers += walked.pointers.len() as u64;
    walked.stats.names_submodules |= come.contains_key(b".gitmodules".as_slice());
    // Behind the end of the archive git still writes padding; a pipe that closed before would kill it.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(&broken)?;
    Ok(walked)
}

/// The path of an entry, when it stays inside.
fn inside(name: &[u8]) -> Result<&[u8], Error> {
    let trimmed = name.strip_suffix(b"/").unwrap_or(name);
    let is_plain = |part: &[u8]| !matches!(part, b"" | b"." | b".." | b".git") && !part.contains(&0);
    if trimmed.split(|byte| *byte == b'/').all(is_plain) { Ok(trimmed) } else { Err(hostile(name)) }
}

fn hostile(name: &[u8]) -> Error {
    Error::HostileTree { shown: plain(&String::from_utf8_lossy(name), 200) }
}
