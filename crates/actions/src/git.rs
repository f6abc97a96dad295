//! Repositories: what is in them, and bringing a mirror up to date.

use engine::ports::{RefEntry, RefQuery};
use model::{CommitId, Name, Project};

use crate::{Action, Actions, Actor, Error, Object, authorize};

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

impl Actions {
    /// The newest branches, tags or commits of the mirror, at most `limit`. A mirror that is not there yet is
    /// fetched first.
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
        if self.store().site(project, environment).await?.is_none() {
            return Err(Error::missing("environment", &format!("{project}/{environment}")));
        }
        let source = &self.parts.source;
        let to = source.resolve(&repository, git_ref).await?.commit;
        let from = match from {
            Some(from) => Some(source.resolve(&repository, from).await?.commit),
            None => self
                .store()
                .good(project, environment)
                .await?
                .first()
                .and_then(|good| good.commit.known().cloned()),
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

    pub(crate) async fn project(&self, name: &Name) -> Result<Project, Error> {
        self.store().project(name).await?.ok_or_else(|| Error::missing("project", name))
    }
}
