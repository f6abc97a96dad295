//! Checkout: a folder of the caller's that is brought to one commit, then to another, as `git reset --hard` does; without
//! a `.git` in it, so nothing of a repository can run there.

mod brought;
mod switch;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{
    CommitId, Error, ExportStats, GitRepository, Policy,
    unpack::{Destination, unpack},
};
use brought::Brought;
use switch::Tree;

/// The folder inside of the folder in which checkouts remember what they brought.
const STATE: &str = ".aweigh-checkout";

/// What a checkout did to its folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switched {
    /// What the tree has.
    pub stats: ExportStats,
    /// Files and links that were written.
    pub written: u64,
    /// Files and links that were as they should be, and were not touched.
    pub kept: u64,
    /// Files and links of an earlier checkout that were removed.
    pub removed: u64,
}

/// A folder that checkouts fill, held by one of them at a time.
///
/// What an earlier checkout brought is replaced or removed, also where somebody has changed it. What somebody else put
/// there stays: a checkout that would have to write in its place is refused, and nothing is changed then. What was
/// brought stands in the folder `.aweigh-checkout`; links are never followed.
#[derive(Debug)]
pub struct CheckoutFolder {
    folder: PathBuf,
    policy: Policy,
    brought: Brought,
    /// Held until this is dropped.
    _lock: File,
}

/// A tree that lies ready beside the one that is there.
#[derive(Debug)]
pub struct StagedCheckout {
    folder: CheckoutFolder,
    stats: ExportStats,
}

impl GitRepository {
    /// Brings a folder to the tree of a commit, which is the one of [`export`](Self::export). The first time the folder
    /// is new or empty; after that it may be brought to any commit of any repository. See [`CheckoutFolder`] for what is
    /// done to files that are there.
    ///
    /// Until the tree is whole beside the old one nothing is changed, and dropping the future changes nothing. From then
    /// on the switch is carried to its end. After a crash in the middle of it the next checkout mends the folder.
    ///
    /// # Errors
    /// [`Error::CommitGone`]; [`Error::NotEmpty`] for a folder with something in it that no checkout brought;
    /// [`Error::InTheWay`]; [`Error::CheckoutBusy`]; [`Error::TooLarge`].
    pub async fn checkout(&self, commit: &CommitId, into: &Path) -> Result<Switched, Error> {
        // A folder is not touched for a commit that is not there.
        if !self.has(commit).await? {
            let missing = Error::Failed { verb: "archive", said: "there is no such commit".into() };
            return Err(self.blame(commit, missing).await);
        }
        let folder = CheckoutFolder::open(into, &self.policy)?;
        let name = commit.to_string();
        let switched = self.read_archive(self.start_archive(commit, None)?, commit, move |tar, is_whole| {
            let staged = folder.stage(tar)?;
            if is_whole() { staged.switch(&name).map(Some) } else { staged.discard().map(|()| None) }
        });
        let cut = || Error::Failed { verb: "archive", said: "the archive has no end".into() };
        switched.await?.ok_or_else(cut)
    }
}

impl CheckoutFolder {
    /// Opens a folder that checkouts have filled, or a new or empty one. Blocks for a moment.
    ///
    /// # Errors
    /// Those of [`GitRepository::checkout`] that are about the folder; [`Error::UnknownCheckout`] when it cannot be read
    /// what was brought.
    pub fn open(folder: &Path, policy: &Policy) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::io("cannot make", folder))?;
        let folder = folder.canonicalize().map_err(Error::io("cannot open", folder))?;
        let state = folder.join(STATE);
        match fs::symlink_metadata(&state) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(Error::UnknownCheckout { path: state }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut entries = fs::read_dir(&folder).map_err(Error::io("cannot read", &folder))?;
                if entries.next().is_some() {
                    return Err(Error::NotEmpty { folder });
                }
                DirBuilder::new().mode(0o700).create(&state).map_err(Error::io("cannot make", &state))?;
            }
            Err(error) => return Err(Error::io("cannot look at", &state)(error)),
        }
        let path = state.join("lock");
        let lock =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(Error::io("cannot open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::CheckoutBusy { folder }),
            Err(TryLockError::Error(source)) => return Err(Error::io("cannot lock", path)(source)),
        }
        let brought = Brought::read(&state)?;
        Ok(Self { folder, policy: policy.clone(), brought, _lock: lock })
    }

    /// What the folder was brought to last; nothing when that is new, or was broken off.
    pub fn at(&self) -> Option<&str> {
        self.brought.at()
    }

    /// Unpacks the tar stream of an archive beside what is there, which is not touched. Blocks.
    ///
    /// # Errors
    /// [`Error::HostileTree`], [`Error::TooLarge`] and [`Error::Io`] for what is wrong with the stream.
    pub fn stage(self, tar: impl Read) -> Result<StagedCheckout, Error> {
        let incoming = self.incoming();
        clear(&incoming)?;
        let destination = Destination::new(&incoming, &self.policy)?;
        match unpack(tar, &destination, ExportStats::default()) {
            Ok(walked) => Ok(StagedCheckout { stats: walked.stats, folder: self }),
            Err(error) => {
                destination.clear();
                Err(error)
            }
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.join(STATE)
    }

    fn incoming(&self) -> PathBuf {
        self.state().join("incoming")
    }
}

impl StagedCheckout {
    /// Throws the tree away; the folder stays as it is. Blocks.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be removed; the next checkout tries it again.
    pub fn discard(self) -> Result<(), Error> {
        clear(&self.folder.incoming())
    }

    /// Puts the tree into its place. `name` is what [`CheckoutFolder::at`] says from then on. Blocks.
    ///
    /// # Errors
    /// [`Error::InTheWay`] before anything was changed; [`Error::Io`] in the middle of it: the same again mends it.
    pub fn switch(self, name: &str) -> Result<Switched, Error> {
        let Self { folder, stats } = self;
        let (state, incoming) = (folder.state(), folder.incoming());
        let tree = Tree::read(&incoming, STATE)?;
        let checked = tree.check(&folder.folder, &folder.brought);
        if let Err(error) = checked {
            clear(&incoming)?;
            return Err(error);
        }
        // Whatever happens in between, all that may be there then is known as ours.
        folder.brought.with(&tree).write(&state, None)?;
        let (brought, mut switched) = tree.switch(&incoming, &folder.folder, &folder.brought)?;
        brought.write(&state, Some(name))?;
        clear(&incoming)?;
        switched.stats = stats;
        Ok(switched)
    }
}

/// Removes a folder with everything in it, if it is there.
fn clear(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("cannot remove", folder)(error))
        }
        _ => Ok(()),
    }
}
