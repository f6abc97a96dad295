//! Unpacks the tree of a commit into an empty folder, and never writes through a link or out of the folder.

use std::{
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

use crate::{
    Error, ExportStats, Policy, TreeItem,
    tree::{Walked, walk},
};

/// An empty folder that is going to be filled, and how much it may hold.
pub(crate) struct Destination {
    folder: PathBuf,
    policy: Policy,
}

impl Destination {
    /// Makes the folder unless it is there and empty.
    pub(crate) fn new(folder: &Path, policy: &Policy) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
        let mut entries = fs::read_dir(folder).map_err(Error::io("cannot read", folder))?;
        if entries.next().is_some() {
            return Err(Error::NotEmpty { folder: folder.into() });
        }
        Ok(Self { folder: folder.into(), policy: policy.clone() })
    }

    /// Removes what was unpacked, as far as that is possible.
    pub(crate) fn clear(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
    }
}

/// Unpacks the stream; `before` was counted already. Blocks.
pub(crate) fn unpack(tar: impl Read, into: &Destination, before: ExportStats) -> Result<Walked, Error> {
    let root = &into.folder;
    let broken = |source| Error::io("cannot unpack to", root)(source);
    walk(tar, &into.policy, before, broken, |name, mtime, item| {
        let path = root.join(OsStr::from_bytes(name));
        let written = match item {
            TreeItem::Folder => make_folder(&path),
            TreeItem::Link { target } => symlink(OsStr::from_bytes(target), &path),
            TreeItem::File { executable, size, bytes } => write_file(&path, executable, size, mtime, bytes),
        };
        written.map_err(Error::io("cannot write", &path))
    })
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Writes a new file; `mtime` is in seconds since 1970. Fewer or more bytes than `size` are an error.
pub(crate) fn write_file(
    path: &Path,
    executable: bool,
    size: u64,
    mtime: u64,
    bytes: &mut dyn Read,
) -> io::Result<()> {
    let mode = if executable { 0o755 } else { 0o644 };
    // `create_new` neither follows nor replaces what is there.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    if io::copy(bytes, &mut file)? != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    // The result does not depend on the mask of this process.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.set_modified(UNIX_EPOCH.checked_add(Duration::from_secs(mtime)).unwrap_or(UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use tar::{Builder, EntryType, Header};

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

    fn check(entries: &[(EntryType, &str, &str)], policy: &Policy) -> Result<Walked, Error> {
        let folder = tempfile::tempdir().unwrap();
        let mut tar = Builder::new(Vec::new());
        for (kind, name, target) in entries {
            entry(&mut tar, *kind, name, target);
        }
        let tar = tar.into_inner().unwrap();
        let into = Destination::new(&folder.path().join("tree"), policy).unwrap();
        unpack(tar.as_slice(), &into, ExportStats::default())
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
            assert!(matches!(refused, Error::HostileTree { .. }), "{entries:?}: {refused}");
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
