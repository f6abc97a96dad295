//! How far uploads are: in the snapshot of a release, by WebSocket, and at a route of its own. Not a fact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes that went, of how many, how fast.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bytes {
    /// Bytes that went.
    pub sent: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes per second over the last seconds; absent while nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// What the rest takes at this rate, in seconds; absent while nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
}

/// How far the uploads of a release are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// All uploads that have begun, those that have ended too.
    #[serde(flatten)]
    pub whole: Bytes,
    /// The uploads that are under way, by the key of their node; empty when none is.
    pub nodes: BTreeMap<String, Bytes>,
}
