//! Events: the numbered facts a topic says. A fact is immutable; whoever reads them in order knows all.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Kind, Name, ReleaseId, ServerState, Status, Step, StepStatus};

/// One numbered fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the topic: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What it says.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What an event says; on the wire `kind` and `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Fact {
    /// The release changed its status.
    Release {
        /// The new one.
        status: Status,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Which release it is, in the topics of a project and of the board.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<Box<ReleaseLine>>,
    },
    /// A node changed its status.
    Node(NodeFact),
    /// A node wrote something.
    Log(LogFact),
    /// Somebody wrote something.
    Chat {
        /// Who.
        user: String,
        /// What.
        text: String,
        /// The node it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
}

/// A release in one line, for those who look at many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseLine {
    /// Its number.
    pub id: ReleaseId,
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// Forward or back.
    pub kind: Kind,
    /// What was asked for.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Who pressed Release.
    pub by: String,
}

/// A change of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFact {
    /// Which node.
    pub key: String,
    /// Its new status.
    pub status: StepStatus,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Set when the node was not in the plan (undo, on_failure): how to draw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Step>,
    /// What is now known of a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerFact>,
}

/// What became known of one server. A missing part is unchanged; an empty `before` or `now` means no link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFact {
    /// Which server.
    pub name: Name,
    /// What `current` was at first contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What `current` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServerState>,
}

/// Raw text of one node, or the count of what was left out of it.
///
/// The texts of a node, joined in order, are its log: newlines are included and no character is split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFact {
    /// Which node.
    pub node: String,
    /// Where the text begins, in bytes of the stored UTF-8.
    pub offset: u64,
    /// How long the text is, in bytes.
    pub bytes: u64,
    /// The text; absent when the viewer did not ask for this node's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many bytes were left out here because the node said too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
}

impl NodeFact {
    /// The plain fact that `key` is `status` in try `attempt`.
    pub fn new(key: impl Into<String>, status: StepStatus, attempt: u32) -> Self {
        Self { key: key.into(), status, attempt, reason: None, added: None, server: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_have_the_shape_of_the_contract() {
        let event = Event {
            seq: 18,
            at: "2026-11-20T10:45:12Z".parse().unwrap(),
            fact: Fact::Node(NodeFact::new("web-1/upload", StepStatus::Running, 1)),
        };
        let json = serde_json::json!({"seq": 18, "at": "2026-11-20T10:45:12Z", "kind": "node",
            "data": {"key": "web-1/upload", "status": "running", "attempt": 1}});
        assert_eq!(serde_json::to_value(&event).unwrap(), json);
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
