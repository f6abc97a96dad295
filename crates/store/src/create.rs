//! Creates releases: number, plan, steps, servers and first fact in one transaction, or a reason why not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{CommitId, Kind, Name, Plan, ReleaseId, ServerState, Status};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel};

use crate::facts::Facts;
use crate::locks::{self, SiteLock};
use crate::sql::{all, execute, number, numbers, one, sql, texts, to_json, to_word};
use crate::tables::{release, release_server, step};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store, ending, steps};

/// How many rows one statement inserts; far below SQLite's limit of 32,766 values.
const ROWS: usize = 500;

/// Makes the plan once the number and the time of the release are known. It must not wait for anything.
pub type PlanFn = Box<dyn FnOnce(ReleaseId, Timestamp) -> Plan + Send + Sync>;

/// What the audit log says of a release, once its number is known.
pub type DeedFn = Box<dyn FnOnce(ReleaseId) -> Deed + Send + Sync>;

/// A release that somebody asks for.
pub struct NewRelease {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// Forward or back.
    pub kind: Kind,
    /// What was asked for.
    pub git_ref: String,
    /// What that was.
    pub commit: CommitId,
    /// For a rollback: the release it brings back.
    pub rollback_to: Option<ReleaseId>,
    /// Its servers, in order.
    pub servers: Vec<Name>,
    /// What its author wrote.
    pub note: String,
    /// Who pressed Release.
    pub by: String,
    /// What becomes of the unfinished releases of the environment.
    pub others: Others,
    /// When it succeeds, the environment is locked.
    pub locks: bool,
    /// Makes a repeated request answer with the first one's release.
    pub idempotency: Option<Idempotency>,
    /// Makes the plan.
    pub plan: PlanFn,
}

/// What becomes of the unfinished releases of an environment when another one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// The new one is refused.
    #[default]
    Refuse,
    /// The new one waits behind them.
    Queue,
    /// The new one waits behind the one that has begun, in the place of those that wait.
    Supersede,
    /// Those that wait are superseded, and this one, which has begun, is ended where it stands; `None` when none has. The
    /// new one goes back at once.
    End(Option<ReleaseId>),
}

/// What makes a repeated request known as such. Keys of different authors are different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key that the caller chose.
    pub key: String,
    /// A hash of all that was asked for.
    pub request_hash: String,
}

/// How a request for a release ended; only `New` made one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// There is a new release, queued.
    New(ReleaseId),
    /// The same request was made before, and this is its release.
    Again(ReleaseId),
    /// The key was used before for another request.
    KeyReused,
    /// The same commit is already on its way to the same servers.
    Duplicate {
        /// By this release.
        id: ReleaseId,
    },
    /// The environment has an unfinished release.
    Busy {
        /// This one: the active one, or the first in the queue.
        id: ReleaseId,
        /// Who asked for it.
        by: String,
    },
    /// The environment is locked.
    Locked(SiteLock),
    /// Another release than the one that was to be ended has begun, or none: ask again.
    Changed,
}

impl Store {
    /// Creates a release in status `queued`, or says why not.
    ///
    /// Looked at in this order: the idempotency key, a lock, a duplicate, an unfinished release of the environment.
    pub async fn create(&self, new: NewRelease, deed: DeedFn) -> Result<Created, Error> {
        let made = |created: &Created| match created {
            Created::New(id) => Some(deed(*id)),
            _ => None,
        };
        self.write_deed(new, made).await
    }

    /// What became of the first request of `author` with this key: [`Created::Again`] or [`Created::KeyReused`], or nothing
    /// where there was none.
    pub async fn repeated(&self, author: &str, idempotency: &Idempotency) -> Result<Option<Created>, Error> {
        repeated(self.readers(), author, idempotency).await
    }
}

