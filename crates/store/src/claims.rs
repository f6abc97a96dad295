//! Claims: who owns a release. Each change of owner raises the epoch, which shuts out the owner before.

use model::{Epoch, ReleaseId, Status, Wishes};
use sea_orm::FromQueryResult;

use crate::facts::Facts;
use crate::releases::status;
use crate::sql::{all, count, execute, number, one, sql, texts};
use crate::steer::wishes;
use crate::writer::{Tx, Work};
use crate::{Deed, Error, Store, ending};

/// A release that is now the caller's to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Which.
    pub id: ReleaseId,
    /// The number of the caller's ownership.
    pub epoch: Epoch,
    /// What people want of it.
    pub wishes: Wishes,
}

/// A release that a dead owner left active, now the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// Which.
    pub id: ReleaseId,
    /// The number of the caller's ownership.
    pub epoch: Epoch,
    /// Where it stands; only `running` is to be worked on.
    pub status: Status,
    /// What people want of it.
    pub wishes: Wishes,
}

/// What became of a wish to stop a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It had not begun, and is cancelled.
    Ended,
    /// Its owner is asked to stop it.
    Asked,
    /// It had ended before.
    AlreadyEnded(Status),
    /// There is no such release.
    Unknown,
}

impl Store {
    /// Takes the oldest queued release whose environment is free, and not locked: it is `running` now, and ours.
    pub async fn claim(&self) -> Result<Option<Claimed>, Error> {
        self.write(Claim).await
    }

    /// Takes over every active release, by number. Only for the start of the holder of the
    /// [`crate::DataLock`], which proves that their owners are dead.
    ///
    /// Steps that were running are counted as crashed once more, except in a `paused` or `interrupted` release: there
    /// nobody was at work. One of those that was to stop is `running` again.
    pub async fn take_over(&self) -> Result<Vec<TakenOver>, Error> {
        self.write(TakeOver).await
    }

    /// Stops a release that has not begun, or asks the owner of one that has.
    pub async fn request_stop(&self, id: ReleaseId, by: &str, deed: Deed) -> Result<Stop, Error> {
        let stop = RequestStop { id, by: by.to_owned() };
        self.write_deed(stop, |stop| matches!(stop, Stop::Ended | Stop::Asked).then_some(deed)).await
    }

    /// Makes a `paused` or `interrupted` release `running` again, with a new epoch; `None` for any other. The wish
    /// that it pauses is fulfilled then. It is a `deed` of its own where it does not follow from a wish that was recorded.
    pub async fn reopen(&self, id: ReleaseId, deed: Option<Deed>) -> Result<Option<Claimed>, Error> {
        self.write_deed(Reopen(id), |claimed| claimed.as_ref().and(deed)).await
    }
}

struct Claim;

impl Work for Claim {
    type Output = Option<Claimed>;

    async fn write(self, tx: &mut Tx) -> Result<Option<Claimed>, Error> {
        let oldest = "SELECT id FROM release AS waiting \
                      WHERE status = 'queued' AND ended_at IS NULL AND NOT EXISTS (\
                          SELECT 1 FROM release AS active \
                          WHERE active.project = waiting.project AND active.environment = waiting.environment \
                          AND active.status IN ('running', 'paused', 'interrupted')) \
                      AND (kind = 'rollback' OR NOT EXISTS (\
                          SELECT 1 FROM site_lock AS held \
                          WHERE held.project = waiting.project AND held.environment = waiting.environment \
                          AND (held.until IS NULL OR held.until > $1) \
                          AND (held.owner IS NULL OR held.owner <> waiting.author))) \
                      ORDER BY id LIMIT 1";
        match number(tx.db(), sql(oldest, [tx.micros().into()])).await? {
            Some(id) => start(tx, ReleaseId(id)).await.map(Some),
            None => Ok(None),
        }
    }
}

struct Reopen(ReleaseId);

impl Work for Reopen {
    type Output = Option<Claimed>;

