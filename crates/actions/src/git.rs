//! Repositories: what is in them, and bringing a mirror up to date.

use engine::ports::{RefEntry, RefQuery};
use model::{Name, Project};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// The most entries of one answer.
pub const MOST_REFS: usize = 1000;

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