async fn repeated(
    db: &impl ConnectionTrait,
    author: &str,
    Idempotency { key, request_hash }: &Idempotency,
) -> Result<Option<Created>, Error> {
    let used = "SELECT request_hash, release_id FROM idempotency WHERE author = $1 AND key = $2";
    let used: Option<Used> = one(db, sql(used, [author.into(), key.as_str().into()])).await?;
    Ok(used.map(|used| {
        let is_same = used.request_hash == *request_hash;
        if is_same { Created::Again(ReleaseId(used.release_id)) } else { Created::KeyReused }
    }))
}

#[derive(FromQueryResult)]
struct Used {
    request_hash: String,
    release_id: i64,
}

#[derive(FromQueryResult)]
struct Unfinished {
    id: i64,
    kind: String,
    commit_id: String,
    rollback_to: Option<i64>,
    status: String,
    author: String,
}

impl Work for NewRelease {
    type Output = Created;

    async fn write(self, tx: &mut Tx) -> Result<Created, Error> {
        if let Some(answer) = self.refused(tx).await? {
            return Ok(answer);
        }
        let id = next_number(tx).await?;
        if matches!(self.others, Others::Supersede | Others::End(_)) {
            self.clear_the_way(tx, id).await?;
        }
        let (by, idempotency) = (self.by.clone(), self.idempotency.clone());
        self.insert(tx, id).await?;
        if let Some(Idempotency { key, request_hash }) = idempotency {
            let used =
                "INSERT INTO idempotency (author, key, request_hash, release_id) VALUES ($1, $2, $3, $4)";
            let values = [by.into(), key.into(), request_hash.into(), id.0.into()];
            execute(tx.db(), sql(used, values)).await?;
        }
        Ok(Created::New(id))
    }
}

/// The number of a new release.
pub(crate) async fn next_number(tx: &Tx) -> Result<ReleaseId, Error> {
    let next = "UPDATE counter SET value = value + 1 WHERE name = 'release' RETURNING value";
    let next = number(tx.db(), sql(next, [])).await?;
    next.map(ReleaseId).ok_or_else(|| Error::unreadable("counter", "it is missing"))
}

impl NewRelease {
    async fn refused(&self, tx: &Tx) -> Result<Option<Created>, Error> {
        if let Some(idempotency) = &self.idempotency
            && let Some(before) = repeated(tx.db(), &self.by, idempotency).await?
        {
            return Ok(Some(before));
        }
        // What goes back is never locked out.
        if self.kind != Kind::Rollback
            && let Some(lock) = locks::held(tx.db(), &self.project, &self.environment, tx.micros()).await?
            && lock.owner.as_ref() != Some(&self.by)
        {
            return Ok(Some(Created::Locked(lock)));
        }
        let unfinished = "SELECT id, kind, commit_id, rollback_to, status, author FROM release \
                          WHERE project = $1 AND environment = $2 AND ended_at IS NULL ORDER BY id";
        let key = [self.project.as_str().into(), self.environment.as_str().into()];
        let unfinished: Vec<Unfinished> = all(tx.db(), sql(unfinished, key)).await?;
        let is_active = |row: &&Unfinished| Status::from_word(&row.status).is_some_and(Status::is_active);
        let active = unfinished.iter().find(is_active);
        if let Others::End(expected) = self.others {
            let is_other = active.map(|row| ReleaseId(row.id)) != expected;
            return Ok(is_other.then_some(Created::Changed));
        }
        for other in &unfinished {
            if self.is_like(tx, other).await? {
                return Ok(Some(Created::Duplicate { id: ReleaseId(other.id) }));
            }
        }
        let holder = active.or(unfinished.first()).filter(|_| self.others == Others::Refuse);
        Ok(holder.map(|row| Created::Busy { id: ReleaseId(row.id), by: row.author.clone() }))
    }

