//! The spool: where files wait on this machine on their way to servers or from them. Private, bounded, and empty after a start.

use std::fs::DirBuilder;
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::random;

use crate::room::clear;

/// The spool of a data folder. Clones are cheap and share its room.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    most: u64,
    taken: Arc<AtomicU64>,
}

/// There is no room left: so many bytes may wait at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {} MiB wait on the machine of Aweigh on their way", .0 >> 20)]
pub struct Full(pub u64);

impl Spool {
    /// The spool below `data`, in which at most so many bytes wait at once. What an earlier process left is removed.
    ///
    /// # Errors
    /// It cannot be emptied, or made.
    pub fn open(data: &Path, most: u64) -> io::Result<Self> {
        let folder = data.join("spool");
        clear(&folder)?;
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder, most, taken: Arc::default() })
    }

    /// A new place in it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn place(&self) -> io::Result<Place> {
        let id = hex::encode(random::<[u8; 16]>());
        DirBuilder::new().mode(0o700).create(self.folder.join(&id))?;
        let (folder, all) = (self.folder.join(&id), Arc::clone(&self.taken));
        let kept = Kept { folder, most: self.most, all, own: AtomicU64::new(0) };
        Ok(Place { id, room: Room(Arc::new(kept)) })
    }
}

/// A folder in the spool. It is removed, and its room given back, when this and each [`Room`] of it is dropped.
#[derive(Debug)]
pub struct Place {
    id: String,
    room: Room,
}

/// The room that a place takes; clones share it. Whoever writes into the place has one for as long.
#[derive(Debug, Clone)]
pub struct Room(Arc<Kept>);

/// What is there of a place, for as long as anybody has to do with it.
#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    most: u64,
    /// What all places have taken, and what this one has.
    all: Arc<AtomicU64>,
    own: AtomicU64,
}

impl Place {
    /// A word that nobody guesses.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.room.0.folder
    }

    /// Its room, for whoever writes into it.
    pub fn room(&self) -> Room {
        self.room.clone()
    }

    /// `from`, for whose bytes room is taken as they come.
    pub fn taking<R: Read>(&self, from: R) -> Taking<R> {
        Taking { from, room: self.room(), full: None }
    }
}

impl Room {
    /// What is told where there is no more.
    pub fn full(&self) -> Full {
        Full(self.0.most)
    }

    /// Takes room for so many bytes more.
    ///
    /// # Errors
    /// There is none; nothing was taken.
    pub fn take(&self, bytes: u64) -> Result<(), Full> {
        let more = |taken: u64| taken.checked_add(bytes).filter(|taken| *taken <= self.0.most);
        self.0.all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| self.full())?;
        self.0.own.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Gives room back that was taken, and is not needed any more.
    pub fn give(&self, bytes: u64) {
        self.0.own.fetch_sub(bytes, Ordering::Relaxed);
        self.0.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = clear(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "what was spooled could not be removed");
        }
        self.all.fetch_sub(self.own.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// See [`Place::taking`].
#[derive(Debug)]
pub struct Taking<R> {
    from: R,
    room: Room,
    /// There was no room for what came.
    pub full: Option<Full>,
}

impl<R: Read> Read for Taking<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        if let Err(full) = self.room.take(read as u64) {
            self.full = Some(full);
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, full));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_private_bounded_and_empty_after_a_start() {
        let data = tempfile::tempdir().unwrap();
        let spool = Spool::open(data.path(), 1000).unwrap();
        let (one, two) = (spool.place().unwrap(), spool.place().unwrap());
        assert_ne!(one.id(), two.id());
        for folder in [&spool.folder, one.folder()] {
            assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o7777, 0o700);
        }
        one.room.take(700).unwrap();
        assert_eq!(two.room.take(301), Err(Full(1000)));
        two.room.take(300).unwrap();
        two.room.give(100);
        two.room.take(100).unwrap();
        let mut read = Vec::new();
        let mut taking = two.taking(&b"text"[..]);
        assert!(taking.read_to_end(&mut read).is_err() && taking.full == Some(Full(1000)));
        let locked = one.folder().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::write(locked.join("file"), "x").unwrap();
        fs::set_permissions(&locked, Permissions::from_mode(0o500)).unwrap();
        let (gone, writes) = (one.folder().to_owned(), one.room());
        drop(one);
        assert!(gone.exists() && two.room.take(700).is_err(), "somebody still writes");
        drop(writes);
        assert!(!gone.exists());
        two.room.take(700).unwrap();
        std::mem::forget(two);
        let spool = Spool::open(data.path(), 1000).unwrap();
        assert_eq!(fs::read_dir(&spool.folder).unwrap().count(), 0);
        spool.place().unwrap().room.take(1000).unwrap();
    }
}
