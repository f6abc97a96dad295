//! Steps: rows of the plan as nodes of the tree, both ways.

use model::{Name, Node, ReleaseId, StepStatus};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Select};

use crate::sql::{count, from_json, from_word, parse, small, time, to_word};
use crate::tables::step;
use crate::{Error, Store};

/// A step as it was recorded last.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// Its key.
    pub key: String,
    /// Where it stands.
    pub status: StepStatus,
    /// The last try.
    pub attempt: u32,
    /// How many times Aweigh ended while it ran.
    pub crashes: u32,
    /// How many bytes of the log that this try writes elsewhere have been recorded.
    pub log_read: u64,
    /// The epoch that wrote it last; 0 before anybody did.
    pub epoch: model::Epoch,
    /// What it found out.
    pub result: Option<serde_json::Value>,
    /// Why it stands there.
    pub reason: Option<String>,
    /// All of it as viewers see it.
    pub node: Node,
}

impl Store {
    /// The steps of a release: those of its plan in order, then those that were added. Empty when there is no
    /// such release.
    pub async fn steps(&self, release: ReleaseId) -> Result<Vec<StepRow>, Error> {
        in_order(release).all(self.readers()).await?.into_iter().map(recorded).collect()
    }

    /// The steps of one server of a release: those whose keys begin with its name and a slash.
    pub async fn steps_of(&self, release: ReleaseId, server: &Name) -> Result<Vec<StepRow>, Error> {
        // The character behind the slash bounds the range, so that the primary key finds it.
        let (first, end) = (format!("{server}/"), format!("{server}0"));
        let of = in_order(release).filter(step::Column::Key.gte(first)).filter(step::Column::Key.lt(end));
        of.all(self.readers()).await?.into_iter().map(recorded).collect()
    }
}

fn recorded(row: step::Model) -> Result<StepRow, Error> {
    Ok(StepRow {
        crashes: small(row.crashes),
        log_read: count(row.log_read),
        epoch: model::Epoch(row.epoch),
        result: row.result.as_deref().map(|text| from_json("result of a step", text)).transpose()?,
        node: node(&row)?,
        status: status(&row.status)?,
        attempt: small(row.attempt),
        reason: row.reason,
        key: row.key,
    })
}

/// The nodes of a release in their order.
pub(crate) async fn nodes(db: &impl ConnectionTrait, release: ReleaseId) -> Result<Vec<Node>, Error> {
    rows(db, release).await?.iter().map(node).collect()
}

/// The rows of a release in their order.
pub(crate) async fn rows(db: &impl ConnectionTrait, release: ReleaseId) -> Result<Vec<step::Model>, Error> {
    Ok(in_order(release).all(db).await?)
}

fn in_order(release: ReleaseId) -> Select<step::Entity> {
    step::Entity::find().filter(step::Column::ReleaseId.eq(release.0)).order_by_asc(step::Column::Position)
}

fn status(word: &str) -> Result<StepStatus, Error> {
    StepStatus::from_word(word).ok_or_else(|| Error::unreadable("status of a step", word))
}

/// The node that a row is.
pub(crate) fn node(row: &step::Model) -> Result<Node, Error> {
    Ok(Node {
        key: row.key.clone(),
        parent: row.parent.clone(),
        text: row.text.clone(),
        status: status(&row.status)?,
        step: from_word("kind of step", &row.kind)?,
        server: row.server.as_deref().map(|name| parse("name of a server", name)).transpose()?,
        batch: row.batch.map(small),
        attempt: small(row.attempt),
        started_at: row.started_at.map(time).transpose()?,
        ended_at: row.ended_at.map(time).transpose()?,
        reason: row.reason.clone(),
    })
}

/// The row that a node is, at its place from 1, before anybody wrote it.
pub(crate) fn row(release: ReleaseId, position: u64, node: Node) -> Result<step::Model, Error> {
    Ok(step::Model {
        release_id: release.0,
        position: position.cast_signed(),
        kind: to_word("kind of step", &node.step)?,
        server: node.server.map(String::from),
        batch: node.batch.map(i64::from),
        status: node.status.word().to_owned(),
        attempt: node.attempt.into(),
        crashes: 0,
        epoch: 0,
        result: None,
        started_at: node.started_at.map(jiff::Timestamp::as_microsecond),
        ended_at: node.ended_at.map(jiff::Timestamp::as_microsecond),
        log_read: 0,
        key: node.key,
        parent: node.parent,
        text: node.text,
        reason: node.reason,
    })
}

/// The place after the last step of a release.
pub(crate) async fn next_position(db: &impl ConnectionTrait, release: ReleaseId) -> Result<u64, Error> {
    let last = "SELECT COALESCE(MAX(position), 0) FROM step WHERE release_id = $1";
    let last = crate::sql::number(db, crate::sql::sql(last, [release.0.into()])).await?;
    Ok(count(last.unwrap_or_default()) + 1)
}
