//! Locks of environments: nobody releases there until somebody takes the lock away, or its time is over.
//!
//! Not the locks on servers: those belong to a running release.

use jiff::Timestamp;
use model::{Name, ReleaseId};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::sql::{execute, one, sql, time};
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store};

/// The lock of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteLock {
    /// Who may release all the same; nobody where Aweigh locked it by itself.
    pub owner: Option<String>,
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Since when.
    pub since: Timestamp,
}

/// What became of a wish to lock an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locked {
    /// It is locked.
    Done,
    /// Somebody else holds a lock of it.
    Held(SiteLock),
}

#[derive(FromQueryResult)]
struct Row {
    owner: Option<String>,
    reason: String,
    until: Option<i64>,
    since: i64,
}

/// The lock that holds now.
pub(crate) async fn held(
    db: &impl ConnectionTrait,
    project: &Name,
    environment: &Name,
    now: i64,
) -> Result<Option<SiteLock>, Error> {
    let find = "SELECT owner, reason, until, since FROM site_lock \
                WHERE project = $1 AND environment = $2 AND (until IS NULL OR until > $3)";
    let key = [project.as_str().into(), environment.as_str().into(), now.into()];
    let row: Option<Row> = one(db, sql(find, key)).await?;
    row.map(|row| {
        Ok(SiteLock {
            owner: row.owner,
            reason: row.reason,
            until: row.until.map(time).transpose()?,
            since: time(row.since)?,
        })
    })
    .transpose()
}

impl Store {
    /// The lock that an environment has now.
    pub async fn site_lock(&self, project: &Name, environment: &Name) -> Result<Option<SiteLock>, Error> {
        held(self.readers(), project, environment, Timestamp::now().as_microsecond()).await
    }

    /// Locks an environment in the name of `owner`, who may change a lock of their own.
    pub async fn lock_site(
        &self,
        project: &Name,
        environment: &Name,
        owner: &str,
        reason: &str,
        until: Option<Timestamp>,
        deed: Deed,
    ) -> Result<Locked, Error> {
        let (project, environment) = (project.clone(), environment.clone());
        let (owner, reason) = (owner.to_owned(), reason.to_owned());
        let lock = Lock { project, environment, owner, reason, until };
        self.write_deed(lock, |locked| (*locked == Locked::Done).then_some(deed)).await
    }

    /// Takes the lock of an environment away, whoever holds it; answers whether there was one.
    pub async fn unlock_site(&self, project: &Name, environment: &Name, deed: Deed) -> Result<bool, Error> {
        let unlock = Unlock { project: project.clone(), environment: environment.clone() };
        self.write_deed(unlock, |was_locked| was_locked.then_some(deed)).await
    }
}

struct Lock {
    project: Name,
    environment: Name,
    owner: String,
    reason: String,
    until: Option<Timestamp>,
}

impl Work for Lock {
    type Output = Locked;

    async fn write(self, tx: &mut Tx) -> Result<Locked, Error> {
        let held = held(tx.db(), &self.project, &self.environment, tx.micros()).await?;
        if let Some(held) = held.filter(|held| held.owner.as_ref() != Some(&self.owner)) {
            return Ok(Locked::Held(held));
        }
        put(tx, &self.project, &self.environment, Some(&self.owner), &self.reason, self.until).await?;
        Ok(Locked::Done)
    }
}

struct Unlock {
    project: Name,
    environment: Name,
}

impl Work for Unlock {
    type Output = bool;

    async fn write(self, tx: &mut Tx) -> Result<bool, Error> {
        let had = held(tx.db(), &self.project, &self.environment, tx.micros()).await?.is_some();
        let gone = "DELETE FROM site_lock WHERE project = $1 AND environment = $2";
        execute(tx.db(), sql(gone, [self.project.as_str().into(), self.environment.as_str().into()])).await?;
        Ok(had)
    }
}

/// Locks an environment behind a rollback: what was left was left for a reason. A lock of a person stays.
pub(crate) async fn after_rollback(
    tx: &Tx,
    project: &Name,
    environment: &Name,
    id: ReleaseId,
) -> Result<(), Error> {
    if held(tx.db(), project, environment, tx.micros()).await?.is_some() {
        return Ok(());
    }
    put(tx, project, environment, None, &format!("rolled back by release {id}"), None).await
}

async fn put(
    tx: &Tx,
    project: &Name,
    environment: &Name,
    owner: Option<&String>,
    reason: &str,
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let put = "INSERT INTO site_lock (project, environment, owner, reason, until, since) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project, environment) DO UPDATE SET \
               owner = excluded.owner, reason = excluded.reason, until = excluded.until, since = excluded.since";
    let values = [
        project.as_str().into(),
        environment.as_str().into(),
        owner.cloned().into(),
        reason.into(),
        until.map(Timestamp::as_microsecond).into(),
        tx.micros().into(),
    ];
    execute(tx.db(), sql(put, values)).await.map(drop)
}
