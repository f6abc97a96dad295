//! Artifacts: what is kept of a project, and what was built elsewhere.

use std::io::Read;
use std::path::{Path, PathBuf};

use engine::artifact::kept;
use engine::artifact::pack::{Order, Packed};
use engine::artifact::pushed::{self, Limits, Refused};
use jiff::Timestamp;
use model::{CommitId, Name};
use store::{ArtifactRecord, Store};

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// How many artifacts are pushed at once: each holds a thread, and names in memory.
pub(crate) const AT_ONCE: usize = 4;

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
    /// `archive` is read to its end, or until it is refused; it may block. Dropping this stops nothing: what arrives whole is
    /// kept. Only so many are taken at once.
    pub async fn push_artifact(
        &self,
        actor: &Actor,
        project: &Name,
        git_ref: &str,
        archive: Box<dyn Read + Send>,
    ) -> Result<Artifact, Error> {
        authorize(actor, Action::PushArtifact, &Object::Project(project))?;
        let room = engine::room::check(&self.parts.data, self.parts.disk_reserve)
            .map_err(|failure| Error::NoRoom { message: failure.message, hint: failure.hint })?;
        let place = self.pushes.clone().try_acquire_owned().map_err(|_| Error::TooManyPushes)?;
        let project = self.project(project).await?;
        let source = &self.parts.source;
        source.fetch(&project, &mut |_| {}).await?;
        let commit = source.resolve(&project, git_ref).await?.commit;
        let mtime = source.commit_time(&project, &commit).await?;
        let latest = self.store().latest_artifact(&project.name).await?.map(|record| record.hash);
        let push = Push {
            store: self.store().clone(),
            data: self.parts.data.clone(),
            limits: Limits { bytes: self.parts.limits.bytes.min(room), ..self.parts.limits },
            project: project.name,
            commit,
            mtime,
            latest,
        };
        let (object, detail) = (Object::Project(&push.project), push.commit.to_string());
        self.note(actor.deed("artifact.push", &object, &detail)).await?;
        // Whoever asked may go; what has arrived is kept and remembered all the same, or not at all.
        let pushed = tokio::spawn(async move {
            let _place = place;
            push.run(archive).await
        });
        pushed.await.map_err(|error| Error::Local { message: error.to_string(), hint: None })?
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
        if is_kept(&self.parts.data, &first.hash).await {
            Ok(first)
        } else {
            Err(Error::invalid("artifact", "is not kept any more"))
        }
    }
}

/// A tree on its way from an archive to an artifact.
struct Push {
    store: Store,
    data: PathBuf,
    limits: Limits,
    project: Name,
    commit: CommitId,
    /// The time of the commit, in seconds since 1970.
    mtime: i64,
    /// The artifact that it may share files with.
    latest: Option<String>,
}

impl Push {
    async fn run(self, archive: Box<dyn Read + Send>) -> Result<Artifact, Error> {
        let (data, limits, latest) = (self.data.clone(), self.limits, self.latest.clone());
        let (mtime, revision) = (self.mtime, self.commit.to_string());
        let packing =
            tokio::task::spawn_blocking(move || pack(&data, limits, latest, mtime, revision, archive));
        let packed =
            packing.await.map_err(|error| Error::Local { message: error.to_string(), hint: None })?;
        let packed = packed.map_err(|refused| match refused {
            Refused::Unfit(why) => Error::invalid("archive", why),
            Refused::Failed(failure) => Error::Local { message: failure.message, hint: failure.hint },
        })?;
        let record = ArtifactRecord {
            hash: packed.hash,
            project: self.project,
            commit: self.commit,
            build: PUSHED.to_owned(),
            files: packed.manifest.entries.len() as u64,
            bytes: packed.manifest.bytes(),
            created_at: Timestamp::now(),
        };
        self.store.put_artifact(&record).await?;
        // Since it is remembered nothing that it builds upon is removed; what was removed before is missed now.
        if is_kept(&self.data, &record.hash).await {
            return Ok(Artifact { record, kept: true });
        }
        self.store.forget_artifact(&record.project, &record.hash).await?;
        Err(Error::Local {
            message: "the artifact that this one shares files with was removed meanwhile".to_owned(),
            hint: Some("push it once more".to_owned()),
        })
    }
}

fn pack(
    data: &Path,
    limits: Limits,
    latest: Option<String>,
    mtime: i64,
    revision: String,
    archive: Box<dyn Read + Send>,
) -> Result<Packed, Refused> {
    let before = latest.as_deref().map(|hash| kept::before(data, hash)).transpose()?.flatten();
    let (previous, is_base) = before.unzip();
    let base = latest.filter(|_| is_base == Some(true));
    let order = Order { exclude: Vec::new(), mtime, revision, previous, base };
    pushed::keep(data, order, archive, limits)
}

/// Whether an artifact has all its files.
async fn is_kept(data: &Path, hash: &str) -> bool {
    let (data, hash) = (data.to_owned(), hash.to_owned());
    tokio::task::spawn_blocking(move || kept::chain(&data, &hash).is_some()).await.unwrap_or(false)
}
