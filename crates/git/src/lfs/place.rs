//! Objects of Git LFS in the mirror, and how they come into a tree. None is used that is not what its pointer says.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tokio::{sync::oneshot, task::spawn_blocking};

use super::in_tree;
use crate::{Error, GitRepository, pointer::Pointer, tree::Found, unpack::write_file};

impl GitRepository {
    /// The folder of the objects, as `git-lfs` lays it out.
    pub(super) fn lfs_store(&self) -> PathBuf {
        self.git.mirror.join("lfs")
    }

    /// Puts the objects that the mirror has into the places of their pointers; answers those that it does not have.
    pub(super) async fn put_in_place(&self, tree: &Path, wanted: Vec<Found>) -> Result<Vec<Found>, Error> {
        let (store, tree) = (self.lfs_store(), tree.to_owned());
        // When nobody waits any more, the tree is not ours any more.
        let (waits, waiting) = oneshot::channel::<()>();
        let put = spawn_blocking(move || put(&store, &tree, wanted, &|| !waits.is_closed()));
        let missing = put.await.map_err(io::Error::other);
        drop(waiting);
        missing.map_err(Error::io("cannot write to", "the tree"))?
    }
}

/// Blocks.
fn put(
    store: &Path,
    tree: &Path,
    wanted: Vec<Found>,
    is_awaited: &dyn Fn() -> bool,
) -> Result<Vec<Found>, Error> {
    let mut missing = Vec::new();
    for found in wanted {
        let (object, place) = (found.pointer.object(store), in_tree(tree, &found.path));
        if !is_whole(&object, &found.pointer, is_awaited).map_err(Error::io("cannot read", &object))? {
            missing.push(found);
        } else if is_awaited() {
            replace(&place, &object).map_err(Error::io("cannot write", place))?;
        }
    }
    Ok(missing)
}

/// Tells whether an object is there. One that is not what its pointer says is removed, so that it is fetched again.
fn is_whole(object: &Path, pointer: &Pointer, is_awaited: &dyn Fn() -> bool) -> io::Result<bool> {
    let mut file = match File::open(object) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let (mut hash, mut size, mut bytes) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut bytes)?;
        if read == 0 || size > pointer.size() || !is_awaited() {
            break;
        }
        hash.update(bytes.get(..read).unwrap_or_default());
        size += read as u64;
    }
    let is_whole = size == pointer.size() && hex::encode(hash.finalize()) == pointer.oid();
    if !is_whole && is_awaited() {
        fs::remove_file(object)?;
    }
    Ok(is_whole)
}

/// Writes an object in the place of its pointer, with its executable bit and its time.
fn replace(place: &Path, object: &Path) -> io::Result<()> {
    let old = fs::symlink_metadata(place)?;
    let (mut file, size) = (File::open(object)?, fs::metadata(object)?.size());
    fs::remove_file(place)?;
    let executable = old.permissions().mode() & 0o100 != 0;
    write_file(place, executable, size, u64::try_from(old.mtime()).unwrap_or_default(), &mut file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(bytes: &[u8]) -> Pointer {
        let oid = hex::encode(Sha256::digest(bytes));
        let head = "version https://git-lfs.github.com/spec/v1";
        Pointer::parse(format!("{head}\noid sha256:{oid}\nsize {}\n", bytes.len()).as_bytes()).unwrap()
    }

    #[test]
    fn an_object_that_is_not_what_its_pointer_says_is_removed() {
        let store = tempfile::tempdir().unwrap();
        let (pointer, object) = (pointer(b"picture"), pointer(b"picture").object(store.path()));
        let check = || is_whole(&object, &pointer, &|| true).unwrap();
        assert!(!check());
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        for wrong in ["", "Picture", "pictures"] {
            fs::write(&object, wrong).unwrap();
            assert!(!check() && !object.exists(), "{wrong}");
        }
        fs::write(&object, "picture").unwrap();
        assert!(check() && object.exists());
        assert!(!is_whole(&object, &pointer, &|| false).unwrap() && object.exists(), "nobody waits");
    }

    #[test]
    fn an_object_takes_the_mode_and_the_time_of_its_pointer() {
        let folder = tempfile::tempdir().unwrap();
        let (object, place) = (folder.path().join("object"), folder.path().join("place"));
        fs::write(&object, "picture").unwrap();
        write_file(&place, true, 1, 1_700_000_000, &mut &b"p"[..]).unwrap();
        replace(&place, &object).unwrap();
        let found = fs::metadata(&place).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "picture");
        assert_eq!((found.permissions().mode() & 0o777, found.mtime()), (0o755, 1_700_000_000));
        assert_ne!(found.ino(), fs::metadata(&object).unwrap().ino(), "a build may write into the tree");
    }
}