    async fn write(self, tx: &mut Tx) -> Result<Option<Claimed>, Error> {
        let waits = "UPDATE release SET pausing_by = NULL WHERE id = $1 AND status IN ('paused', 'interrupted') \
                     RETURNING id";
        match number(tx.db(), sql(waits, [self.0.0.into()])).await? {
            Some(id) => start(tx, ReleaseId(id)).await.map(Some),
            None => Ok(None),
        }
    }
}

#[derive(FromQueryResult)]
struct Owned {
    epoch: i64,
    last_seq: i64,
}

/// Makes a release `running` under a new epoch, and says so.
pub(crate) async fn start(tx: &mut Tx, id: ReleaseId) -> Result<Claimed, Error> {
    let start = "UPDATE release SET status = 'running', reason = NULL, epoch = epoch + 1, \
                 started_at = COALESCE(started_at, $2) WHERE id = $1 RETURNING epoch, last_seq";
    let owned: Option<Owned> = one(tx.db(), sql(start, [id.0.into(), tx.micros().into()])).await?;
    let owned = owned.ok_or_else(|| Error::NotFound { what: "release", name: id.to_string() })?;
    let mut facts = Facts::new(id, count(owned.last_seq));
    facts.say_status(tx, Status::Running, None).await?;
    facts.close(tx).await?;
    Ok(Claimed { id, epoch: Epoch(owned.epoch), wishes: wishes(tx.db(), id).await? })
}

struct TakeOver;

#[derive(FromQueryResult)]
struct Left {
    id: i64,
    epoch: i64,
    status: String,
    stopping: bool,
}

impl Work for TakeOver {
    type Output = Vec<TakenOver>;

    async fn write(self, tx: &mut Tx) -> Result<Vec<TakenOver>, Error> {
        let crashed = "UPDATE step SET crashes = crashes + 1 \
                       WHERE status = 'running' AND release_id IN (\
                           SELECT id FROM release WHERE status = 'running')";
        execute(tx.db(), sql(crashed, [])).await?;
        let taken = "UPDATE release SET epoch = epoch + 1 WHERE status IN ('running', 'paused', 'interrupted') \
                     RETURNING id, epoch, status, stopping";
        let mut taken: Vec<Left> = all(tx.db(), sql(taken, [])).await?;
        taken.sort_by_key(|left| left.id);
        let mut all = Vec::with_capacity(taken.len());
        for left in taken {
            let id = ReleaseId(left.id);
            let status = status(&left.status)?;
            // It was to stop while it waited, and somebody has to work on it in order to stop it.
            if left.stopping && status != Status::Running {
                let Claimed { id, epoch, wishes } = start(tx, id).await?;
                all.push(TakenOver { id, epoch, status: Status::Running, wishes });
                continue;
            }
            let wishes = wishes(tx.db(), id).await?;
            all.push(TakenOver { id, epoch: Epoch(left.epoch), status, wishes });
        }
        Ok(all)
    }
}

struct RequestStop {
    id: ReleaseId,
    by: String,
}

impl Work for RequestStop {
    type Output = Stop;

    async fn write(self, tx: &mut Tx) -> Result<Stop, Error> {
        let found =
            texts(tx.db(), sql("SELECT status FROM release WHERE id = $1", [self.id.0.into()])).await?;
        let Some(found) = found.first() else { return Ok(Stop::Unknown) };
        let status = status(found)?;
        if status.is_terminal() {
            return Ok(Stop::AlreadyEnded(status));
        }
        if status.is_active() {
            let ask =
                "UPDATE release SET stopping = TRUE, stopped_by = COALESCE(stopped_by, $2) WHERE id = $1";
            execute(tx.db(), sql(ask, [self.id.0.into(), self.by.into()])).await?;
            return Ok(Stop::Asked);
        }
        let reason = format!("cancelled by {}", self.by);
        let by = "UPDATE release SET stopped_by = $2 WHERE id = $1";
        execute(tx.db(), sql(by, [self.id.0.into(), self.by.into()])).await?;
        ending::end(tx, self.id, Status::Cancelled, &reason).await?;
        Ok(Stop::Ended)
    }
}
