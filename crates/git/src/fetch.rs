//! Fetch: bring branches and tags of the remote repository into the mirror, and drop those that are gone.

use crate::{
    Access, CommitId, Error, GitRepository,
    access::Lent,
    classify::{Asked, classify},
    default_branch::REMOTE_HEAD,
    lock::Lock,
    running::{Ended, Limits, Running},
};

/// What a mirror has: a force-pushed branch and a moved tag replace what was there. The remote `HEAD` comes along: as
/// a pattern, it may be missing.
const REFSPECS: [&str; 3] =
    ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+HEAD*:refs/mirror/HEAD*"];

/// Where a commit is kept that no branch and no tag has.
pub(crate) const PINNED: &str = "refs/pinned/";

/// What git says when one side names objects by SHA-1 and the other by SHA-256.
const OTHER_FORMAT: &str = "mismatched algorithms";

impl GitRepository {
    /// Makes the mirror equal to the remote repository. `said` gets git's progress, line by line, clean of control
    /// characters and secrets.
    ///
    /// One fetch runs at a time; others wait for [`Policy::total_timeout`](crate::Policy::total_timeout) at most.
    /// Dropping the future kills git; the next fetch removes what it left behind.
    ///
    /// # Errors
    /// Each way in which a remote repository fails has a variant of [`Error`]. After [`Error::Empty`] the mirror is
    /// empty too; after any other error it has what it had, or a part of the news.
    pub async fn fetch(&self, access: &Access, mut said: impl FnMut(&str) + Send) -> Result<(), Error> {
        let lock = Lock::take(&self.folder, self.policy.total_timeout).await?;
        self.mend(&lock).await?;
        let fetched = self.fetch_alone(&lock, access, &mut said).await;
        if fetched.is_err()
            && let Err(error) = self.mend(&lock).await
        {
            tracing::debug!(%error, "what is half there stays until the next fetch");
        }
        fetched
    }

    async fn fetch_alone(
        &self,
        lock: &Lock,
        access: &Access,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), Error> {
        self.make_if_absent(lock).await?;
        let lent = Lent::new(&self.folder, &self.url, access)?;
        // A mirror that had a part of the history gets the rest.
        let whole: &[&str] = if self.is_shallow() { &["--unshallow"] } else { &[] };
        let ended = self.fetch_in_its_format(lock, &lent, whole, &REFSPECS, said).await?;
        if !ended.status.success() {
            return Err(self.blame_remote("fetch", &lent, ended).await);
        }
        let heads = self.heads().await?;
        let has_branch = heads.iter().any(|head| head.full_ref != REMOTE_HEAD);
        if !has_branch && self.answer("for-each-ref", &["--count=1", "refs/tags"], None).await?.is_empty() {
            return Err(Error::Empty { url: self.url.to_string() });
        }
        if let Err(error) = self.follow_head(&heads, lock, &lent).await {
            tracing::debug!(%error, "the default branch is not known");
        }
        drop(lent);
        if let Err(error) = self.tidy_up(lock).await {
            tracing::debug!(%error, "the mirror was not packed");
        }
        Ok(())
    }

    /// Sees that the mirror has a commit: it is fetched when it is not there, with all branches and tags, or, when none
    /// of these has it, by its id. Then a ref of the mirror keeps it.
    ///
    /// # Errors
    /// Those of [`fetch`](Self::fetch), and [`Error::CommitGone`] when the remote repository does not give it.
    pub(crate) async fn fetch_commit(
        &self,
        commit: &CommitId,
        access: &Access,
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), Error> {
        if self.has(commit).await? {
            return Ok(());
        }
        self.fetch(access, &mut *said).await?;
        if self.has(commit).await? {
            return Ok(());
        }
        let lock = Lock::take(&self.folder, self.policy.total_timeout).await?;
        let lent = Lent::new(&self.folder, &self.url, access)?;
        let refspec = format!("+{commit}:{PINNED}{commit}");
        let ended = self.fetch_refs(&lock, &lent, &[], &[&refspec], said).await?;
        if ended.status.success() && self.has(commit).await? {
            return Ok(());
        }
        // That the host can be reached has just been seen; what it says of an id that it does not give differs.
        match self.blame_remote("fetch", &lent, ended).await {
            Error::Failed { .. } | Error::NotFound { .. } => {
                Err(Error::CommitGone { commit: commit.clone(), url: self.url.to_string() })
            }
            error => Err(error),
        }
    }

    /// Tells whether the mirror has a commit.
    pub(crate) async fn has(&self, commit: &CommitId) -> Result<bool, Error> {
        let asked = format!("{commit}^{{commit}}\n");
        let said = self.answer("cat-file", &["--batch-check=%(objecttype)"], Some(&asked)).await?;
        Ok(said.trim_end() == "commit")
    }

    /// The same as [`fetch_refs`](Self::fetch_refs), in a mirror that names objects as the remote repository does.
    pub(crate) async fn fetch_in_its_format(
        &self,
        lock: &Lock,
        lent: &Lent,
        options: &[&str],
        refspecs: &[&str],
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, Error> {
        let ended = self.fetch_refs(lock, lent, options, refspecs, said).await?;
        if !ended.said.contains(OTHER_FORMAT) {
            return Ok(ended);
        }
        let ours = self.answer("rev-parse", &["--show-object-format"], None).await?;
        self.make(lock, if ours.trim_end() == "sha1" { "sha256" } else { "sha1" }).await?;
        // A mirror that was made anew is not shallow.
        let options: Vec<&str> = options.iter().copied().filter(|option| *option != "--unshallow").collect();
        self.fetch_refs(lock, lent, &options, refspecs, said).await
    }

    pub(crate) async fn fetch_refs(
        &self,
        lock: &Lock,
        lent: &Lent,
        options: &[&str],
        refspecs: &[&str],
        said: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Ended, Error> {
        let mut command = self.git.command("fetch");
        command.args(options).args([
            "--prune",
            "--no-tags",
            "--progress",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--no-write-fetch-head",
            "--no-show-forced-updates",
            "--end-of-options",
            self.url.as_str(),
        ]);
        command.args(refspecs).stdin(lock.stdin()?);
        lent.lend(&mut command);
        let limits = Limits {
            total: self.policy.total_timeout,
            idle: Some(self.policy.idle_timeout),
            grows: Some((self.git.mirror.join("objects/pack"), self.policy.max_bytes)),
        };
        // Of our own way to remember the remote `HEAD` nobody needs to know.
        let mut say = |line: &str| {
            if !line.trim_end().ends_with(REMOTE_HEAD) {
                said(line);
            }
        };
        Running::start("fetch", command)?.finish(&limits, &mut |_| (), &mut say).await
    }

    pub(crate) async fn blame_remote(&self, verb: &'static str, lent: &Lent, ended: Ended) -> Error {
        let asked =
            Asked { verb, url: self.url.as_str(), folder: &self.folder, with_access: lent.with_access() };
        let error = classify(&asked, ended.said);
        let (Error::Denied { .. }, Some(check)) = (&error, lent.check_key()) else { return error };
        let Ok(check) = Running::start("ssh-keygen", check) else { return error };
        match check.finish(&self.limits(), &mut |_| (), &mut |_| ()).await {
            Ok(Ended { status, said }) if !status.success() => {
                Error::KeyUnusable { url: self.url.to_string(), said }
            }
            _ => error,
        }
    }
}
