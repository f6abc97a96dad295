//! Puts a tree into the place of another one, file by file: checked first, then removed, then renamed into place.

use std::{
    collections::{BTreeMap, HashSet},
    ffi::OsStr,
    fs::{self, DirBuilder, File, Permissions},
    io::{self, BufReader, Read},
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{DirBuilderExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use super::{Switched, brought::Brought};
use crate::{Error, plain::plain};

/// What a path is. A link is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Folder,
    File,
}

/// A tree that lies ready.
#[derive(Debug)]
pub(super) struct Tree {
    /// Folders before what is in them.
    pub(super) entries: BTreeMap<Vec<u8>, Kind>,
}

impl Tree {
    /// Reads what was unpacked to `folder`. Nothing in it may have the name `reserved`.
    pub(super) fn read(folder: &Path, reserved: &str) -> Result<Self, Error> {
        let mut entries = BTreeMap::new();
        list(folder, b"", &mut entries).map_err(Error::io("cannot read", folder))?;
        if entries.contains_key(reserved.as_bytes()) {
            return Err(Error::HostileTree { shown: plain(reserved, 200) });
        }
        Ok(Self { entries })
    }

    /// Sees that nothing has to be overwritten or removed that no checkout brought.
    pub(super) fn check(&self, root: &Path, brought: &Brought) -> Result<(), Error> {
        // Folders that are not there yet, or stand in the place of something else.
        let mut fresh: HashSet<&[u8]> = HashSet::new();
        for (path, kind) in &self.entries {
            let is_new = parent(path).is_some_and(|parent| fresh.contains(parent));
            let found = if is_new { None } else { look(&at(root, path))? };
            match (kind, found) {
                (Kind::Folder, Some(Kind::Folder)) | (Kind::File, None) => {}
                (Kind::Folder, None) => {
                    fresh.insert(path);
                }
                (Kind::Folder, Some(Kind::File)) if brought.has(path, Kind::File) => {
                    fresh.insert(path);
                }
                (Kind::File, Some(Kind::File)) if brought.has(path, Kind::File) => {}
                (Kind::File, Some(Kind::Folder)) if brought.paths.contains_key(path) => {
                    all_brought(root, path, brought)?;
                }
                _ => return Err(Error::InTheWay { path: at(root, path) }),
            }
        }
        Ok(())
    }

    /// Switches; answers what is brought then.
    pub(super) fn switch(
        &self,
        from: &Path,
        root: &Path,
        brought: &Brought,
    ) -> Result<(Brought, Switched), Error> {
        let mut switched = Switched::default();
        // Backwards, so that a folder comes after what is in it.
        for (path, kind) in brought.paths.iter().rev() {
            if self.entries.get(path) != Some(kind) && is_reached(root, path)? {
                switched.removed += u64::from(remove(&at(root, path), *kind)?);
            }
        }
        let mut ours = BTreeMap::new();
        for (path, kind) in &self.entries {
            let (staged, place) = (at(from, path), at(root, path));
            match kind {
                Kind::Folder => {
                    // A folder that somebody else made is used, and stays when the tree has none there any more.
                    if make_folder(&place)? || brought.has(path, Kind::Folder) {
                        ours.insert(path.clone(), Kind::Folder);
                    }
                }
                Kind::File => {
                    if is_same(&staged, &place).map_err(Error::io("cannot compare", &place))? {
                        switched.kept += 1;
                    } else {
                        // All that was in it is gone by now.
                        if look(&place)? == Some(Kind::Folder) {
                            fs::remove_dir(&place).map_err(Error::io("cannot remove", &place))?;
                        }
                        fs::rename(&staged, &place).map_err(Error::io("cannot write", &place))?;
                        switched.written += 1;
                    }
                    ours.insert(path.clone(), Kind::File);
                }
            }
        }
        Ok((Brought::new(ours), switched))
    }
}

fn list(folder: &Path, below: &[u8], entries: &mut BTreeMap<Vec<u8>, Kind>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let slash: &[u8] = if below.is_empty() { b"" } else { b"/" };
        let name = entry.file_name().into_vec();
        let path = [below, slash, name.as_slice()].concat();
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &path, entries)?;
            entries.insert(path, Kind::Folder);
        } else {
            entries.insert(path, Kind::File);
        }
    }
    Ok(())
}

/// What is there; nothing when there is nothing.
fn look(path: &Path) -> Result<Option<Kind>, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(Some(Kind::Folder)),
        Ok(_) => Ok(Some(Kind::File)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Error::io("cannot look at", path)(error)),
    }
}

/// Sees that all in a folder was brought, and is what it was.
fn all_brought(root: &Path, folder: &[u8], brought: &Brought) -> Result<(), Error> {
    let mut entries = BTreeMap::new();
    let place = at(root, folder);
    list(&place, folder, &mut entries).map_err(Error::io("cannot read", &place))?;
    match entries.iter().find(|(path, kind)| !brought.has(path, **kind)) {
        Some((path, _)) => Err(Error::InTheWay { path: at(root, path) }),
        None => Ok(()),
    }
}

/// Tells whether a path is reached through real folders alone: a link in the place of one leads somewhere else.
fn is_reached(root: &Path, path: &[u8]) -> Result<bool, Error> {
    let mut folder = parent(path);
    while let Some(path) = folder {
        if look(&at(root, path))? != Some(Kind::Folder) {
            return Ok(false);
        }
        folder = parent(path);
    }
    Ok(true)
}

