//! The ports `Journal`, `Queue`, `Artifacts` and `Secrets` on `store`.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use engine::given::KnownSecrets;
use engine::ports::{
    Artifacts, Claim, Entry, GoodRelease, Journal, JournalError, KeptArtifact, Queue, Secrets, StepRow,
};
use jiff::Timestamp;
use model::{CommitId, Epoch, Name, Plan, ReleaseId, Scope, Status, Wishes};
use store::{ArtifactRecord, Deed, Store};

/// A store, as the engine sees it.
#[derive(Debug, Clone)]
pub struct Memory(pub Store);

fn refused(release: ReleaseId) -> impl Fn(store::Error) -> JournalError {
    move |error| match error {
        store::Error::Fenced(_) => JournalError::Fenced(release),
        other => failed(other),
    }
}

fn failed(error: store::Error) -> JournalError {
    match error {
        store::Error::DiskFull => JournalError::Full,
        other => JournalError::Store(other.to_string()),
    }
}

#[async_trait]
impl Journal for Memory {
    async fn record(
        &self,
        release: ReleaseId,
        epoch: Epoch,
        entries: Vec<Entry>,
    ) -> Result<(), JournalError> {
        let entries = entries.into_iter().map(entry).collect();
        self.0.record(release, epoch, entries).await.map(|_| ()).map_err(refused(release))
    }

    async fn steps(&self, release: ReleaseId) -> Result<Vec<StepRow>, JournalError> {
        let rows = self.0.steps(release).await.map_err(failed)?;
        Ok(rows.into_iter().map(step).collect())
    }

    async fn steps_of(&self, release: ReleaseId, server: &Name) -> Result<Vec<StepRow>, JournalError> {
        let rows = self.0.steps_of(release, server).await.map_err(failed)?;
        Ok(rows.into_iter().map(step).collect())
    }

    async fn plan(&self, release: ReleaseId) -> Result<Plan, JournalError> {
        let plan = self.0.plan(release).await.map_err(failed)?;
        plan.ok_or_else(|| JournalError::Store(format!("release {release} has no plan")))
    }

    async fn good(&self, project: &Name, environment: &Name) -> Result<Vec<GoodRelease>, JournalError> {
        let good = self.0.good(project, environment).await.map_err(failed)?;
        let one = |good: store::Good| GoodRelease {
            id: good.id,
            name: good.name,
            elsewhere: good.elsewhere,
            kind: good.kind,
            origin: good.origin,
            commit: good.commit,
            artifact: good.artifact,
        };
        Ok(good.into_iter().map(one).collect())
    }

    async fn has_ended(&self, release: ReleaseId) -> Result<bool, JournalError> {
        self.0.ended(release).await.map_err(failed)
    }
}

fn step(row: store::StepRow) -> StepRow {
    StepRow {
        key: row.key,
        status: row.status,
        attempt: row.attempt,
        crashes: row.crashes,
        log_read: row.log_read,
        result: row.result,
    }
}

fn entry(entry: Entry) -> store::Entry {
    match entry {
        Entry::Node { fact, result } => store::Entry::Node { fact: *fact, result },
        Entry::Log { node, text } => store::Entry::Log { node, text },
        Entry::Dropped { node, bytes } => store::Entry::Dropped { node, bytes },
        Entry::LogRead { node, bytes } => store::Entry::LogRead { node, bytes },
        Entry::LogEnd { node } => store::Entry::LogEnd { node },
        Entry::Retried { server } => store::Entry::Retried { server },
        Entry::Release { status, reason } => store::Entry::Release { status, reason },
        Entry::Artifact { hash } => store::Entry::Artifact { hash },
    }
}

#[async_trait]
impl Queue for Memory {
    async fn claim(&self) -> Result<Option<Claim>, JournalError> {
        let claimed = self.0.claim().await.map_err(failed)?;
        Ok(claimed.map(|claimed| Claim {
            release: claimed.id,
            epoch: claimed.epoch,
            status: Status::Running,
            wishes: claimed.wishes,
        }))
    }

    async fn take_over(&self) -> Result<Vec<Claim>, JournalError> {
        let taken = self.0.take_over().await.map_err(failed)?;
        let claim = |taken: store::TakenOver| Claim {
            release: taken.id,
            epoch: taken.epoch,
            status: taken.status,
            wishes: taken.wishes,
        };
        Ok(taken.into_iter().map(claim).collect())
    }

