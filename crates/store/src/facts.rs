//! Facts: what is said in a topic, numbered without gaps in the transaction that makes it true.

use model::event::ReleaseLine;
use model::{Event, Fact, ReleaseId, Status};
use sea_orm::FromQueryResult;

use crate::sql::{count, execute, from_json, from_word, number, one, parse, sql, time, to_json};
use crate::writer::Tx;
use crate::{Error, Topic};

/// Numbers the facts of one release. Closing it stores the last number, in the same transaction.
pub(crate) struct Facts {
    release: ReleaseId,
    pub(crate) seq: u64,
    said: bool,
}

impl Facts {
    /// Goes on after fact number `seq`.
    pub(crate) fn new(release: ReleaseId, seq: u64) -> Self {
        Self { release, seq, said: false }
    }

    pub(crate) async fn say(&mut self, tx: &Tx, fact: &Fact) -> Result<(), Error> {
        self.seq += 1;
        self.said = true;
        write_fact(tx, &Topic::Release(self.release), self.seq, fact).await
    }

    /// Says the status here, and to those who look at the project or at everything.
    pub(crate) async fn say_status(
        &mut self,
        tx: &mut Tx,
        status: Status,
        reason: Option<String>,
    ) -> Result<(), Error> {
        let line = line(tx, self.release).await?;
        self.say(tx, &Fact::Release { status, reason: reason.clone(), release: None }).await?;
        let project = Topic::Project(line.project.clone());
        let told = Fact::Release { status, reason, release: Some(Box::new(line)) };
        topic_fact(tx, &project, &told).await?;
        topic_fact(tx, &Topic::Board, &told).await.map(drop)
    }

    /// Stores the last number and answers it.
    pub(crate) async fn close(self, tx: &mut Tx) -> Result<u64, Error> {
        if self.said {
            let last = "UPDATE release SET last_seq = $2 WHERE id = $1";
            execute(tx.db(), sql(last, [self.release.0.into(), self.seq.cast_signed().into()])).await?;
            tx.announce(Topic::Release(self.release), self.seq);
        }
        Ok(self.seq)
    }
}

/// Says `fact` in a topic that is not a release; answers its number.
pub(crate) async fn topic_fact(tx: &mut Tx, topic: &Topic, fact: &Fact) -> Result<u64, Error> {
    let next = "INSERT INTO topic (name, last_seq) VALUES ($1, 1) \
                ON CONFLICT (name) DO UPDATE SET last_seq = topic.last_seq + 1 RETURNING last_seq";
    let seq = count(number(tx.db(), sql(next, [topic.to_string().into()])).await?.unwrap_or(1));
    write_fact(tx, topic, seq, fact).await?;
    tx.announce(topic.clone(), seq);
    Ok(seq)
}

async fn write_fact(tx: &Tx, topic: &Topic, seq: u64, fact: &Fact) -> Result<(), Error> {
    let kind = match fact {
        Fact::Release { .. } => "release",
        Fact::Node(_) => "node",
        Fact::Log(_) => "log",
        Fact::Chat { .. } => "chat",
    };
    let say = "INSERT INTO event (topic, seq, at, kind, fact) VALUES ($1, $2, $3, $4, $5)";
    let values = [
        topic.to_string().into(),
        seq.cast_signed().into(),
        tx.micros().into(),
        kind.into(),
        to_json("fact", fact)?.into(),
    ];
    execute(tx.db(), sql(say, values)).await.map(drop)
}

/// A release in one line.
pub(crate) async fn line(tx: &Tx, id: ReleaseId) -> Result<ReleaseLine, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        project: String,
        environment: String,
        kind: String,
        git_ref: String,
        author: String,
    }
    let find = "SELECT project, environment, kind, git_ref, author FROM release WHERE id = $1";
    let row: Option<Row> = one(tx.db(), sql(find, [id.0.into()])).await?;
    let row = row.ok_or(Error::Fenced(id))?;
    Ok(ReleaseLine {
        id,
        project: parse("name of a project", &row.project)?,
        environment: parse("name of an environment", &row.environment)?,
        kind: from_word("kind of a release", &row.kind)?,
        git_ref: row.git_ref,
        by: row.author,
    })
}

/// An event from its row.
pub(crate) fn event(seq: i64, at: i64, fact: &str) -> Result<Event, Error> {
    Ok(Event { seq: count(seq), at: time(at)?, fact: from_json("fact", fact)? })
}
