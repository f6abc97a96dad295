//! Artifacts that were built elsewhere: an archive becomes an artifact without ever being unpacked here.
//!
//! It comes from another machine, so nothing in it is believed: names stay inside, nothing lies below a file or a link, links
//! lead to places inside, nothing comes twice, and sizes are limited before anything is kept.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use tar::EntryType;

pub use super::archive::Refused;
use super::archive::{Archive, Told, cut_off, unfit, words};
use super::pack::{Order, Packed, Packing};
use super::{folder, kept};

/// The longest path and the longest part of one, in bytes, as Linux has them.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// How long all paths together may be, in bytes: they are in memory.
const ALL_PATHS: usize = 256 * 1024 * 1024;

/// How large an archive may be once it is unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of all files.
    pub bytes: u64,
    /// Files, links and folders.
    pub entries: u64,
}

/// Packs what is in `archive` (tar, or tar compressed by gzip or zstd: its first bytes tell) and keeps it below the data
/// folder `data`. Blocking.
///
/// # Errors
/// [`Refused::Unfit`] says what is wrong with the archive; then nothing stays.
pub fn keep(data: &Path, order: Order, archive: impl Read, limits: Limits) -> Result<Packed, Refused> {
    let new = data.join("artifacts").join(format!(".new-pushed-{}", hex::encode(rand::random::<[u8; 8]>())));
    let kept = pack_archive(order, archive, &new, limits).and_then(|packed| {
        if kept::chain(data, &packed.hash).is_none() {
            let place = folder(data, &packed.hash);
            if place.exists() {
                std::fs::remove_dir_all(&place)?;
            }
            std::fs::rename(&new, &place)?;
        }
        Ok(packed)
    });
    if new.exists() {
        std::fs::remove_dir_all(&new)?;
    }
    kept
}

/// Packs what is in `archive` into the new folder `into`.
fn pack_archive(order: Order, archive: impl Read, into: &Path, limits: Limits) -> Result<Packed, Refused> {
    let mut archive = Archive::open(archive, limits.entries)?;
    let packing = Packing::begin(order, into)?;
    let mut taking = Taking { packing, limits, come: HashMap::new(), names: 0, bytes: 0 };
    while let Some(told) = tried(&mut archive, Archive::next)? {
        tried(&mut archive, |archive| taking.take(archive, &told))?;
    }
    Ok(taking.packing.finish()?)
}

/// Does something with an archive. Where the file could not be read that is the reason, whoever was reading it: the packing
/// takes it for a failure of this machine.
fn tried<'r, T>(
    archive: &mut Archive<'r>,
    what: impl FnOnce(&mut Archive<'r>) -> Result<T, Refused>,
) -> Result<T, Refused> {
    let done = what(archive);
    match archive.failed() {
        Some(why) if done.is_err() => unfit(format!("cannot be read: {why}")),
        _ => done,
    }
}

/// What has come at a path.
#[derive(Clone, Copy, PartialEq)]
enum Come {
    Folder,
    Other,
}

/// An archive on its way into an artifact.
struct Taking {
    packing: Packing,
    limits: Limits,
    /// Every path so far, and those that lead to one. Invariant: whatever is above a path is a folder.
    come: HashMap<Vec<u8>, Come>,
    /// How long all paths are together.
    names: usize,
    /// The bytes of all files.
    bytes: u64,
}

impl Taking {
    /// Takes one entry, with its bytes.
    fn take(&mut self, archive: &mut Archive<'_>, told: &Told) -> Result<(), Refused> {
        let name = words(&told.name);
        if matches!(told.kind, EntryType::Directory | EntryType::Symlink) && told.size > 0 {
            return unfit(format!("is damaged: {name} has bytes and is no file"));
        }
        let Some(path) = path(&told.name)? else { return Ok(()) };
        self.comes(&path, &name, told.kind == EntryType::Directory)?;
        match told.kind {
            EntryType::Directory => self.packing.folder(&path),
            EntryType::Symlink if stays_inside(&path, &told.link) => self.packing.link(&path, &told.link),
            EntryType::Symlink => {
                let target = words(&told.link);
                return unfit(format!(
                    "has a link that leads out of it, or up behind another folder: {name} -> {target}"
                ));
            }
            EntryType::Regular => self.file(archive, &path, told)?,
            EntryType::Link => {
                return unfit(format!("has a hard link, {name}: write it with tar --hard-dereference"));
            }
            EntryType::GNUSparse => {
                return unfit(format!("has a sparse file, {name}: write it without tar --sparse"));
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return unfit(format!("has a device or a pipe: {name}"));
            }
            _ => return unfit(format!("has something of an unknown kind: {name}")),
        }
        Ok(())
    }

