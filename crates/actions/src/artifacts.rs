//! Artifacts: what is kept of a project.

use model::Name;
use store::ArtifactRecord;

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// One artifact of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// What is remembered of it.
    pub record: ArtifactRecord,
    /// Its files are kept: it can be released again.
    pub kept: bool,
}

impl Actions {
    /// The artifacts of a project, newest first.
    pub async fn artifacts(&self, actor: &Actor, project: &Name) -> Result<Vec<Artifact>, Error> {
        authorize(actor, Action::SeeReleases, &Object::Project(project))?;
        self.project(project).await?;
        let records = self.store().artifacts(project).await?;
        let data = self.parts.data.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let kept = |record: &ArtifactRecord| engine::artifact::kept::chain(&data, &record.hash).is_some();
            records.into_iter().map(|record| Artifact { kept: kept(&record), record }).collect()
        });
        looked.await.map_err(|error| Error::Local { message: error.to_string(), hint: None })
    }
}