/// Removes what a checkout brought; answers whether that was a file. A folder with something in it stays, and so does a
/// file in the place of a folder.
fn remove(place: &Path, kind: Kind) -> Result<bool, Error> {
    let (removed, is_file) = match (kind, look(place)?) {
        (Kind::File, Some(Kind::File)) => (fs::remove_file(place), true),
        // One that was a file in one tree and a folder in the other may be either after a crash.
        (_, Some(Kind::Folder)) => (fs::remove_dir(place), false),
        _ => return Ok(false),
    };
    match removed {
        Ok(()) => Ok(is_file),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(Error::io("cannot remove", place)(error)),
    }
}

/// Makes a folder; answers whether it was not there.
fn make_folder(place: &Path) -> Result<bool, Error> {
    if look(place)? == Some(Kind::Folder) {
        return Ok(false);
    }
    // The result does not depend on the mask of this process.
    let made = DirBuilder::new()
        .mode(0o755)
        .create(place)
        .and_then(|()| fs::set_permissions(place, Permissions::from_mode(0o755)));
    made.map(|()| true).map_err(Error::io("cannot make", place))
}

/// Tells whether two files are the same: links with one text, or one mode and the same bytes.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let look = |path: &Path| match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let (Some(a), Some(b)) = (look(one)?, look(other)?) else { return Ok(false) };
    if a.is_symlink() && b.is_symlink() {
        return Ok(fs::read_link(one)? == fs::read_link(other)?);
    }
    let is_alike = a.is_file() && b.is_file() && a.len() == b.len() && a.permissions() == b.permissions();
    if !is_alike {
        return Ok(false);
    }
    let (mut a, mut b) = (BufReader::new(File::open(one)?), BufReader::new(File::open(other)?));
    let (mut from_a, mut from_b) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = a.read(&mut from_a)?;
        if read == 0 {
            return Ok(true);
        }
        let (Some(of_a), Some(of_b)) = (from_a.get(..read), from_b.get_mut(..read)) else { return Ok(false) };
        match b.read_exact(of_b) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        if of_a != of_b {
            return Ok(false);
        }
    }
}

fn parent(path: &[u8]) -> Option<&[u8]> {
    path.iter().rposition(|byte| *byte == b'/').and_then(|end| path.get(..end))
}

fn at(root: &Path, path: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::super::{CheckoutFolder, STATE};
    use super::*;
    use crate::Policy;

    /// A tar file with these files, and the folders that they are in.
    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let mut made = HashSet::new();
        for (path, text) in files {
            for (at, _) in path.match_indices('/') {
                if made.insert(path[..at].to_owned()) {
                    let mut header = tar::Header::new_ustar();
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_size(0);
                    tar.append_data(&mut header, &path[..at], io::empty()).unwrap();
                }
            }
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn bring(root: &Path, files: &[(&str, &str)]) -> Result<Switched, Error> {
        CheckoutFolder::open(root, &Policy::default())?.stage(tar(files).as_slice())?.switch("x")
    }

    fn shown(root: &Path) -> Vec<String> {
        let mut entries = BTreeMap::new();
        list(root, b"", &mut entries).unwrap();
        let names = entries.into_keys().map(|path| String::from_utf8(path).unwrap());
        names.filter(|name| !name.starts_with(STATE)).collect()
    }

    #[test]
    fn a_switch_that_was_broken_off_anywhere_is_mended_by_the_next() {
        let (old, new) =
            ([("a/b", "1"), ("c", "1"), ("d/e/f", "1")], [("a", "2"), ("c/x", "2"), ("d/e/f", "2")]);
        let trees = [&old[..], &new[..], &[("a/b", "3")][..]];
        for next in trees {
            // As many steps as there are: some paths of the old tree are gone, and some of the new one are there.
            for steps in 0..=6 {
                let root = tempfile::tempdir().unwrap();
                let root = root.path();
                bring(root, &old).unwrap();
                let staged = CheckoutFolder::open(root, &Policy::default())
                    .unwrap()
                    .stage(tar(&new).as_slice())
                    .unwrap();
                let incoming = staged.folder.incoming();
                let tree = Tree::read(&incoming, STATE).unwrap();
                staged.folder.brought.with(&tree).write(&staged.folder.state(), None).unwrap();
                for path in ["a/b", "a", "c"].iter().take(steps) {
                    remove(&root.join(path), if *path == "a" { Kind::Folder } else { Kind::File }).unwrap();
                }
                for path in ["a", "c"].iter().take(steps.saturating_sub(3)) {
                    fs::rename(incoming.join(path), root.join(path)).unwrap();
                }
                drop(staged);
                assert_eq!(CheckoutFolder::open(root, &Policy::default()).unwrap().at(), None);
                bring(root, next).unwrap();
                let fresh = tempfile::tempdir().unwrap();
                bring(fresh.path(), next).unwrap();
                assert_eq!(shown(root), shown(fresh.path()), "after {steps} steps");
            }
        }
    }

    #[test]
    fn the_name_of_the_state_is_refused_in_a_tree() {
        let root = tempfile::tempdir().unwrap();
        let refused = bring(root.path(), &[(".aweigh-checkout/brought", "mine")]).unwrap_err();
        assert!(matches!(refused, Error::HostileTree { .. }), "{refused:?}");
        bring(root.path(), &[("a", "1")]).unwrap();
        assert_eq!(shown(root.path()), ["a"]);
    }
}
