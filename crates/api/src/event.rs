//! What viewers read: the snapshot of a release, and batches of numbered facts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Node, Release};

/// A release and its tree at one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The release.
    pub release: Release,
    /// Its tree, parents first.
    pub nodes: Vec<Node>,
    /// Random id of the database; when it changes, everything has to be read again.
    pub stream: String,
    /// The number of the last fact in it.
    pub seq: u64,
}

/// Facts of one topic, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventBatch {
    /// `release:42`.
    pub topic: String,
    /// Random id of the database.
    pub stream: String,
    /// The facts.
    #[schema(value_type = Vec<Event>)]
    pub events: Vec<model::Event>,
    /// The last number of the batch; of an empty one `after`, or the end where `after` is beyond it.
    pub seq: u64,
}

/// The shape of a fact, for the OpenAPI document.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number in the topic: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// `release`, `node`, `log` or `chat`.
    pub kind: String,
    /// What it says: `{status, reason?}`, `{key, status, attempt, reason?, added?, server?}`,
    /// `{node, offset, bytes, text?, dropped?}` or `{user, text, node?}`.
    #[schema(value_type = Object)]
    pub data: Value,
}
