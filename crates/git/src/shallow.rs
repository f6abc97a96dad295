//! Shallow mirrors, for huge repositories: one branch, tag or commit, and a part of its history.

use std::{fs, num::NonZeroU32};

use crate::{
    Access, CommitId, Error, GitRepository, RefKind, RefName, Resolved,
    access::Lent,
    fetch::PINNED,
    lock::Lock,
    running::{Limits, Running},
};

/// Bytes of what a remote repository says of one name.
const LONGEST: usize = 1 << 16;

impl GitRepository {
    /// Brings one branch, tag or commit into the mirror, with `depth` commits of its history, and nothing else: what
    /// the mirror has besides is left as it is, and a mirror that has the whole history stays whole. A branch goes before
    /// a tag; a commit is asked for by its full id, which not every host allows. A later [`fetch`](Self::fetch) brings the
    /// whole repository.
    ///
    /// In such a mirror trees, archives and differences are whole. Listings have what was fetched; the history of a
    /// commit ends early; [`commits_without`](Self::commits_without) is refused.
    ///
    /// Locks, `said` and dropping are as with [`fetch`](Self::fetch).
    ///
    /// # Errors
    /// Those of [`fetch`](Self::fetch); [`Error::UnknownRef`]; [`Error::Shallow`] for a short commit id.
    pub async fn fetch_shallow(
        &self,
        name: &RefName,
        depth: NonZeroU32,
        access: &Access,
        mut said: impl FnMut(&str) + Send,
    ) -> Result<Resolved, Error> {
        let lock = Lock::take(&self.folder, self.policy.total_timeout).await?;
        self.mend(&lock).await?;
        self.make_if_absent(&lock).await?;
        let lent = Lent::new(&self.folder, &self.url, access)?;
        let wanted = self.wanted(name, &lock, &lent).await?;
        let (kind, refspec, full_ref) = match &wanted {
            Wanted::Ref(kind, full) => (*kind, format!("+{full}:{full}"), Some(full.clone())),
            Wanted::Commit(id) => (RefKind::Commit, format!("+{id}:{PINNED}{id}"), None),
        };
        let depth = format!("--depth={depth}");
        // git would cut off, for everybody, the history that a whole mirror has.
        let options: &[&str] = if self.is_shallow() || self.is_empty().await? { &[&depth] } else { &[] };
        let ended = self.fetch_in_its_format(&lock, &lent, options, &[&refspec], &mut said).await?;
        if !ended.status.success() {
            let error = self.blame_remote("fetch", &lent, ended).await;
            let _ = self.mend(&lock).await;
            return match (error, wanted) {
                (Error::Failed { .. } | Error::NotFound { .. }, Wanted::Commit(commit)) => {
                    Err(Error::CommitGone { commit, url: self.url.to_string() })
                }
                (error, _) => Err(error),
            };
        }
        let commit = match wanted {
            Wanted::Commit(id) => id,
            Wanted::Ref(_, full) => self.resolve(&RefName::parse(&full)?).await?.commit,
        };
        Ok(Resolved { commit, kind, full_ref })
    }

    /// Tells whether the mirror has a part of the history only.
    pub fn is_shallow(&self) -> bool {
        fs::metadata(self.git.mirror.join("shallow")).is_ok_and(|file| file.len() > 0)
    }

    /// Tells whether the mirror has nothing: nothing was fetched yet, or there was nothing to fetch.
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.answer("for-each-ref", &["--count=1"], None).await?.is_empty())
    }

    /// The mirror cannot tell something because it is shallow.
    pub(crate) fn too_shallow(&self, what: String) -> Error {
        Error::Shallow { url: self.url.to_string(), what }
    }

    /// Asks the remote repository what a name is there.
    async fn wanted(&self, name: &RefName, lock: &Lock, lent: &Lent) -> Result<Wanted, Error> {
        if let Ok(id) = CommitId::parse(&name.as_hex().unwrap_or_default()) {
            return Ok(Wanted::Commit(id));
        }
        let typed = name.as_str();
        let asked = match typed {
            full if full.starts_with("refs/heads/") => vec![(RefKind::Branch, full.to_owned())],
            full if full.starts_with("refs/tags/") => vec![(RefKind::Tag, full.to_owned())],
            short => vec![
                (RefKind::Branch, format!("refs/heads/{short}")),
                (RefKind::Tag, format!("refs/tags/{short}")),
            ],
        };
        let mut command = self.git.command("ls-remote");
        command.args(["--quiet", "--end-of-options", self.url.as_str()]).stdin(lock.stdin()?);
        command.args(asked.iter().map(|(_, full)| full));
        lent.lend(&mut command);
        let limits = Limits { idle: Some(self.policy.idle_timeout), ..self.limits() };
        let mut answer = Vec::new();
        let mut keep = |bytes: &[u8]| answer.extend(bytes.iter().take(LONGEST.saturating_sub(answer.len())));
        let ended = Running::start("ls-remote", command)?.finish(&limits, &mut keep, &mut |_| ()).await?;
        if !ended.status.success() {
            return Err(self.blame_remote("ls-remote", lent, ended).await);
        }
        let answer = String::from_utf8_lossy(&answer);
        // A pattern is also found at the end of a longer name.
        let there: Vec<&str> = answer.lines().filter_map(|line| Some(line.split_once('\t')?.1)).collect();
        let found = asked.into_iter().find(|(_, full)| there.contains(&full.as_str()));
        match found {
            Some((kind, full)) => Ok(Wanted::Ref(kind, full)),
            None if name.as_hex().is_some() => Err(self
                .too_shallow(format!("what begins with {name} cannot be looked for, give all its digits"))),
            None => Err(Error::UnknownRef {
                name: name.to_string(),
                url: self.url.to_string(),
                close: Vec::new(),
            }),
        }
    }
}

/// What is fetched.
enum Wanted {
    /// A branch or tag, by its full name.
    Ref(RefKind, String),
    Commit(CommitId),
}
