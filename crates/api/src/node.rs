//! Nodes of the tree as they are shown.

use jiff::Timestamp;
use model::{Name, StepKind, StepStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words;

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Its key.
    #[schema(example = "web-1/upload")]
    pub key: String,
    /// The key of the node it hangs on.
    pub parent: Option<String>,
    /// What stands in it.
    pub text: String,
    /// Where it stands.
    #[schema(schema_with = words::step_status)]
    pub status: StepStatus,
    /// What it does.
    #[schema(schema_with = words::step_kind)]
    pub step: StepKind,
    /// The server it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub server: Option<Name>,
    /// Its batch, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Which try this is; 0 before the first.
    pub attempt: u32,
    /// When this try began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<model::Node> for Node {
    fn from(node: model::Node) -> Self {
        Self {
            key: node.key,
            parent: node.parent,
            text: node.text,
            status: node.status,
            step: node.step,
            server: node.server,
            batch: node.batch,
            attempt: node.attempt,
            started_at: node.started_at,
            ended_at: node.ended_at,
            reason: node.reason,
        }
    }
}

impl From<Node> for model::Node {
    fn from(node: Node) -> Self {
        Self {
            key: node.key,
            parent: node.parent,
            text: node.text,
            status: node.status,
            step: node.step,
            server: node.server,
            batch: node.batch,
            attempt: node.attempt,
            started_at: node.started_at,
            ended_at: node.ended_at,
            reason: node.reason,
        }
    }
}
