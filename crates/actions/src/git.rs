//! Repositories: what is in them, and bringing a mirror up to date.

use std::pin::Pin;

use engine::ports::{RefEntry, RefQuery, SourceError};
use model::{CommitId, Name, Project};
use tokio::io::AsyncWrite;

use crate::{Action, Actions, Actor, Error, FileDiffs, Object, Packing, authorize};

/// The most entries of one answer.
pub const MOST_REFS: usize = 1000;

/// The most commits on either side of a comparison.
pub const MOST_CHANGES: usize = 200;

/// What a release would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The commit that is live; none before the first good release.
    pub from: Option<CommitId>,
    /// The commit that would be.
    pub to: CommitId,
    /// What comes, newest first.
    pub commits: Vec<RefEntry>,
    /// What goes, newest first.
    pub undone: Vec<RefEntry>,
}

/// The most files of a difference.
pub const MOST_FILES: usize = 1000;

/// The longest patch, in bytes.
pub const LONGEST_PATCH: usize = 1 << 20;

/// What differs between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The commit before.
    pub from: CommitId,
    /// The commit after.
    pub to: CommitId,
    /// The files.
    pub files: FileDiffs,
    /// The patch, and whether there is more of it; nothing when it was not asked for.
    pub patch: Option<(String, bool)>,
}

/// An archive that is being written; dropping it stops that. It fails when not all of it was written.
pub type Writing = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl Actions {
    /// The newest branches, tags or commits of the mirror, at most `limit`. A mirror that has nothing yet is fetched first:
    /// what is there is told, or why it is not known.
    pub async fn refs(
        &self,
        actor: &Actor,
        project: &Name,
        what: &RefQuery,
        limit: usize,
    ) -> Result<Vec<RefEntry>, Error> {
        authorize(actor, Action::SeeRepository, &Object::Project(project))?;
        let project = self.project(project).await?;
        let limit = limit.clamp(1, MOST_REFS);
        let source = &self.parts.source;
        if let Ok(entries) = source.refs(&project, what, limit).await {
            return Ok(entries);
        }
        source.fetch(&project, &mut |_| {}).await?;
        Ok(source.refs(&project, what, limit).await?)
    }

    /// The commits that `of` has in its history and `since` has not, newest first, at most `limit`. What the mirror does
    /// not know is fetched first, here and below.
    pub async fn commits_since(
        &self,
        actor: &Actor,
        project: &Name,
        of: &str,
        since: &str,
        limit: usize,
    ) -> Result<Vec<RefEntry>, Error> {
        authorize(actor, Action::SeeRepository, &Object::Project(project))?;
        let project = self.project(project).await?;
        let (of, since) = (self.commit(&project, of).await?, self.commit(&project, since).await?);
        let limit = limit.clamp(1, MOST_REFS);
        Ok(self.parts.source.commits_without(&project, &of, &since, limit).await?)
    }

    /// What differs between two refs, at most `most` files and, if it is asked for, [`LONGEST_PATCH`] of the patch.
    pub async fn diff(
        &self,
        actor: &Actor,
        project: &Name,
        (from, to): (&str, &str),
        most: usize,
        with_patch: bool,
    ) -> Result<Diff, Error> {
        authorize(actor, Action::SeeRepository, &Object::Project(project))?;
        let project = self.project(project).await?;
        let (from, to) = (self.commit(&project, from).await?, self.commit(&project, to).await?);
        let repositories = &self.parts.repositories;
        let files = repositories.diff(&project, &from, &to, most.clamp(1, MOST_FILES)).await?;
        let patch = if with_patch {
            Some(repositories.patch(&project, &from, &to, LONGEST_PATCH).await?)
        } else {
            None
        };
        Ok(Diff { from, to, files, patch })
    }

    /// Finds the commit of an archive; its tree is written to `out` by whoever awaits what comes with it.
    pub async fn archive(
        &self,
        actor: &Actor,
        project: &Name,
        git_ref: &str,
        packing: Packing,
        out: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Result<(CommitId, Writing), Error> {
        authorize(actor, Action::SeeRepository, &Object::Project(project))?;
        let project = self.project(project).await?;
        let refused = |error: SourceError| Error::invalid("prefix", error.message);
        self.parts.repositories.check(&packing).map_err(refused)?;
        let commit = self.commit(&project, git_ref).await?;
        let (repositories, wanted) = (self.parts.repositories.clone(), commit.clone());
        let writing: Writing = Box::pin(async move {
            repositories.archive(&project, &wanted, &packing, out).await.map_err(Error::from)
        });
        Ok((commit, writing))
    }

    /// The commit that a ref is in the mirror, which is brought up to date when it does not know it.
    async fn commit(&self, project: &Project, git_ref: &str) -> Result<CommitId, Error> {
        let source = &self.parts.source;
        if let Ok(resolved) = source.resolve(project, git_ref).await {
            return Ok(resolved.commit);
        }
        source.fetch(project, &mut |_| {}).await?;
        Ok(source.resolve(project, git_ref).await?.commit)
    }

    /// What a release of `git_ref` to `environment` would bring and take away, compared with `from`, or else with what
    /// is live there, as far as the mirror knows: nothing is fetched.
    pub async fn changes(
        &self,
        actor: &Actor,
        project: &Name,
        environment: &Name,
        git_ref: &str,
        from: Option<&str>,
    ) -> Result<Changes, Error> {
        authorize(actor, Action::SeeRepository, &Object::Project(project))?;
        let repository = self.project(project).await?;
        self.site(project, environment).await?;
        let source = &self.parts.source;
        let to = source.resolve(&repository, git_ref).await?.commit;
        let from = if let Some(from) = from {
            Some(source.resolve(&repository, from).await?.commit)
        } else {
            let live = self.store().live(project, environment).await?;
            live.and_then(|live| live.commit.known().cloned())
        };
        let Some(from) = from else {
            let commits =
                source.refs(&repository, &RefQuery::Commits(Some(to.to_string())), MOST_CHANGES).await?;
            return Ok(Changes { from: None, to, commits, undone: Vec::new() });
        };
        let commits = source.commits_without(&repository, &to, &from, MOST_CHANGES).await?;
        // A live commit that was rewritten away in the repository takes nothing away that could be named.
        let undone = source.commits_without(&repository, &from, &to, MOST_CHANGES).await.unwrap_or_default();
        Ok(Changes { from: Some(from), to, commits, undone })
    }

    /// Brings the mirror of a project up to date.
    pub async fn fetch(&self, actor: &Actor, project: &Name) -> Result<(), Error> {
        authorize(actor, Action::FetchRepository, &Object::Project(project))?;
        let project = self.project(project).await?;
        Ok(self.parts.source.fetch(&project, &mut |_| {}).await?)
    }
}
