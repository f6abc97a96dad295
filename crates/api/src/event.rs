//! What viewers read: the snapshot of a release, and batches of numbered facts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Node, Progress, Release};

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
    /// Who watches it now, over any transport.
    #[serde(default)]
    pub watching: Vec<String>,
    /// How far its uploads are, while there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
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

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatRequest {
    /// 1 to 4000 characters.
    pub text: String,
    /// The key of the node that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// A page of chat, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChatPage {
    /// Facts of kind `chat`.
    #[schema(value_type = Vec<Event>)]
    pub items: Vec<model::Event>,
    /// The value of `before` for the page before; `null` at the beginning.
    pub next: Option<u64>,
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
    /// What it says: `{status, reason?, release?}` (`release` in the topics of projects and the board), `{key, status, attempt, reason?, added?, server?}`,
    /// `{node, offset, bytes, text?, dropped?}` or `{user, text, node?}`.
    #[schema(value_type = Object)]
    pub data: Value,
}
