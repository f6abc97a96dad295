//! Export: the tree of a commit as a folder, or entry by entry, exactly as `git archive` gives it.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, BufReader},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use tokio::{sync::oneshot, task::spawn_blocking};

use crate::{
    CommitId, Error, ExportStats, GitRepository, Prefix, TreeItem,
    running::Running,
    tree::{Walked, walk},
    unpack::{Destination, unpack},
};

/// Waits for the end of git, and answers whether the archive was whole.
pub(crate) type IsWhole = Box<dyn FnOnce() -> bool>;

impl GitRepository {
    /// Writes the tree of a commit into a new or empty folder: the bytes, links and executable bits of `git archive`,
    /// without `.git`. Files get the time of the commit. Links are made and never followed.
    ///
    /// When it fails, or when the future is dropped, the folder is emptied again.
    ///
    /// # Errors
    /// [`Error::NotEmpty`]; [`Error::CommitGone`] when the mirror does not have the commit; [`Error::TooLarge`] when the
    /// tree passes a limit of the policy.
    pub async fn export(&self, commit: &CommitId, into: &Path) -> Result<ExportStats, Error> {
        Ok(self.export_after(commit, into, ExportStats::default()).await?.stats)
    }

    /// The same for a part of a larger tree, of which `before` is counted already.
    pub(crate) async fn export_after(
        &self,
        commit: &CommitId,
        into: &Path,
        before: ExportStats,
    ) -> Result<Walked, Error> {
        let destination = Destination::new(into, &self.policy)?;
        self.read_archive(self.start_archive(commit, None)?, commit, move |tar, is_whole| {
            let unpacked = unpack(tar, &destination, before);
            if unpacked.is_err() || !is_whole() {
                destination.clear();
            }
            unpacked
        })
        .await
    }

    /// Gives every entry of the tree of a commit to `take`, on a thread where blocking is allowed: with its path, with
    /// the bytes of `git archive`, folders before what is in them. With `paths` only these, and the folders that lead
    /// to them; a path that the commit does not have is an error.
    ///
    /// What `take` did with a tree that is not whole is worth nothing: only an `Ok` of this means that it was.
    ///
    /// # Errors
    /// Those of [`export`](Self::export), and what `take` answers.
    pub async fn read_tree(
        &self,
        commit: &CommitId,
        paths: Option<&[Vec<u8>]>,
        mut take: impl FnMut(&[u8], TreeItem<'_>) -> io::Result<()> + Send + 'static,
    ) -> Result<ExportStats, Error> {
        let policy = self.policy.clone();
        let walked = self.read_archive(self.start_archive(commit, paths)?, commit, move |tar, _| {
            let broken = |source| Error::io("cannot read", "archive")(source);
            walk(tar, &policy, ExportStats::default(), broken, |path, _, item| {
                take(path, item).map_err(Error::io("cannot take in", "the tree"))
            })
        });
        Ok(walked.await?.stats)
    }

    /// Runs `read` on the stream of an archive. It is given the question whether the archive was whole, which waits
    /// for the end of git.
    pub(crate) async fn read_archive<T: Send + 'static>(
        &self,
        mut running: Running,
        commit: &CommitId,
        read: impl FnOnce(BufReader<File>, IsWhole) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let tar = running.take_stdout()?.into_owned_fd().map_err(Error::io("cannot read", "archive"))?;
        let (verdict, judged) = oneshot::channel();
        let reading = spawn_blocking(move || {
            // A tar stream that ends early can look complete: only git's exit status tells. No verdict means that
            // nobody waits any more.
            let is_whole: IsWhole = Box::new(move || judged.blocking_recv().unwrap_or(false));
            read(BufReader::with_capacity(1 << 18, File::from(tar)), is_whole)
        });
        let ended = running.finish(&self.limits(), &mut |_| (), &mut |_| ()).await?;
        let _ = verdict.send(ended.status.success());
        let read = reading.await.map_err(|source| Error::io("cannot read", "archive")(source.into()))?;
        // When reading fails git dies of a closed pipe, so the reason is on our side.
        let done = read?;
        if ended.status.success() {
            return Ok(done);
        }
        Err(self.blame(commit, Error::Failed { verb: "archive", said: ended.said }).await)
    }

    pub(crate) fn start_archive(
        &self,
        commit: &CommitId,
        paths: Option<&[Vec<u8>]>,
    ) -> Result<Running, Error> {
        let mut command = self.archive_command(commit, "tar", &Prefix::default());
        if let Some(paths) = paths {
            // Names as they are, whatever stands in them.
            command.env("GIT_LITERAL_PATHSPECS", "1");
            command.args(paths.iter().map(|path| OsStr::from_bytes(path)));
        }
        Running::start("archive", command)
    }
}
