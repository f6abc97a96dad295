//! Git LFS: files that a commit has as pointers become the objects that these stand for. The attributes of the commit
//! say which files, and their bytes what they stand for. No filter runs, and nothing but the program `git-lfs` fetches.

mod call;
mod place;

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    Access, CommitId, Error, ExportStats, GitRepository, fields::Fields, lock::Lock, running::Running,
    submodule::shown, tree::Found,
};

/// The name of every folder that is used for Git LFS and is worth nothing afterwards starts with this.
pub(crate) const FOLDER_PREFIX: &str = "lfs-";

/// The value of the attribute `filter` of a file that Git LFS keeps.
const FILTER: &[u8] = b"lfs";

impl GitRepository {
    /// Puts objects into the places of their pointers, in the tree of a commit that was exported to `tree`. `before`
    /// has counted the tree with its pointers; the answer counts it with the objects. Objects stay in the mirror, and
    /// are looked at with every use.
    ///
    /// # Errors
    /// [`Error::LfsObject`] when one is not to be had, [`Error::LfsMissing`] when one is to be fetched without
    /// `git-lfs`, and [`Error::TooLarge`].
    pub(crate) async fn bring_objects(
        &self,
        commit: &CommitId,
        tree: &Path,
        pointers: Vec<Found>,
        access: &Access,
        before: ExportStats,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<ExportStats, Error> {
        if pointers.is_empty() {
            return Ok(before);
        }
        let wanted = self.filtered(commit, pointers).await?;
        let stats = with_objects(before, &wanted);
        stats.check(&self.policy)?;
        let missing = self.put_in_place(tree, wanted).await?;
        if missing.is_empty() {
            return Ok(stats);
        }
        let place = self.lfs_place(commit).await?;
        let access = if place.url.is_beside(&self.url) { access } else { &Access::None };
        let objects = missing.iter().map(|found| &found.pointer).collect();
        let last_words = self.fetch_objects(&place, &objects, access, said).await?;
        let still = self.put_in_place(tree, missing).await?;
        still.first().map_or(Ok(stats), |found| {
            let (path, oid) = (shown(&found.path), found.pointer.oid().to_owned());
            Err(Error::LfsObject { path, oid, url: place.url.to_string(), said: last_words })
        })
    }

    /// Those files whose `filter` is `lfs`, by the attributes of the commit itself.
    async fn filtered(&self, commit: &CommitId, pointers: Vec<Found>) -> Result<Vec<Found>, Error> {
        // A fetch would take the folder for one that was left behind.
        let lock = Lock::take(&self.folder, self.policy.total_timeout).await?;
        let folder = self.lfs_folder()?;
        // git looks for attributes in a work tree or in an index; an index needs no files.
        let index = folder.path().join("index");
        let mut command = self.git.command("read-tree");
        command.env("GIT_INDEX_FILE", &index).arg(commit.as_str()).stdin(lock.stdin()?);
        let ended =
            Running::start("read-tree", command)?.finish(&self.limits(), &mut |_| (), &mut |_| ()).await?;
        if !ended.status.success() {
            return Err(self.blame(commit, Error::Failed { verb: "read-tree", said: ended.said }).await);
        }
        let paths = folder.path().join("paths");
        let asked: Vec<u8> =
            pointers.iter().flat_map(|found| found.path.iter().copied().chain([0])).collect();
        fs::write(&paths, asked).map_err(Error::io("cannot write", &paths))?;
        let mut command = self.git.command("check-attr");
        command.env("GIT_INDEX_FILE", &index).args(["--cached", "-z", "--stdin", "filter"]);
        command.stdin(File::open(&paths).map_err(Error::io("cannot read", &paths))?);
        let mut answers = Fields::default();
        let mut hear = |bytes: &[u8]| answers.feed(bytes);
        let ended =
            Running::start("check-attr", command)?.finish(&self.limits(), &mut hear, &mut |_| ()).await?;
        if !ended.status.success() {
            return Err(Error::Failed { verb: "check-attr", said: ended.said });
        }
        // Path, attribute and value of each, in the order in which they were asked.
        let answers = answers.end();
        let values = answers.split(|byte| *byte == 0).skip(2).step_by(3);
        let is_ours = |(found, value): (Found, &[u8])| (value == FILTER).then_some(found);
        Ok(pointers.into_iter().zip(values).filter_map(is_ours).collect())
    }

    /// A private folder that is removed when it is dropped, or by the next fetch.
    fn lfs_folder(&self) -> Result<TempDir, Error> {
        let made = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(&self.folder);
        made.map_err(Error::io("cannot make a folder in", &self.folder))
    }
}

/// What a tree is when it has objects in the places of these pointers.
fn with_objects(before: ExportStats, wanted: &[Found]) -> ExportStats {
    let (mut stats, mut objects) = (before, 0_u64);
    for found in wanted {
        objects = objects.saturating_add(found.pointer.size());
        stats.pointers = stats.pointers.saturating_sub(1);
    }
    stats.bytes = stats.bytes.saturating_add(objects);
    stats
}

/// A path of a tree on this machine.
fn in_tree(tree: &Path, path: &[u8]) -> PathBuf {
    tree.join(OsStr::from_bytes(path))
}
