//! Artifacts: what is kept of a project, and what was built elsewhere.

use std::io::Read;

use engine::artifact::kept;
use engine::artifact::pack::{Order, Packed};
use engine::artifact::pushed::{self, Refused};
use jiff::Timestamp;
use model::{CommitId, Name};
use store::ArtifactRecord;

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// What stands for the build settings of what Aweigh did not build.
const PUSHED: &str = "pushed";

/// How many digits of a hash are enough to name an artifact.
const SHORTEST: usize = 6;

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
            let kept = |record: &ArtifactRecord| kept::chain(&data, &record.hash).is_some();
            records.into_iter().map(|record| Artifact { kept: kept(&record), record }).collect()
        });
        looked.await.map_err(|error| Error::Local { message: error.to_string(), hint: None })
    }

    /// Keeps a tree that was built elsewhere as an artifact of the commit that `git_ref` is. It is never taken for what Aweigh
    /// itself would build: only who names it brings it.
    ///
    /// `archive` is read to its end, or until it is refused; it may block. Dropping this does not stop the reading.
    pub async fn push_artifact(
        &self,
        actor: &Actor,
        project: &Name,
        git_ref: &str,
        archive: Box<dyn Read + Send>,
    ) -> Result<Artifact, Error> {
        authorize(actor, Action::PushArtifact, &Object::Project(project))?;
        let project = self.project(project).await?;
        let source = &self.parts.source;
        source.fetch(&project, &mut |_| {}).await?;
        let commit = source.resolve(&project, git_ref).await?.commit;
        let mtime = source.commit_time(&project, &commit).await?;
        let latest = self.store().latest_artifact(&project.name).await?.map(|record| record.hash);
        let (data, limits, revision) = (self.parts.data.clone(), self.parts.limits, commit.to_string());
        let packing = tokio::task::spawn_blocking(move || {
            let (previous, base) = match latest.and_then(|hash| Some((kept::chain(&data, &hash)?, hash))) {
                Some((chain, hash)) => {
                    let base = (chain.len() < kept::LONGEST_CHAIN).then(|| hash.clone());
                    (Some(kept::manifest(&data, &hash)?), base)
                }
                None => (None, None),
            };
            let order = Order { exclude: Vec::new(), mtime, revision, previous, base };
            pushed::keep(&data, order, archive, limits)
        });
        let packed =
            packing.await.map_err(|error| Error::Local { message: error.to_string(), hint: None })?;
        let packed = packed.map_err(|refused| match refused {
            Refused::Unfit(why) => Error::invalid("archive", why),
            Refused::Failed(failure) => Error::Local { message: failure.message, hint: failure.hint },
        })?;
        self.remember(&project.name, &commit, packed).await
    }

    async fn remember(&self, project: &Name, commit: &CommitId, packed: Packed) -> Result<Artifact, Error> {
        let record = ArtifactRecord {
            hash: packed.hash,
            project: project.clone(),
            commit: commit.clone(),
            build: PUSHED.to_owned(),
            files: packed.manifest.entries.len() as u64,
            bytes: packed.manifest.bytes(),
            created_at: Timestamp::now(),
        };
        self.store().put_artifact(&record).await?;
        Ok(Artifact { record, kept: true })
    }

    /// The artifact of a project whose hash begins with `hash`.
    pub(crate) async fn artifact(&self, project: &Name, hash: &str) -> Result<ArtifactRecord, Error> {
        if hash.len() < SHORTEST || !hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Error::invalid(
                "artifact",
                format!(
                    "must be a hash, or its first {SHORTEST} digits and more; `aweigh artifacts list {project}` lists them"
                ),
            ));
        }
        let mut found = self.store().artifacts(project).await?;
        found.retain(|record| record.hash.starts_with(hash));
        let Some(first) = found.first().cloned() else { return Err(Error::missing("artifact", hash)) };
        if found.iter().any(|record| record.hash != first.hash) {
            return Err(Error::invalid("artifact", "is the beginning of more than one hash"));
        }
        let (data, wanted) = (self.parts.data.clone(), first.hash.clone());
        let looked = tokio::task::spawn_blocking(move || kept::chain(&data, &wanted).is_some());
        if looked.await.unwrap_or(false) {
            Ok(first)
        } else {
            Err(Error::invalid("artifact", "is not kept any more"))
        }
    }
}
