//! The journal: what the owner of a release records, as state and numbered facts in one transaction.

use jiff::Timestamp;
use model::{
    Epoch, Event, Fact, Kind, LogFact, Name, Node, NodeFact, ReleaseId, ServerRecord, Status, StepStatus,
    Tree,
};
use sea_orm::{EntityTrait, FromQueryResult, IntoActiveModel};

use crate::facts::{Facts, line};
use crate::log_text::{self, Chunk, Logs};
use crate::releases::{server, status};
use crate::sql::{count, execute, from_word, one, sql, to_json, to_word};
use crate::tables::{release_server, step};
use crate::writer::{Tx, Work};
use crate::{Error, Store, drift, locks, steps};

/// One thing to record.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most entries are of the large kind")]
pub enum Entry {
    /// A node's new status.
    Node {
        /// The fact.
        fact: NodeFact,
        /// What the step found out; replaces what it found before when set.
        result: Option<serde_json::Value>,
    },
    /// Text that a node wrote: masked, whole characters. Long text becomes several facts.
    Log {
        /// Which node.
        node: String,
        /// The text.
        text: String,
    },
    /// Text that a node wrote and that is not kept.
    Dropped {
        /// Which node.
        node: String,
        /// How many bytes.
        bytes: u64,
    },
    /// How many bytes of the log that a node's try writes elsewhere are recorded with this. Says nothing.
    LogRead {
        /// Which node.
        node: String,
        /// How many, from the beginning of the try.
        bytes: u64,
    },
    /// A node will write no more in this try. Says nothing; its text is stored more tightly.
    LogEnd {
        /// Which node.
        node: String,
    },
    /// A server is tried once more, as somebody wished. Says nothing.
    Retried {
        /// Which.
        server: Name,
    },
    /// The release's new status.
    Release {
        /// Which.
        status: Status,
        /// Why.
        reason: Option<String>,
    },
    /// The artifact that the release brings. Says nothing.
    Artifact {
        /// Its hash.
        hash: String,
    },
}

impl Store {
    /// Records `entries` in one transaction, then wakes the watchers; answers the number of the last fact.
    ///
    /// Fails with [`Error::Fenced`] when `epoch` is not the owner's any more or the release is not active (what
    /// follows a terminal status counts as that too), and with [`Error::Transition`] where a transition function
    /// says no. Nothing of `entries` is kept then.
    pub async fn record(&self, id: ReleaseId, epoch: Epoch, entries: Vec<Entry>) -> Result<u64, Error> {
        self.write(Record::new(id, epoch, entries)?).await
    }
}

#[expect(clippy::large_enum_variant, reason = "most entries are of the large kind")]
enum Prepared {
    Log { node: String, chunk: Chunk },
    Other(Entry),
}

/// What an owner records at once.
pub(crate) struct Record {
    id: ReleaseId,
    epoch: Epoch,
    entries: Vec<Prepared>,
}

impl Record {
    /// Compresses the texts, before the writer has its turn: many releases do that at once.
    pub(crate) fn new(id: ReleaseId, epoch: Epoch, entries: Vec<Entry>) -> Result<Self, Error> {
        let mut prepared = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry {
                Entry::Log { node, text } => {
                    for chunk in log_text::chunks(&text)? {
                        prepared.push(Prepared::Log { node: node.clone(), chunk });
                    }
                }
                other => prepared.push(Prepared::Other(other)),
            }
        }
        Ok(Self { id, epoch, entries: prepared })
    }
}

#[derive(FromQueryResult)]
struct Owned {
    epoch: i64,
    status: String,
    kind: String,
    rollback_to: Option<i64>,
    locks: bool,
    urgent: bool,
    last_seq: i64,
}

impl Work for Record {
    type Output = u64;

