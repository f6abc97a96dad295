//! Watching: the snapshot of a release, its facts as they come, and its log.

use std::time::Duration;

use model::ReleaseId;
use store::{Batch, LogFilter, LogReader, Snapshot, Topic};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{Action, Actions, Actor, Error, Object, authorize};

/// The longest that a viewer may wait for a fact.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Actions {
    /// A release and its tree at one moment.
    pub async fn snapshot(&self, actor: &Actor, id: ReleaseId) -> Result<Snapshot, Error> {
        authorize(actor, Action::SeeReleases, &Object::Release(id))?;
        self.store().snapshot(id).await?.ok_or_else(|| Error::missing("release", &id))
    }

    /// The facts of `topic` after number `after`. When there are none it waits for one, at most `wait` (no more
    /// than [`LONGEST_WAIT`]) or until `stop`, and answers an empty batch.
    pub async fn events(
        &self,
        actor: &Actor,
        topic: &Topic,
        after: u64,
        logs: &LogFilter,
        wait: Duration,
        stop: &CancellationToken,
    ) -> Result<Batch, Error> {
        let object = match topic {
            Topic::Release(id) => Object::Release(*id),
            Topic::Project(name) => Object::Project(name),
            Topic::Board => Object::Installation,
        };
        let deadline = Instant::now() + wait.min(LONGEST_WAIT);
        // Registered before the first read: a fact between the read and the wait still wakes us.
        let mut news = self.store().watch(topic);
        loop {
            // Asked again after each wait, since rights may end meanwhile.
            authorize(actor, Action::SeeReleases, &object)?;
            news.mark_unchanged();
            let batch = self.store().events(topic, after, logs).await?;
            let batch = batch.ok_or_else(|| Error::missing("topic", topic))?;
            if !batch.events.is_empty() || batch.seq != after {
                return Ok(batch);
            }
            let woken = tokio::select! {
                woken = timeout_at(deadline, news.changed()) => matches!(woken, Ok(Ok(()))),
                () = stop.cancelled() => false,
            };
            if !woken {
                return Ok(batch);
            }
        }
    }

    /// The log of a release, or of one of its nodes: bytes `from..to`.
    pub async fn log(
        &self,
        actor: &Actor,
        id: ReleaseId,
        node: Option<&str>,
        from: u64,
        to: Option<u64>,
    ) -> Result<LogReader, Error> {
        authorize(actor, Action::SeeReleases, &Object::Release(id))?;
        if let Some(key) = node {
            let snapshot = self.store().snapshot(id).await?.ok_or_else(|| Error::missing("release", &id))?;
            if !snapshot.nodes.iter().any(|node| node.key == key) {
                return Err(Error::missing("node", key));
            }
        }
        self.store().log(id, node, from, to).await?.ok_or_else(|| Error::missing("release", &id))
    }
}
