//! Chat: what people say beside a release or a project. Anybody writes it, so it is numbered by the writer in the
//! row of its topic, between the facts of the release's owner.

use model::{Event, Fact, Name, ReleaseId};
use sea_orm::FromQueryResult;

use crate::facts::{Facts, event, topic_fact};
use crate::sql::{all, count, execute, number, one, sql};
use crate::writer::{Tx, Work};
use crate::{Error, Store, Topic};

/// Something that somebody says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChat {
    /// Where: a release or a project.
    pub topic: Topic,
    /// Who.
    pub user: String,
    /// What.
    pub text: String,
    /// The node of the release that it is about.
    pub node: Option<String>,
    /// Makes a repeated request answer with the first one's fact. Keys of different people are different.
    pub key: Option<String>,
}

/// How it ended; only `New` and `Again` mean that it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is the newest fact of its topic.
    New(Event),
    /// It was said before, with the same key.
    Again(Event),
    /// There is no such topic, or nobody speaks there.
    NoTopic,
    /// The release has no such node.
    NoNode,
}

#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    at: i64,
    fact: String,
}

impl Store {
    /// Says something; durable, and numbered in its topic, on return.
    pub async fn say(&self, chat: NewChat) -> Result<Said, Error> {
        self.write(Say(chat)).await
    }

    /// What was said in `topic` before number `before`, the newest first, at most `limit`.
    pub async fn chat(&self, topic: &Topic, before: u64, limit: u64) -> Result<Vec<Event>, Error> {
        let said = "SELECT seq, at, fact FROM event WHERE topic = $1 AND kind = 'chat' AND seq < $2 \
                    ORDER BY seq DESC LIMIT $3";
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let values = [topic.to_string().into(), before.into(), limit.cast_signed().into()];
        let rows: Vec<Row> = all(self.readers(), sql(said, values)).await?;
        rows.iter().map(|row| event(row.seq, row.at, &row.fact)).collect()
    }
}

struct Say(NewChat);

impl Work for Say {
    type Output = Said;

    async fn write(self, tx: &mut Tx) -> Result<Said, Error> {
        let NewChat { topic, user, text, node, key } = self.0;
        if let Some(said) = again(tx, &user, key.as_deref()).await? {
            return Ok(Said::Again(said));
        }
        let fact = Fact::Chat { user: user.clone(), text, node: node.clone() };
        let seq = match &topic {
            Topic::Release(id) => {
                // Behind facts that were removed nothing is said any more.
                let last = "SELECT last_seq FROM release WHERE id = $1 AND facts_removed_at IS NULL";
                let last = number(tx.db(), sql(last, [id.0.into()])).await?;
                let Some(last) = last else { return Ok(Said::NoTopic) };
                if let Some(node) = &node
                    && !has_node(tx, *id, node).await?
                {
                    return Ok(Said::NoNode);
                }
                let mut facts = Facts::new(*id, count(last));
                facts.say(tx, &fact).await?;
                facts.close(tx).await?
            }
            Topic::Project(name) => {
                if !has_project(tx, name).await? {
                    return Ok(Said::NoTopic);
                }
                if node.is_some() {
                    return Ok(Said::NoNode);
                }
                topic_fact(tx, &topic, &fact).await?
            }
            Topic::Board => return Ok(Said::NoTopic),
        };
        if let Some(key) = key {
            let once = "INSERT INTO said (author, key, topic, seq) VALUES ($1, $2, $3, $4)";
            let values = [user.into(), key.into(), topic.to_string().into(), seq.cast_signed().into()];
            execute(tx.db(), sql(once, values)).await?;
        }
        Ok(Said::New(Event { seq, at: tx.at, fact }))
    }
}

/// What `user` said with this key before.
async fn again(tx: &Tx, user: &str, key: Option<&str>) -> Result<Option<Event>, Error> {
    let Some(key) = key else { return Ok(None) };
    let find = "SELECT event.seq AS seq, event.at AS at, event.fact AS fact FROM said \
                JOIN event ON event.topic = said.topic AND event.seq = said.seq \
                WHERE said.author = $1 AND said.key = $2";
    let row: Option<Row> = one(tx.db(), sql(find, [user.into(), key.into()])).await?;
    row.map(|row| event(row.seq, row.at, &row.fact)).transpose()
}

async fn has_node(tx: &Tx, id: ReleaseId, key: &str) -> Result<bool, Error> {
    let find = "SELECT COUNT(*) FROM step WHERE release_id = $1 AND key = $2";
    Ok(number(tx.db(), sql(find, [id.0.into(), key.into()])).await? == Some(1))
}

async fn has_project(tx: &Tx, name: &Name) -> Result<bool, Error> {
    let find = "SELECT COUNT(*) FROM project WHERE name = $1";
    Ok(number(tx.db(), sql(find, [name.as_str().into()])).await? == Some(1))
}