    async fn wishes(&self, release: ReleaseId) -> Result<Wishes, JournalError> {
        self.0.wishes(release).await.map_err(failed)
    }
}

#[async_trait]
impl Artifacts for Memory {
    async fn find(
        &self,
        project: &Name,
        commit: &CommitId,
        build: &str,
    ) -> Result<Option<String>, JournalError> {
        let found = self.0.find_artifact(project, commit, build).await.map_err(failed)?;
        Ok(found.map(|artifact| artifact.hash))
    }

    async fn get(&self, hash: &str) -> Result<Option<KeptArtifact>, JournalError> {
        let found = self.0.artifact(hash).await.map_err(failed)?;
        Ok(found.map(|artifact| KeptArtifact {
            hash: artifact.hash,
            project: artifact.project,
            commit: artifact.commit,
            build: artifact.build,
            files: artifact.files,
            bytes: artifact.bytes,
        }))
    }

    async fn latest(&self, project: &Name) -> Result<Option<String>, JournalError> {
        Ok(self.0.latest_artifact(project).await.map_err(failed)?.map(|artifact| artifact.hash))
    }

    async fn all(&self, project: &Name) -> Result<Vec<String>, JournalError> {
        let all = self.0.artifacts(project).await.map_err(failed)?;
        Ok(all.into_iter().map(|artifact| artifact.hash).collect())
    }

    async fn needed(&self, project: &Name) -> Result<Vec<String>, JournalError> {
        let Some(known) = self.0.project(project).await.map_err(failed)? else { return Ok(Vec::new()) };
        let sites = self.0.sites(project).await.map_err(failed)?;
        let keep = sites.into_iter().map(|site| (site.name.clone(), site.effective(&known).keep));
        let keep: Vec<(Name, u32)> = keep.collect();
        self.0.needed_artifacts(project, &keep).await.map_err(failed)
    }

    async fn forget(&self, project: &Name, hash: &str) -> Result<bool, JournalError> {
        self.0.forget_artifact(project, hash).await.map_err(failed)
    }

    async fn keep(&self, artifact: &KeptArtifact) -> Result<(), JournalError> {
        let record = ArtifactRecord {
            hash: artifact.hash.clone(),
            project: artifact.project.clone(),
            commit: artifact.commit.clone(),
            build: artifact.build.clone(),
            files: artifact.files,
            bytes: artifact.bytes,
            created_at: Timestamp::now(),
        };
        self.0.put_artifact(&record).await.map_err(failed)
    }
}

#[async_trait]
impl Secrets for Memory {
    async fn of(&self, plan: &Plan) -> Result<KnownSecrets, JournalError> {
        let (project, environment) = (plan.project.name.clone(), plan.environment.name.clone());
        let values = async |scope| self.0.secret_values(&scope).await.map_err(failed);
        // Most servers have none, and there may be thousands of them.
        let stored = self.0.secrets().await.map_err(failed)?;
        let has = |name: &Name| {
            stored.iter().any(|one| matches!(&one.scope, Scope::Server(server) if server == name))
        };
        let mut servers = BTreeMap::new();
        for server in plan.servers.iter().filter(|server| has(&server.name)) {
            servers.insert(server.name.clone(), values(Scope::Server(server.name.clone())).await?);
        }
        let known = KnownSecrets {
            logins: self.0.logins(&plan.project, &plan.servers).await.map_err(failed)?,
            project: values(Scope::Project(project.clone())).await?,
            environment: values(Scope::Environment(project, environment)).await?,
            servers,
        };
        Ok(known)
    }

    async fn note_use(&self, plan: &Plan, known: &KnownSecrets) -> Result<(), JournalError> {
        self.0.note(used(plan, known)).await.map_err(failed)
    }
}

/// What the audit log says of a release that somebody begins to work on: the names of all that is opened for it.
fn used(plan: &Plan, known: &KnownSecrets) -> Deed {
    let credentials = known.logins.keys().map(ToString::to_string).collect();
    let of_servers = known.servers.values().flat_map(BTreeMap::keys);
    let names: BTreeSet<String> = known
        .project
        .keys()
        .chain(known.environment.keys())
        .chain(of_servers)
        .map(ToString::to_string)
        .collect();
    let listed = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    let detail = format!("credentials: {}; secrets: {}", listed(credentials), listed(names));
    Deed::new(&plan.by, "secrets.use", format!("release:{}", plan.release), detail)
}
