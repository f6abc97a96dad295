//! How long the past is kept: the log text and the facts of releases that ended long ago are removed. The release itself
//! stays, with its plan, its tree and what its servers ran.

use std::time::Duration;

use jiff::Timestamp;
use model::ReleaseId;
use sea_orm::ConnectionTrait;

use crate::sql::{execute, number, numbers, sql, time};
use crate::writer::{Tx, Work};
use crate::{Error, Store, Topic};

/// How long things are kept after the end of their release; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepHistory {
    /// What its steps wrote.
    pub logs: Option<Duration>,
    /// What happened, fact by fact, and what people said. What they wrote of it goes with it.
    pub facts: Option<Duration>,
}

/// Of how many releases something was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RemovedHistory {
    /// Their log text.
    pub logs: u64,
    /// Their facts.
    pub facts: u64,
}

/// Releases that ended before `$1` and of which this column does not say that something was removed. What an environment runs
/// now is never among them: whoever looks into its past begins there.
macro_rules! ended_before {
    ($column:literal) => {
        concat!(
            "SELECT id FROM release WHERE ended_at < $1 AND ",
            $column,
            " IS NULL AND (good_at IS NULL OR good_at < (SELECT MAX(good_at) FROM release AS other ",
            "WHERE other.project = release.project AND other.environment = release.environment)) ORDER BY id"
        )
    };
}

impl Store {
    /// Removes what is older than `keep` says. Each release is one transaction, so that nobody else waits for long; when this
    /// is dropped in between, the next call goes on.
    pub async fn forget_history(&self, keep: KeepHistory) -> Result<RemovedHistory, Error> {
        let mut removed = RemovedHistory::default();
        for id in self.ended_before(ended_before!("facts_removed_at"), keep.facts).await? {
            self.write(Forget { id, facts: true }).await?;
            removed.facts += 1;
        }
        for id in self.ended_before(ended_before!("log_removed_at"), keep.logs).await? {
            self.write(Forget { id, facts: false }).await?;
            removed.logs += 1;
        }
        Ok(removed)
    }

    async fn ended_before(&self, find: &'static str, keep: Option<Duration>) -> Result<Vec<i64>, Error> {
        let Some(keep) = keep else { return Ok(Vec::new()) };
        let kept = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let before = crate::sql::now().as_microsecond().saturating_sub(kept);
        numbers(self.readers(), sql(find, [before.into()])).await
    }

    /// When the log text of a release was removed; `None` while it is there.
    pub async fn log_removed(&self, id: ReleaseId) -> Result<Option<Timestamp>, Error> {
        log_removed(self.readers(), id).await
    }
}

/// When the log text of a release was removed; `None` while it is there.
pub(crate) async fn log_removed(
    db: &impl ConnectionTrait,
    id: ReleaseId,
) -> Result<Option<Timestamp>, Error> {
    let find = "SELECT log_removed_at FROM release WHERE id = $1 AND log_removed_at IS NOT NULL";
    number(db, sql(find, [id.0.into()])).await?.map(time).transpose()
}

struct Forget {
    id: i64,
    /// Its facts, and what is told of them.
    facts: bool,
}

impl Work for Forget {
    type Output = ();

    async fn write(self, tx: &mut Tx) -> Result<(), Error> {
        let (id, now) = (self.id, tx.micros());
        execute(tx.db(), sql("DELETE FROM log_chunk WHERE release_id = $1", [id.into()])).await?;
        execute(tx.db(), sql("DELETE FROM log_node WHERE release_id = $1", [id.into()])).await?;
        let removed = "UPDATE release SET log_removed_at = COALESCE(log_removed_at, $2) WHERE id = $1";
        execute(tx.db(), sql(removed, [id.into(), now.into()])).await?;
        if self.facts {
            let topic = Topic::Release(ReleaseId(id)).to_string();
            execute(tx.db(), sql("DELETE FROM event WHERE topic = $1", [topic.as_str().into()])).await?;
            execute(tx.db(), sql("DELETE FROM said WHERE topic = $1", [topic.into()])).await?;
            let removed = "UPDATE release SET facts_removed_at = $2 WHERE id = $1";
            execute(tx.db(), sql(removed, [id.into(), now.into()])).await?;
        }
        Ok(())
    }
}
