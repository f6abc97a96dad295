//! The room of one job: a folder that is there for it alone, with its script and its TMPDIR.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::User;

/// A room, removed with everything in it when this is dropped.
#[derive(Debug)]
pub(super) struct Room(PathBuf);

/// Where things are in a room.
#[derive(Debug)]
pub(super) struct Inside {
    /// The text that is run. It cannot be changed from inside.
    pub(super) script: PathBuf,
    /// The job's TMPDIR.
    pub(super) temporary: PathBuf,
}

impl Inside {
    /// Of the room at `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        Self { script: folder.join("script"), temporary: folder.join("tmp") }
    }
}

impl Room {
    /// Makes a room below `rooms`, with a copy of `script`, for `user`.
    pub(super) fn make(rooms: &Path, script: &Path, user: Option<&User>) -> anyhow::Result<Self> {
        // Others have to get through, and only through.
        fs::create_dir_all(rooms).with_context(|| format!("cannot make {}", rooms.display()))?;
        fs::set_permissions(rooms, Permissions::from_mode(0o711))?;
        let folder = rooms.join(hex::encode(rand::random::<[u8; 8]>()));
        DirBuilder::new().mode(0o711).create(&folder)?;
        let room = Self(folder);
        let inside = Inside::of(room.folder());
        fs::copy(script, &inside.script).with_context(|| format!("cannot copy {}", script.display()))?;
        fs::set_permissions(&inside.script, Permissions::from_mode(0o755))?;
        DirBuilder::new().mode(0o700).create(&inside.temporary)?;
        if let Some(user) = user {
            give(&inside.temporary, user)?;
        }
        Ok(room)
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The whole work folder goes with the release.
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

/// Gives `folder` and everything in it to `user`, unless it is theirs already. A link is given as a link, and a file that
/// has another name elsewhere is left alone: it may be somebody else's.
pub(super) fn give(folder: &Path, user: &User) -> io::Result<()> {
    if fs::symlink_metadata(folder)?.uid() != user.uid.as_raw() {
        give_all(folder, user)?;
    }
    Ok(())
}

fn give_all(path: &Path, user: &User) -> io::Result<()> {
    let about = fs::symlink_metadata(path)?;
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            give_all(&entry?.path(), user)?;
        }
    } else if about.nlink() > 1 {
        return Ok(());
    }
    lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_a_script_and_a_private_folder_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (rooms, script) = (folder.path().join("rooms"), folder.path().join("script"));
        fs::write(&script, "true").unwrap();
        let room = Room::make(&rooms, &script, None).unwrap();
        let inside = Inside::of(room.folder());
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&inside.script), mode(&inside.temporary)), (0o755, 0o700));
        fs::write(inside.temporary.join("left"), "").unwrap();
        drop(room);
        assert_eq!(fs::read_dir(&rooms).unwrap().count(), 0);
    }

    #[test]
    fn what_has_another_name_elsewhere_is_not_given_away() {
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (theirs, ours) = (folder.path().join("tree"), folder.path().join("ours"));
        fs::create_dir(&theirs).unwrap();
        fs::write(&ours, "").unwrap();
        fs::hard_link(&ours, theirs.join("twin")).unwrap();
        std::os::unix::fs::symlink(&ours, theirs.join("link")).unwrap();
        fs::write(theirs.join("file"), "").unwrap();
        let nobody = User::from_name("nobody").unwrap().unwrap();
        give(&theirs, &nobody).unwrap();
        let owner = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
        assert_eq!((owner(&ours), owner(&theirs.join("twin"))), (0, 0));
        for given in [&theirs, &theirs.join("link"), &theirs.join("file")] {
            assert_eq!(owner(given), nobody.uid.as_raw(), "{}", given.display());
        }
    }
}
