//! Watching: the snapshot of a release, its facts as they come, and its log.

use model::ReleaseId;
use store::{Batch, LogFilter, LogReader, Snapshot, Topic};
use tokio::sync::watch;

use crate::{Action, Actions, Actor, Error, Object, Progress, authorize};

impl Actions {
    /// A release and its tree at one moment.
    pub async fn snapshot(&self, actor: &Actor, id: ReleaseId) -> Result<Snapshot, Error> {
        authorize(actor, Action::SeeReleases, &Object::Release(id))?;
        self.store().snapshot(id).await?.ok_or_else(|| Error::missing("release", &id))
    }

    /// How far the uploads of a release are; nothing when none is under way.
    pub fn progress(&self, actor: &Actor, id: ReleaseId) -> Result<Option<Progress>, Error> {
        authorize(actor, Action::SeeReleases, &Object::Release(id))?;
        Ok(self.parts.uploads.of(id))
    }

    /// Changes whenever an upload begins, of any release.
    pub fn uploads_begun(&self) -> watch::Receiver<()> {
        self.parts.uploads.begun()
    }

    /// The facts of `topic` after number `after`, as they stand: the one read behind every way to watch. Asked for
    /// each batch anew, since rights may end meanwhile.
    pub async fn events(
        &self,
        actor: &Actor,
        topic: &Topic,
        after: u64,
        logs: &LogFilter,
    ) -> Result<Batch, Error> {
        self.may_watch(actor, topic)?;
        let batch = self.store().events(topic, after, logs).await?;
        batch.ok_or_else(|| Error::missing("topic", topic))
    }

    /// Changes whenever `topic` has news. Ask for it before [`events`](Self::events), and no fact is missed.
    pub fn news(&self, topic: &Topic) -> watch::Receiver<u64> {
        self.store().watch(topic)
    }

    /// The random id of the numbering of all topics; viewers start anew when it changes.
    pub fn stream(&self) -> &str {
        self.store().stream()
    }

    /// Whether `actor` may watch `topic`.
    pub fn may_watch(&self, actor: &Actor, topic: &Topic) -> Result<(), Error> {
        let object = match topic {
            Topic::Release(id) => Object::Release(*id),
            Topic::Project(name) => Object::Project(name),
            Topic::Board => Object::Installation,
        };
        Ok(authorize(actor, Action::SeeReleases, &object)?)
    }

    /// How many bytes the log of a node has now.
    pub async fn log_bytes(&self, actor: &Actor, id: ReleaseId, node: &str) -> Result<u64, Error> {
        authorize(actor, Action::SeeReleases, &Object::Release(id))?;
        self.log_is_kept(id).await?;
        Ok(self.store().log_bytes(id, node).await?)
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
        self.log_is_kept(id).await?;
        self.store().log(id, node, from, to).await?.ok_or_else(|| Error::missing("release", &id))
    }

    async fn log_is_kept(&self, id: ReleaseId) -> Result<(), Error> {
        match self.store().log_removed(id).await? {
            Some(at) => Err(Error::LogRemoved { id, at }),
            None => Ok(()),
        }
    }
}
