//! The folder of a mirror: made in one rename, and mended after a git that was killed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

use crate::{Error, GitRepository, access, lfs, lock::Lock, running::Running};

/// The file inside the mirror that says what it mirrors.
const MIRRORED: &str = "mirrored-url";

impl GitRepository {
    /// Tells whether the mirror is there and is one of this address.
    pub(crate) fn is_made(&self) -> bool {
        let mirrored = fs::read_to_string(self.git.mirror.join(MIRRORED));
        mirrored.is_ok_and(|url| url == self.url.as_str()) && self.git.mirror.join("HEAD").is_file()
    }

    /// Makes the mirror unless it is there.
    pub(crate) async fn make_if_absent(&self, lock: &Lock) -> Result<(), Error> {
        if self.is_made() { Ok(()) } else { self.make(lock, "sha1").await }
    }

    /// Makes an empty mirror in the place of whatever is there. It appears with its address in it, or not at all.
    pub(crate) async fn make(&self, lock: &Lock, object_format: &str) -> Result<(), Error> {
        let new = self.folder.join("new.git");
        self.remove(lock, new.clone()).await?;
        let mut command = self.git.bare_command();
        command.args(["init", "--bare", "--quiet", "--template=", "--initial-branch=main"]);
        command.arg(format!("--object-format={object_format}")).arg("--").arg(&new).stdin(lock.stdin()?);
        let ended = Running::start("init", command)?.finish(&self.limits(), &mut |_| (), &mut |_| ()).await?;
        if !ended.status.success() {
            return Err(Error::Failed { verb: "init", said: ended.said });
        }
        let mirrored = new.join(MIRRORED);
        fs::write(&mirrored, self.url.as_str()).map_err(Error::io("cannot write", mirrored))?;
        self.remove(lock, self.git.mirror.clone()).await?;
        fs::rename(&new, &self.git.mirror).map_err(Error::io("cannot make", &self.git.mirror))
    }

    /// Removes what a killed fetch left behind: lock files, half-written packs and lent credentials. The lock proves
    /// that no git that could own them is alive.
    pub(crate) async fn mend(&self, lock: &Lock) -> Result<(), Error> {
        let (folder, git_dir) = (self.folder.clone(), self.git.mirror.clone());
        blocking(lock, folder.clone(), "cannot clean", move || {
            let is_lent = |name: &str| {
                [access::FOLDER_PREFIX, lfs::FOLDER_PREFIX].iter().any(|prefix| name.starts_with(prefix))
            };
            remove_named(&folder, false, &is_lent)?;
            let is_lock = |name: &str| name.strip_suffix(".lock").is_some() || name == "gc.pid";
            remove_named(&git_dir, false, &is_lock)?;
            remove_named(&git_dir.join("refs"), true, &is_lock)?;
            // Beside its objects git-lfs has only what is half-written, and logs of its failures.
            remove_named(&git_dir.join("lfs"), false, &|name| name != "objects")?;
            let is_half = |name: &str| {
                is_lock(name) || ["tmp_", "incoming-", "tmp-"].iter().any(|prefix| name.starts_with(prefix))
            };
            remove_named(&git_dir.join("objects"), true, &is_half)
        })
        .await
    }

    async fn remove(&self, lock: &Lock, tree: PathBuf) -> Result<(), Error> {
        blocking(lock, tree.clone(), "cannot remove", move || found(fs::remove_dir_all(tree)).map(drop)).await
    }
}

/// Works on files off the runtime. The work goes on when the caller is dropped, so it holds the lock itself.
async fn blocking(
    lock: &Lock,
    path: PathBuf,
    what: &'static str,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), Error> {
    let held = lock.clone();
    let done = spawn_blocking(move || {
        let done = work();
        drop(held);
        done
    });
    done.await.map_err(io::Error::other).flatten().map_err(Error::io(what, path))
}

/// Removes the entries of a folder whose name is doomed, and looks below the others when `deep`.
fn remove_named(folder: &Path, deep: bool, doomed: &dyn Fn(&str) -> bool) -> io::Result<()> {
    let Some(entries) = found(fs::read_dir(folder))? else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        if entry.file_name().to_str().is_some_and(doomed) {
            let path = entry.path();
            found(if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) })?;
        } else if deep && is_folder {
            remove_named(&entry.path(), deep, doomed)?;
        }
    }
    Ok(())
}

/// Takes something that is not there for nothing.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