    async fn write(self, tx: &mut Tx) -> Result<u64, Error> {
        let owned =
            "SELECT epoch, status, kind, rollback_to, locks, urgent, last_seq FROM release WHERE id = $1";
        let owned: Option<Owned> = one(tx.db(), sql(owned, [self.id.0.into()])).await?;
        let owned = owned.ok_or(Error::Fenced(self.id))?;
        if owned.epoch != self.epoch.0 {
            return Err(Error::Fenced(self.id));
        }
        let mut recorder = Recorder {
            id: self.id,
            epoch: self.epoch,
            status: status(&owned.status)?,
            origin: owned
                .rollback_to
                .filter(|_| from_word::<Kind>("kind", &owned.kind).is_ok_and(|kind| kind != Kind::Release)),
            locks: owned.locks,
            urgent: owned.urgent,
            facts: Facts::new(self.id, count(owned.last_seq)),
            logs: Logs::new(self.id),
        };
        for entry in self.entries {
            recorder.write(tx, entry).await?;
        }
        recorder.logs.close(tx).await?;
        recorder.facts.close(tx).await
    }
}

/// Records on behalf of the owner of one release.
struct Recorder {
    id: ReleaseId,
    epoch: Epoch,
    status: Status,
    origin: Option<i64>,
    locks: bool,
    urgent: bool,
    facts: Facts,
    logs: Logs,
}

impl Recorder {
    async fn write(&mut self, tx: &mut Tx, entry: Prepared) -> Result<(), Error> {
        if !self.status.is_active() {
            return Err(Error::Fenced(self.id));
        }
        match entry {
            Prepared::Log { node, chunk } => {
                let bytes = chunk.bytes;
                let offset = self.logs.append(tx, &node, chunk).await?;
                let fact = LogFact { node, offset, bytes, text: None, dropped: None };
                self.facts.say(tx, &Fact::Log(fact)).await
            }
            Prepared::Other(Entry::Dropped { node, bytes }) => {
                let offset = self.logs.end(tx, &node).await?;
                let fact = LogFact { node, offset, bytes: 0, text: None, dropped: Some(bytes) };
                self.facts.say(tx, &Fact::Log(fact)).await
            }
            Prepared::Other(Entry::LogRead { node, bytes }) => {
                let set = "UPDATE step SET log_read = $3 WHERE release_id = $1 AND key = $2";
                let values = [self.id.0.into(), node.into(), bytes.cast_signed().into()];
                execute(tx.db(), sql(set, values)).await.map(drop)
            }
            Prepared::Other(Entry::LogEnd { node }) => self.logs.merge(tx, &node).await,
            Prepared::Other(Entry::Node { fact, result }) => self.node(tx, fact, result).await,
            Prepared::Other(Entry::Release { status, reason }) => self.release(tx, status, reason).await,
            Prepared::Other(Entry::Retried { server }) => {
                let set = "UPDATE release_server SET wish = NULL WHERE release_id = $1 AND name = $2";
                execute(tx.db(), sql(set, [self.id.0.into(), server.as_str().into()])).await.map(drop)
            }
            Prepared::Other(Entry::Artifact { hash }) => {
                let set = "UPDATE release SET artifact = $2 WHERE id = $1";
                execute(tx.db(), sql(set, [self.id.0.into(), hash.into()])).await.map(drop)
            }
            // Became chunks before it came here.
            Prepared::Other(Entry::Log { .. }) => Ok(()),
        }
    }

