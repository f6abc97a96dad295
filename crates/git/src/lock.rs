//! One writer per mirror: a file lock that git itself holds too, so that it outlives a killed Aweigh.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::Error;

/// The right to write to a mirror. Clones share it; it ends when the last of them, and the last git started with
/// [`stdin`](Lock::stdin), is gone.
///
/// Every [`take`](Lock::take) opens the file anew, so two fetches in one process exclude each other just as two
/// processes do.
#[derive(Clone)]
pub(crate) struct Lock(Arc<File>);

impl Lock {
    /// Waits for the right. Cancel safe.
    ///
    /// # Errors
    /// [`Error::Locked`] when it was not to be had within `patience`.
    pub(crate) async fn take(folder: &Path, patience: Duration) -> Result<Self, Error> {
        let path = folder.join("lock");
        let cannot_open = Error::io("cannot open", &path);
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = options.map_err(cannot_open)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(Arc::new(file))),
                Err(TryLockError::Error(source)) => return Err(Error::io("cannot lock", &path)(source)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                    return Err(Error::Locked { folder: folder.into() });
                }
                // The owner may be a git without a parent, so there is nobody to wake us.
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// A standard input for git: the lock file, which is empty. As long as that git lives the lock is held, even when
    /// this process was killed.
    pub(crate) fn stdin(&self) -> Result<Stdio, Error> {
        let file = self.0.try_clone().map_err(Error::io("cannot share", "lock"))?;
        Ok(Stdio::from(file))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[tokio::test]
    async fn a_child_keeps_the_lock_that_its_parent_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path(), Duration::ZERO).await.unwrap();
        let mut child = Command::new("sleep").arg("1000").stdin(lock.stdin().unwrap()).spawn().unwrap();
        drop(lock);
        let refused = Lock::take(folder.path(), Duration::from_millis(30)).await;
        assert!(matches!(refused, Err(Error::Locked { .. })));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Lock::take(folder.path(), Duration::ZERO).await.is_ok());
    }
}
