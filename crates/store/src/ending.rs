//! Ends releases from outside: those that wait in the queue, and one that has begun and is not to go on.

use model::{Epoch, NodeFact, ReleaseId, Status, StepStatus};
use sea_orm::FromQueryResult;

use crate::Error;
use crate::facts::Facts;
use crate::journal::{Entry, Record};
use crate::sql::{count, execute, number, one, small, sql};
use crate::steps;
use crate::writer::{Tx, Work};

#[derive(FromQueryResult)]
struct Standing {
    last_seq: i64,
}

/// Ends a release that nobody works on and that has done nothing.
pub(crate) async fn end(tx: &mut Tx, id: ReleaseId, status: Status, reason: &str) -> Result<(), Error> {
    let end = "UPDATE release SET status = $2, reason = $3, ended_at = $4 WHERE id = $1 RETURNING last_seq";
    let values = [id.0.into(), status.word().into(), reason.into(), tx.micros().into()];
    let standing: Option<Standing> = one(tx.db(), sql(end, values)).await?;
    let last_seq = standing.map(|standing| standing.last_seq).unwrap_or_default();
    let mut facts = Facts::new(id, count(last_seq));
    facts.say_status(tx, status, Some(reason.to_owned())).await?;
    facts.close(tx).await.map(drop)
}

/// Ends a release that has begun, wherever it stands: a new epoch shuts its owner out, nothing of it stays open, and where
/// servers are switched it ends `partial`, since nobody puts them back in its name.
pub(crate) async fn cut_off(tx: &mut Tx, id: ReleaseId, reason: &str) -> Result<(), Error> {
    let own = "UPDATE release SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch";
    let epoch = number(tx.db(), sql(own, [id.0.into()])).await?.unwrap_or_default();
    let switched = "SELECT COUNT(*) FROM release_server WHERE release_id = $1 \
                    AND (state IN ('activated', 'live', 'unknown') OR name IN (\
                        SELECT server FROM step WHERE release_id = $1 AND kind = 'activate' AND status = 'running'))";
    let switched = number(tx.db(), sql(switched, [id.0.into()])).await?.unwrap_or_default();
    let mut entries = Vec::new();
    for row in steps::rows(tx.db(), id).await? {
        let is_open = StepStatus::from_word(&row.status).is_some_and(|status| !status.is_settled());
        if is_open {
            let mut fact = NodeFact::new(row.key, StepStatus::Cancelled, small(row.attempt));
            fact.reason = Some(reason.to_owned());
            entries.push(Entry::Node { fact, result: None });
        }
    }
    let status = if switched > 0 { Status::Partial } else { Status::Cancelled };
    entries.push(Entry::Release { status, reason: Some(reason.to_owned()) });
    Record::new(id, Epoch(epoch), entries)?.write(tx).await?;
    let stopped = "UPDATE release SET stopping = FALSE WHERE id = $1";
    execute(tx.db(), sql(stopped, [id.0.into()])).await.map(drop)
}