    /// Takes note of a path, and of those that lead to it.
    fn comes(&mut self, path: &[u8], name: &str, is_folder: bool) -> Result<(), Refused> {
        for (end, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let above = path.get(..end).unwrap_or_default();
            match self.come.get(above) {
                Some(Come::Folder) => {}
                Some(Come::Other) => return unfit(format!("has {name} below what is no folder")),
                None => self.note(above, Come::Folder)?,
            }
        }
        match self.come.get(path) {
            None => self.note(path, if is_folder { Come::Folder } else { Come::Other }),
            // Some writers say a folder again before each thing in it.
            Some(Come::Folder) if is_folder => Ok(()),
            Some(_) => unfit(format!("has {name} twice")),
        }
    }

    fn note(&mut self, path: &[u8], come: Come) -> Result<(), Refused> {
        self.names += path.len();
        self.come.insert(path.to_vec(), come);
        if self.come.len() as u64 > self.limits.entries {
            let most = self.limits.entries;
            return unfit(format!("has more than {most} entries (limits.repository_files in server.toml)"));
        }
        if self.names > ALL_PATHS { unfit("has names of more than 256 MiB together") } else { Ok(()) }
    }

    fn file(&mut self, archive: &mut Archive<'_>, path: &[u8], told: &Told) -> Result<(), Refused> {
        self.bytes = self.bytes.saturating_add(told.size);
        if self.bytes > self.limits.bytes {
            let most = self.limits.bytes;
            return unfit(format!(
                "unpacks to more than {most} bytes (limits.repository_size in server.toml)"
            ));
        }
        let mut bytes = archive.by_ref().take(told.size);
        let packed = self.packing.file(path, told.mode & 0o100 != 0, told.size, &mut bytes);
        // The packing says then that a file became shorter.
        if bytes.limit() > 0 && packed.is_err() {
            return cut_off();
        }
        packed?;
        archive.skip_padding(told.size)
    }
}

/// The path of an entry inside the tree; `None` for the tree itself.
fn path(name: &[u8]) -> Result<Option<Vec<u8>>, Refused> {
    let mut rest = name;
    while let Some(inner) = rest.strip_prefix(b"./") {
        rest = inner;
    }
    let rest = rest.strip_suffix(b"/").unwrap_or(rest);
    if name.starts_with(b"./") && rest.is_empty() || rest == b"." {
        return Ok(None);
    }
    let is_plain =
        |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0) && part.len() <= LONGEST_NAME;
    if rest.len() > LONGEST_PATH || !rest.split(|byte| *byte == b'/').all(is_plain) {
        return unfit(format!("has a name that leads out of it, or is too long: {}", words(name)));
    }
    if rest.split(|byte| *byte == b'/').any(|part| part == b".git") {
        return unfit("has a folder .git, which no server should have: write it with tar --exclude=.git");
    }
    Ok(Some(rest.to_vec()))
}

/// Whether a link at `path` leads to a place inside, whatever other such links it passes: first it goes up, not further than
/// the top, and then only down.
fn stays_inside(path: &[u8], target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) || target.len() > LONGEST_PATH {
        return false;
    }
    let depth = path.split(|byte| *byte == b'/').count() - 1;
    let mut parts = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let up = parts.by_ref().take_while(|part| *part == b"..").count();
    up <= depth && parts.all(|part| part != b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_up_first_and_then_down() {
        let inside = |path: &str, target: &str| stays_inside(path.as_bytes(), target.as_bytes());
        for (path, target) in
            [("a", "b"), ("a", "./b//c"), ("x/a", "../b"), ("x/y/a", "../../b/c"), ("x/a", "..")]
        {
            assert!(inside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", ""),
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("a", "../b"),
            ("x/a", "../../b"),
            // Where y is a link to a folder further down, its `..` is another one.
            ("x/a", "y/../../b"),
            ("x/y/a", "./../z/../b"),
        ] {
            assert!(!inside(path, target), "{path} -> {target}");
        }
    }
}
