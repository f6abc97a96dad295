//! Adopted releases: what another tool brought becomes releases that have ended, rows and facts, all in one transaction.

use jiff::Timestamp;
use model::event::ServerFact;
use model::plan::Elsewhere;
use model::{CommitId, Epoch, Kind, Name, NodeFact, ReleaseId, Status, StepStatus};
use sea_orm::FromQueryResult;

use crate::create::{NewRelease, Others, PlanFn, next_number};
use crate::journal::{Entry, Record};
use crate::sql::{execute, number, one, sql};
use crate::writer::{Tx, Work};
use crate::{Error, Store, claims};

/// The release that is live behind an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveNow {
    /// The one at this place among those that come.
    New(usize),
    /// One that was adopted before.
    Known(ReleaseId),
}

/// What comes into an environment, the oldest first.
pub struct Adoption {
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// Who adopts.
    pub by: String,
    /// The releases.
    pub releases: Vec<AdoptedRelease>,
    /// Which release is live.
    pub live: LiveNow,
}

/// One release that another tool brought.
pub struct AdoptedRelease {
    /// Its commit, or none.
    pub commit: CommitId,
    /// What stands for what was asked for.
    pub git_ref: String,
    /// Who made it, as the reason of its status.
    pub reason: String,
    /// When its folder was made, by the clock of whoever made it; it is numbered by this very time on servers.
    pub made_at: Timestamp,
    /// The servers on which its folder has another name.
    pub elsewhere: Elsewhere,
    /// What its servers run, in their order. Each has a step `SERVER/adopt` in the plan, behind `start`.
    pub servers: Vec<ServerFact>,
    /// Makes the plan.
    pub plan: PlanFn,
}

/// How an adoption ended; only `Done` made releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopted {
    /// These, the oldest first.
    Done(Vec<ReleaseId>),
    /// The environment has an unfinished release.
    Busy {
        /// This one.
        id: ReleaseId,
        /// Who asked for it.
        by: String,
    },
    /// The environment has a good release of Aweigh itself: an older one cannot be numbered before it.
    Released(ReleaseId),
}

impl Store {
    /// Stores what another tool brought: releases that succeeded, each with a number, a plan, its servers and its facts.
    pub async fn adopt(&self, adoption: Adoption) -> Result<Adopted, Error> {
        self.write(adoption).await
    }

    /// The number of a new adoption: greater than that of every one before it.
    pub async fn next_adoption(&self) -> Result<i64, Error> {
        self.write(NextAdoption).await
    }
}

struct NextAdoption;

impl Work for NextAdoption {
    type Output = i64;

    async fn write(self, tx: &mut Tx) -> Result<i64, Error> {
        let next = "INSERT INTO counter (name, value) VALUES ('adoption', 1) \
                    ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value";
        let next = number(tx.db(), sql(next, [])).await?;
        next.ok_or_else(|| Error::unreadable("counter", "it is missing"))
    }
}

#[derive(FromQueryResult)]
struct Unfinished {
    id: i64,
    author: String,
}

impl Work for Adoption {
    type Output = Adopted;

    async fn write(self, tx: &mut Tx) -> Result<Adopted, Error> {
        if let Some(refused) = self.refused(tx).await? {
            return Ok(refused);
        }
        let Self { project, environment, by, releases, live } = self;
        let mut ids = Vec::with_capacity(releases.len());
        for release in releases {
            let id = next_number(tx).await?;
            release.write(tx, id, &project, &environment, &by).await?;
            ids.push(id);
        }
        let live = match live {
            LiveNow::New(place) => ids.get(place).copied(),
            LiveNow::Known(id) => Some(id),
        };
        if let Some(live) = live {
            // The last activated one is live: all that came became good a moment before it.
            let good = "UPDATE release SET good_at = $2 WHERE id = $1";
            for id in ids.iter().filter(|id| **id != live) {
                execute(tx.db(), sql(good, [id.0.into(), (tx.micros() - 1).into()])).await?;
            }
            execute(tx.db(), sql(good, [live.0.into(), tx.micros().into()])).await?;
        }
        Ok(Adopted::Done(ids))
    }
}

impl Adoption {
    async fn refused(&self, tx: &Tx) -> Result<Option<Adopted>, Error> {
        let key = || [self.project.as_str().into(), self.environment.as_str().into()];
        let unfinished = "SELECT id, author FROM release \
                          WHERE project = $1 AND environment = $2 AND ended_at IS NULL ORDER BY id LIMIT 1";
        if let Some(Unfinished { id, author }) = one(tx.db(), sql(unfinished, key())).await? {
            return Ok(Some(Adopted::Busy { id: ReleaseId(id), by: author }));
        }
        let ours = "SELECT id FROM release WHERE project = $1 AND environment = $2 AND kind = 'release' \
                    AND good_at IS NOT NULL ORDER BY id LIMIT 1";
        Ok(number(tx.db(), sql(ours, key())).await?.map(|id| Adopted::Released(ReleaseId(id))))
    }
}

impl AdoptedRelease {
    /// Goes the way of every release, from its request to its end, in the steps that everybody else takes too.
    async fn write(
        self,
        tx: &mut Tx,
        id: ReleaseId,
        project: &Name,
        environment: &Name,
        by: &str,
    ) -> Result<(), Error> {
        let entries = entries(&self.servers, self.reason);
        // As it is, though that clock may be fast: by it the next adoption tells what is newer.
        let made_at = self.made_at.as_microsecond();
        let new = NewRelease {
            project: project.clone(),
            environment: environment.clone(),
            kind: Kind::Adopted,
            git_ref: self.git_ref,
            commit: self.commit,
            rollback_to: None,
            servers: self.servers.into_iter().map(|server| server.name).collect(),
            note: String::new(),
            by: by.to_owned(),
            others: Others::Refuse,
            locks: false,
            idempotency: None,
            plan: self.plan,
        };
        new.insert(tx, id).await?;
        for (server, folder) in self.elsewhere {
            let set = "UPDATE release_server SET folder = $3 WHERE release_id = $1 AND name = $2";
            let values = [id.0.into(), server.as_str().into(), folder.as_str().into()];
            execute(tx.db(), sql(set, values)).await?;
        }
        let Epoch(epoch) = claims::start(tx, id).await?.epoch;
        Record::new(id, Epoch(epoch), entries)?.write(tx).await?;
        // Nobody knows how long it took to bring it.
        let made = "UPDATE release SET created_at = $2, started_at = NULL WHERE id = $1";
        execute(tx.db(), sql(made, [id.0.into(), made_at.into()])).await.map(drop)
    }
}

/// What is recorded of it: each server has it, and it has succeeded.
fn entries(servers: &[ServerFact], reason: String) -> Vec<Entry> {
    let node = |key: &str, server: Option<ServerFact>| {
        [StepStatus::Running, StepStatus::Ok].map(|status| {
            let server = server.clone().filter(|_| status == StepStatus::Ok);
            Entry::Node { fact: NodeFact { server, ..NodeFact::new(key, status, 1) }, result: None }
        })
    };
    let mut entries = Vec::from(node("start", None));
    for server in servers {
        entries.extend(node(&format!("{}/adopt", server.name), Some(server.clone())));
    }
    entries.push(Entry::Release { status: Status::Succeeded, reason: Some(reason) });
    entries
}