    /// Ends what stands in the way of release `id`, in the same transaction that makes it.
    async fn clear_the_way(&self, tx: &mut Tx, id: ReleaseId) -> Result<(), Error> {
        let waiting = "SELECT id FROM release WHERE project = $1 AND environment = $2 AND ended_at IS NULL \
                       AND status NOT IN ('running', 'paused', 'interrupted') ORDER BY id";
        let key = [self.project.as_str().into(), self.environment.as_str().into()];
        for waiting in numbers(tx.db(), sql(waiting, key)).await? {
            let reason = format!("release {id} by {} took its place", self.by);
            ending::end(tx, ReleaseId(waiting), Status::Superseded, &reason).await?;
        }
        if let Others::End(Some(active)) = self.others {
            ending::cut_off(tx, active, &format!("ended by {}, who goes back with release {id}", self.by))
                .await?;
        }
        Ok(())
    }

    async fn is_like(&self, tx: &Tx, other: &Unfinished) -> Result<bool, Error> {
        let same = other.commit_id == self.commit.as_str()
            && other.kind == to_word("kind of release", &self.kind)?
            && other.rollback_to.map(ReleaseId) == self.rollback_to;
        if !same {
            return Ok(false);
        }
        let names = "SELECT name FROM release_server WHERE release_id = $1";
        let names = texts(tx.db(), sql(names, [other.id.into()])).await?;
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        Ok(names == self.servers.iter().map(Name::as_str).collect())
    }

    pub(crate) async fn insert(self, tx: &mut Tx, id: ReleaseId) -> Result<(), Error> {
        let (plan, at) = (self.plan, tx.at);
        // On a thread of its own: a panic there is the plan's, and never the writer's.
        let planned = tokio::task::spawn_blocking(move || plan(id, at)).await;
        let plan = planned.map_err(|_| Error::Unplanned(id))?;
        let row = release::Model {
            id: id.0,
            name: plan.name.to_string(),
            project: self.project.into(),
            environment: self.environment.into(),
            kind: to_word("kind of release", &self.kind)?,
            git_ref: self.git_ref,
            commit_id: self.commit.into(),
            rollback_to: self.rollback_to.map(|id| id.0),
            status: Status::Queued.word().to_owned(),
            reason: None,
            stopping: false,
            stopped_by: None,
            note: self.note,
            author: self.by,
            epoch: 0,
            last_seq: 0,
            // What is brought as it is must be there when its turn comes.
            artifact: plan.artifact.clone(),
            created_at: tx.micros(),
            started_at: None,
            ended_at: None,
            good_at: None,
            pausing_by: None,
            promoted: 0,
            locks: self.locks,
            urgent: matches!(self.others, Others::End(_)),
            log_removed_at: None,
            facts_removed_at: None,
        };
        release::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;

        let body = "INSERT INTO release_plan (release_id, body) VALUES ($1, $2)";
        execute(tx.db(), sql(body, [id.0.into(), to_json("plan", &plan)?.into()])).await?;

        let state = to_word("state of a server", &ServerState::default())?;
        let server = |(position, name): (i64, Name)| release_server::Model {
            release_id: id.0,
            position,
            name: name.into(),
            before_link: None,
            now_link: None,
            state: state.clone(),
            wish: None,
            folder: None,
        };
        let servers: Vec<_> =
            (1..).zip(self.servers).map(server).map(IntoActiveModel::into_active_model).collect();
        for rows in servers.chunks(ROWS) {
            release_server::Entity::insert_many(rows.to_vec()).exec_without_returning(tx.db()).await?;
        }

        let steps = (1..).zip(plan.steps).map(|(position, step)| steps::row(id, position, step.into()));
        let steps = steps.map(|row| row.map(IntoActiveModel::into_active_model));
        let steps = steps.collect::<Result<Vec<step::ActiveModel>, Error>>()?;
        for rows in steps.chunks(ROWS) {
            step::Entity::insert_many(rows.to_vec()).exec_without_returning(tx.db()).await?;
        }

        let mut facts = Facts::new(id, 0);
        facts.say_status(tx, Status::Queued, None).await?;
        facts.close(tx).await?;
        Ok(())
    }
}
