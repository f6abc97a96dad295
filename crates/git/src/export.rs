//! Export: the tree of a commit as a tar stream or as a folder, exactly as `git archive` gives it.

use std::{fs::File, io::BufReader, path::Path};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _, copy},
    sync::oneshot,
    task::spawn_blocking,
    try_join,
};

use crate::{
    CommitId, Error, ExportStats, GitRepository,
    running::Running,
    unpack::{Destination, unpack},
};

impl GitRepository {
    /// Writes the tree of a commit to `out` as the tar stream of `git archive`. Attributes (`export-ignore`,
    /// `export-subst`, line ends) come from the tree itself; no filter runs.
    ///
    /// # Errors
    /// [`Error::CommitGone`] when the mirror does not have the commit. What was written by then is no whole archive.
    pub async fn archive(&self, commit: &CommitId, mut out: impl AsyncWrite + Unpin) -> Result<(), Error> {
        let mut running = self.start_archive(commit)?;
        let mut tar = running.take_stdout()?;
        let limits = self.limits();
        let written = async {
            copy(&mut tar, &mut out).await.map_err(Error::io("cannot write", "archive"))?;
            out.flush().await.map_err(Error::io("cannot write", "archive"))
        };
        let (mut taken, mut unheard) = (|_: &[u8]| (), |_: &str| ());
        let ((), ended) = try_join!(written, running.finish(&limits, &mut taken, &mut unheard))?;
        if ended.status.success() {
            return Ok(());
        }
        Err(self.blame(commit, Error::Failed { verb: "archive", said: ended.said }).await)
    }

    /// Writes the tree of a commit into a new or empty folder: the bytes, links and executable bits of `git archive`,
    /// without `.git`. Files get the time of the commit. Links are made and never followed.
    ///
    /// When it fails, or when the future is dropped, the folder is emptied again.
    ///
    /// # Errors
    /// [`Error::NotEmpty`]; [`Error::CommitGone`] when the mirror does not have the commit; [`Error::TooLarge`] when the
    /// tree passes a limit of the policy.
    pub async fn export(&self, commit: &CommitId, into: &Path) -> Result<ExportStats, Error> {
        let destination = Destination::new(into, &self.policy)?;
        let mut running = self.start_archive(commit)?;
        let tar = running.take_stdout()?.into_owned_fd().map_err(Error::io("cannot read", "archive"))?;
        let (verdict, judged) = oneshot::channel();
        let unpacking = spawn_blocking(move || {
            let unpacked = unpack(BufReader::with_capacity(1 << 18, File::from(tar)), &destination);
            // A tar stream that ends early can look complete: only git's exit status tells. No verdict means that
            // nobody waits any more.
            let is_whole = judged.blocking_recv().unwrap_or(false);
            if unpacked.is_err() || !is_whole {
                destination.clear();
            }
            unpacked
        });
        let ended = running.finish(&self.limits(), &mut |_| (), &mut |_| ()).await?;
        let _ = verdict.send(ended.status.success());
        let unpacked =
            unpacking.await.map_err(|source| Error::io("cannot export to", into)(source.into()))?;
        // When unpacking fails git dies of a closed pipe, so the reason is on our side.
        let stats = unpacked?;
        if ended.status.success() {
            return Ok(stats);
        }
        Err(self.blame(commit, Error::Failed { verb: "archive", said: ended.said }).await)
    }

    fn start_archive(&self, commit: &CommitId) -> Result<Running, Error> {
        let mut command = self.git.command("archive");
        command.args(["--format=tar", "--end-of-options", &format!("{commit}^{{commit}}")]);
        Running::start("archive", command)
    }
}
