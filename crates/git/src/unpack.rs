//! Unpacks the tar stream of `git archive` into an empty folder, and never writes through a link or out of the folder.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Read},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use tar::{Archive, Entry, EntryType};

use crate::{Error, Policy, plain::plain};

/// What was exported.
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
}

/// An empty folder that is going to be filled, and how much it may hold.
pub(crate) struct Destination {
    folder: PathBuf,
    max_bytes: u64,
    max_files: u64,
}

impl Destination {
    /// Makes the folder unless it is there and empty.
    pub(crate) fn new(folder: &Path, policy: &Policy) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
        let mut entries = fs::read_dir(folder).map_err(Error::io("cannot read", folder))?;
        if entries.next().is_some() {
            return Err(Error::NotEmpty { folder: folder.into() });
        }
        Ok(Self { folder: folder.into(), max_bytes: policy.max_bytes, max_files: policy.max_files })
    }

    /// Removes what was unpacked, as far as that is possible.
    pub(crate) fn clear(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }

    fn check(&self, stats: &ExportStats) -> Result<(), Error> {
        let too_large =
            |limit, unit, setting| Err(Error::TooLarge { what: "the tree", limit, unit, setting });
        if stats.files + stats.links + stats.folders > self.max_files {
            return too_large(self.max_files, "entries", "repository_files");
        }
        if stats.bytes > self.max_bytes {
            return too_large(self.max_bytes, "bytes", "repository_size");
        }
        Ok(())
    }
}

/// Unpacks the stream. Blocks.
pub(crate) fn unpack(tar: impl Read, into: &Destination) -> Result<ExportStats, Error> {
    let root = &into.folder;
    let mut archive = Archive::new(tar);
    let mut stats = ExportStats::default();
    // Invariant: only folders that were made here are written to. So a link can never be a part of a path.
    let mut made = HashSet::from([root.clone()]);
    for entry in archive.entries().map_err(Error::io("cannot unpack to", root))? {
        let mut entry = entry.map_err(Error::io("cannot unpack to", root))?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let path = root.join(inside(&entry.path_bytes())?);
        if !path.parent().is_some_and(|parent| made.contains(parent)) {
            return Err(hostile(&entry.path_bytes()));
        }
        match kind {
            EntryType::Directory => stats.folders += 1,
            EntryType::Symlink => stats.links += 1,
            EntryType::Regular => {
                stats.files += 1;
                stats.bytes += entry.size();
            }
            _ => return Err(hostile(&entry.path_bytes())),
        }
        into.check(&stats)?;
        let written = match kind {
            EntryType::Directory => make_folder(&path),
            EntryType::Symlink => make_link(&entry, &path),
            _ => write_file(&mut entry, &path),
        };
        written.map_err(Error::io("cannot write", &path))?;
        if kind == EntryType::Directory {
            made.insert(path);
        }
    }
    // Behind the end of the archive git still writes padding; a pipe that closed before would kill it.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(Error::io("cannot unpack to", root))?;
    Ok(stats)
}

/// The path of an entry, when it stays inside.
fn inside(name: &[u8]) -> Result<&Path, Error> {
    let trimmed = name.strip_suffix(b"/").unwrap_or(name);
    let is_plain = |part: &[u8]| !matches!(part, b"" | b"." | b".." | b".git") && !part.contains(&0);
    if trimmed.split(|byte| *byte == b'/').all(is_plain) {
        Ok(Path::new(OsStr::from_bytes(trimmed)))
    } else {
        Err(hostile(name))
    }
}

fn hostile(name: &[u8]) -> Error {
    Error::HostileTree { shown: plain(&String::from_utf8_lossy(name), 200) }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

fn make_link(entry: &Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    let target = entry.link_name_bytes().unwrap_or_default();
    symlink(OsStr::from_bytes(&target), path)
}

fn write_file(entry: &mut Entry<'_, impl Read>, path: &Path) -> io::Result<()> {
    let is_executable = entry.header().mode()? & 0o100 != 0;
    let mode = if is_executable { 0o755 } else { 0o644 };
    // `create_new` neither follows nor replaces what is there.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let expected = entry.size();
    if io::copy(entry, &mut file)? != expected {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // The result does not depend on the mask of this process.
    file.set_permissions(Permissions::from_mode(mode))?;
    let commit_time = UNIX_EPOCH.checked_add(Duration::from_secs(entry.header().mtime()?));
    file.set_modified(commit_time.unwrap_or(UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use tar::{Builder, Header};

    use super::*;

    fn entry(tar: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, target: &str) {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o644);
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        tar.append(&header, io::empty()).unwrap();
    }

    fn check(entries: &[(EntryType, &str, &str)], policy: &Policy) -> Result<ExportStats, Error> {
        let folder = tempfile::tempdir().unwrap();
        let mut tar = Builder::new(Vec::new());
        for (kind, name, target) in entries {
            entry(&mut tar, *kind, name, target);
        }
        let tar = tar.into_inner().unwrap();
        unpack(tar.as_slice(), &Destination::new(&folder.path().join("tree"), policy).unwrap())
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        use EntryType::{Block, Directory, Link, Regular, Symlink};
        let policy = Policy::default();
        assert!(check(&[(Directory, "a/", ""), (Regular, "a/b", "")], &policy).is_ok());
        for entries in [
            &[(Regular, "/etc/x", "")][..],
            &[(Regular, "../x", "")],
            &[(Directory, "a/", ""), (Regular, "a/../x", "")],
            &[(Regular, ".git/x", "")],
            &[(Directory, ".git/", "")],
            &[(Regular, "a/b", "")],
            &[(Symlink, "a", "/tmp"), (Regular, "a/b", "")],
            &[(Link, "a", "/etc/passwd")],
            &[(Block, "a", "")],
        ] {
            let refused = check(entries, &policy).unwrap_err();
            assert!(matches!(refused, Error::HostileTree { .. }), "{entries:?}: {refused}");
        }
    }

    #[test]
    fn nothing_is_written_twice_or_through_a_link() {
        use EntryType::{Directory, Regular, Symlink};
        for entries in [
            &[(Symlink, "a", "/tmp/aweigh-canary"), (Regular, "a", "")][..],
            &[(Directory, "a/", ""), (Symlink, "a", "/tmp")],
            &[(Symlink, "a", "/tmp"), (Directory, "a/", "")],
        ] {
            let refused = check(entries, &Policy::default()).unwrap_err();
            assert!(matches!(refused, Error::Io { .. }), "{entries:?}: {refused}");
        }
        assert!(!Path::new("/tmp/aweigh-canary").exists());
    }

    #[test]
    fn limits_name_their_setting() {
        let policy = Policy { max_files: 1, ..Policy::default() };
        let refused =
            check(&[(EntryType::Regular, "a", ""), (EntryType::Regular, "b", "")], &policy).unwrap_err();
        assert_eq!(refused.to_string(), "the tree has more than 1 entries");
        assert_eq!(refused.hint(), "raise repository_files under [limits]");
    }
}