    /// Changes rows by the very function that viewers apply to their tree, so the two cannot disagree.
    async fn node(
        &mut self,
        tx: &mut Tx,
        fact: NodeFact,
        result: Option<serde_json::Value>,
    ) -> Result<(), Error> {
        let key = (self.id.0, fact.key.clone());
        let stored = step::Entity::find_by_id(key).one(tx.db()).await?;
        let node = match (&stored, &fact.added) {
            (Some(row), _) => steps::node(row)?,
            (None, Some(added)) if added.key == fact.key => Node::from(added.clone()),
            (None, _) => return Err(Error::UnknownStep { release: self.id, key: fact.key }),
        };
        self.check(&node, &fact)?;
        let mut tree = Tree {
            nodes: vec![node],
            servers: self.server(tx, &fact).await?.into_iter().collect(),
            status: self.status,
            reason: None,
            seq: self.facts.seq,
        };
        let fact = Fact::Node(fact);
        self.facts.say(tx, &fact).await?;
        tree.apply(&Event { seq: self.facts.seq, at: tx.at, fact });

        if stored.is_none() {
            self.add(tx, &tree.nodes).await?;
        }
        let result = result.map(|result| to_json("result of a step", &result)).transpose()?;
        for node in tree.nodes {
            let set = "UPDATE step SET status = $3, attempt = $4, reason = $5, started_at = $6, ended_at = $7, \
                       epoch = $8, result = COALESCE($9, result), \
                       log_read = CASE WHEN attempt < $4 THEN 0 ELSE log_read END WHERE release_id = $1 AND key = $2";
            let values = [
                self.id.0.into(),
                node.key.into(),
                node.status.word().into(),
                i64::from(node.attempt).into(),
                node.reason.into(),
                node.started_at.map(Timestamp::as_microsecond).into(),
                node.ended_at.map(Timestamp::as_microsecond).into(),
                self.epoch.0.into(),
                result.clone().into(),
            ];
            execute(tx.db(), sql(set, values)).await?;
        }
        for server in tree.servers {
            let set = "UPDATE release_server SET before_link = $3, now_link = $4, state = $5 \
                       WHERE release_id = $1 AND name = $2";
            let values = [
                self.id.0.into(),
                server.name.as_str().into(),
                server.before.into(),
                server.now.into(),
                to_word("state of a server", &server.state)?.into(),
            ];
            execute(tx.db(), sql(set, values)).await?;
        }
        Ok(())
    }

    /// Makes the rows of nodes that were not in the plan.
    async fn add(&self, tx: &Tx, nodes: &[Node]) -> Result<(), Error> {
        for node in nodes {
            let position = steps::next_position(tx.db(), self.id).await?;
            let row = steps::row(self.id, position, node.clone())?;
            step::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
        }
        Ok(())
    }

    fn check(&self, node: &Node, fact: &NodeFact) -> Result<(), Error> {
        if node.status.may_become(fact.status) && fact.attempt >= node.attempt {
            return Ok(());
        }
        let told = |status: StepStatus, attempt| format!("{} (try {attempt})", status.word());
        Err(Error::Transition {
            release: self.id,
            what: format!("step {}", node.key),
            from: told(node.status, node.attempt),
            to: told(fact.status, fact.attempt),
        })
    }

    async fn server(&self, tx: &Tx, fact: &NodeFact) -> Result<Option<ServerRecord>, Error> {
        let Some(known) = &fact.server else { return Ok(None) };
        let key = (self.id.0, known.name.to_string());
        release_server::Entity::find_by_id(key).one(tx.db()).await?.map(server).transpose()
    }

    async fn release(&mut self, tx: &mut Tx, next: Status, reason: Option<String>) -> Result<(), Error> {
        if !self.status.may_become(next) {
            return Err(Error::Transition {
                release: self.id,
                what: "the status".to_owned(),
                from: self.status.to_string(),
                to: next.to_string(),
            });
        }
        self.status = next;
        let ended = next.is_terminal().then_some(tx.micros());
        let set = "UPDATE release SET status = $2, reason = $3, ended_at = $4, \
                   stopping = CASE WHEN $4 IS NULL THEN stopping ELSE FALSE END, \
                   pausing_by = CASE WHEN $2 = 'running' THEN pausing_by ELSE NULL END WHERE id = $1";
        let values = [self.id.0.into(), next.word().into(), reason.clone().into(), ended.into()];
        execute(tx.db(), sql(set, values)).await?;
        // What went back at once is live, even where a server could not.
        if next == Status::Succeeded || (next == Status::Partial && self.urgent) {
            // A rollback makes the release it brings back the last activated one too.
            for id in [Some(self.id.0), self.origin].into_iter().flatten() {
                let good = "UPDATE release SET good_at = $2 WHERE id = $1";
                execute(tx.db(), sql(good, [id.into(), tx.micros().into()])).await?;
            }
            let of = line(tx, self.id).await?;
            if next == Status::Succeeded {
                drift::forget(tx, &of.project, &of.environment, self.id).await?;
            }
            if self.locks {
                locks::after_rollback(tx, &of.project, &of.environment, self.id).await?;
            }
        }
        self.facts.say_status(tx, next, reason).await
    }
}
