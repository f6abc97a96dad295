//! What viewers read: the snapshot of a release, and the facts after a number.

use std::collections::BTreeMap;

use model::{Event, Fact, LogFact, Node, Release, ReleaseId};
use sea_orm::{ConnectionTrait, FromQueryResult};

use crate::facts::event;
use crate::history::log_removed;
use crate::log_text::{Piece, Text, pieces};
use crate::sql::{all, count, number, sql};
use crate::{Error, LogFilter, Store, Topic, releases, steps};

/// The most events in a batch.
pub const MAX_EVENTS: u32 = 1000;

/// The most bytes in a batch: facts as JSON and log text, counted before that is escaped. A batch has one event
/// at least.
pub const MAX_BYTES: u64 = 64 * 1024;

/// Facts of a topic, in order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The topic.
    pub topic: Topic,
    /// The id of the numbering, see [`Store::stream`].
    pub stream: String,
    /// The facts.
    pub events: Vec<Event>,
    /// The number of the last one; when there is none, where the reader stands: never beyond the topic's end.
    pub seq: u64,
}

/// All that is known of a release at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The release.
    pub release: Release,
    /// Its tree: the plan's steps in order, then those that were added.
    pub nodes: Vec<Node>,
    /// The id of the numbering, see [`Store::stream`].
    pub stream: String,
    /// The number of the last fact in it; go on with [`Store::events`] after that.
    pub seq: u64,
}

#[derive(FromQueryResult)]
struct Row {
    seq: i64,
    at: i64,
    fact: String,
}

impl Store {
    /// The snapshot of a release, all of it of one moment.
    pub async fn snapshot(&self, id: ReleaseId) -> Result<Option<Snapshot>, Error> {
        let db = self.moment().await?;
        let Some((release, seq)) = releases::read(&db, id).await? else { return Ok(None) };
        let nodes = steps::nodes(&db, id).await?;
        Ok(Some(Snapshot { release, nodes, stream: self.stream().to_owned(), seq }))
    }

    /// The facts of `topic` after number `after`: at most [`MAX_EVENTS`] and [`MAX_BYTES`], ask again for more. What was
    /// removed because it is old is left out: the text of a log, or all facts of a release.
    /// `None` when there is no such topic.
    pub async fn events(&self, topic: &Topic, after: u64, logs: &LogFilter) -> Result<Option<Batch>, Error> {
        // One moment for all: a merge between facts and text would hide the text.
        let db = self.moment().await?;
        let Some(end) = end(&db, topic).await? else { return Ok(None) };
        let mut batch =
            Batch { topic: topic.clone(), stream: self.stream().to_owned(), events: Vec::new(), seq: after };
        if after >= count(end) {
            batch.seq = count(end);
            return Ok(Some(batch));
        }
        let next = "SELECT seq, at, fact FROM event WHERE topic = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let values = [topic.to_string().into(), after.cast_signed().into(), MAX_EVENTS.into()];
        let rows: Vec<Row> = all(&db, sql(next, values)).await?;
        if rows.is_empty() {
            // They were removed, all of them at once, because they are old.
            batch.seq = count(end);
            return Ok(Some(batch));
        }
        let wanted = fill(&mut batch, rows, logs)?;
        let mut packed = Vec::with_capacity(wanted.len());
        let Topic::Release(release) = *topic else { return Ok(Some(batch)) };
        if !wanted.is_empty() && log_removed(&db, release).await?.is_some() {
            return Ok(Some(batch));
        }
        for (node, (from, to)) in wanted {
            let pieces = pieces(&db, release, &node, from, to).await?;
            packed.push((node, pieces));
        }
        drop(db);
        if packed.is_empty() {
            return Ok(Some(batch));
        }
        let unpacking = tokio::task::spawn_blocking(move || {
            unpack(&mut batch.events, packed)?;
            Ok(Some(batch))
        });
        unpacking.await.map_err(|error| Error::unreadable("log text", error))?
    }
}

/// The number of the last fact of a topic; `None` when there is no such topic.
async fn end(db: &impl ConnectionTrait, topic: &Topic) -> Result<Option<i64>, Error> {
    let there = match topic {
        Topic::Release(id) => {
            return number(db, sql("SELECT last_seq FROM release WHERE id = $1", [id.0.into()])).await;
        }
        Topic::Project(name) => {
            let find = "SELECT COUNT(*) FROM project WHERE name = $1";
            number(db, sql(find, [name.as_str().into()])).await? == Some(1)
        }
        Topic::Board => true,
    };
    let last = "SELECT last_seq FROM topic WHERE name = $1";
    let last = number(db, sql(last, [topic.to_string().into()])).await?;
    // Facts of a project outlive it, as its releases do.
    Ok(last.or_else(|| there.then_some(0)))
}

/// The bytes of each node's log that a batch needs.
type Wanted = BTreeMap<String, (u64, u64)>;

/// Puts rows into the batch until it is full.
fn fill(batch: &mut Batch, rows: Vec<Row>, logs: &LogFilter) -> Result<Wanted, Error> {
    let mut wanted = Wanted::new();
    let mut size = 0;
    for row in rows {
        let event = event(row.seq, row.at, &row.fact)?;
        size += row.fact.len() as u64;
        if let Some(log) = text_of(&event, logs) {
            size += log.bytes;
        }
        if size > MAX_BYTES && !batch.events.is_empty() {
            break;
        }
        if let Some(log) = text_of(&event, logs) {
            // A node's facts follow each other in its log, so this is one run without holes.
            let run = wanted.entry(log.node.clone()).or_insert((log.offset, log.offset));
            run.1 = log.offset + log.bytes;
        }
        batch.seq = event.seq;
        batch.events.push(event);
    }
    Ok(wanted)
}

/// The log fact in `event`, when it has text that is wanted.
fn text_of<'e>(event: &'e Event, logs: &LogFilter) -> Option<&'e LogFact> {
    match &event.fact {
        Fact::Log(log) if log.dropped.is_none() && logs.wants(&log.node) => Some(log),
        _ => None,
    }
}

/// Puts the text into the log facts; one node after the other, so that only one is unpacked at a time.
fn unpack(events: &mut [Event], packed: Vec<(String, Vec<Piece>)>) -> Result<(), Error> {
    for (node, pieces) in packed {
        let text = Text::unpack(&pieces)?;
        for event in &mut *events {
            match &mut event.fact {
                Fact::Log(log) if log.node == node && log.dropped.is_none() => {
                    log.text = Some(text.slice(log.offset, log.bytes)?.to_owned());
                }
                _ => {}
            }
        }
    }
    Ok(())
}
