//! What a name stands for: the thing that is defined under it, or an error that says what is missing.

use model::{Name, Project, Server, Site};

use crate::{Actions, Error};

impl Actions {
    pub(crate) async fn project(&self, name: &Name) -> Result<Project, Error> {
        self.store().project(name).await?.ok_or_else(|| Error::missing("project", name))
    }

    /// The environment of a project as it was written.
    pub(crate) async fn site(&self, project: &Name, environment: &Name) -> Result<Site, Error> {
        let site = self.store().site(project, environment).await?;
        site.ok_or_else(|| Error::missing("environment", &format!("{project}/{environment}")))
    }

    pub(crate) async fn server(&self, name: &Name) -> Result<Server, Error> {
        self.store().server(name).await?.ok_or_else(|| Error::missing("server", name))
    }
}
