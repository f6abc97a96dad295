//! The tree viewers draw: the plan's steps with the facts applied. Pure, so that the page, the terminal, the
//! snapshot and the tests cannot disagree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Event, Fact, Name, NodeFact, ServerRecord, ServerState, Status, Step, StepKind, StepStatus};

/// One node of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its key.
    pub key: String,
    /// The key of the node it hangs on.
    pub parent: Option<String>,
    /// What stands in it.
    pub text: String,
    /// Where it stands.
    pub status: StepStatus,
    /// What it does.
    pub step: StepKind,
    /// The server it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

impl From<Step> for Node {
    fn from(step: Step) -> Self {
        Self {
            key: step.key,
            parent: step.parent,
            text: step.text,
            status: StepStatus::Pending,
            step: step.step,
            server: step.server,
            batch: step.batch,
            attempt: 0,
            started_at: None,
            ended_at: None,
            reason: None,
        }
    }
}

/// Everything a viewer of one release knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The nodes, parents first.
    pub nodes: Vec<Node>,
    /// The servers.
    pub servers: Vec<ServerRecord>,
    /// The release's status.
    pub status: Status,
    /// Why.
    pub reason: Option<String>,
    /// The number of the last fact applied.
    pub seq: u64,
}

impl Tree {
    /// The tree of a plan before anything was said.
    pub fn new(steps: impl IntoIterator<Item = Step>, servers: impl IntoIterator<Item = Name>) -> Self {
        let server = |name| ServerRecord { name, before: None, now: None, state: ServerState::default() };
        Self {
            nodes: steps.into_iter().map(Node::from).collect(),
            servers: servers.into_iter().map(server).collect(),
            status: Status::Queued,
            reason: None,
            seq: 0,
        }
    }

    /// Applies one fact. A fact that was applied before changes nothing.
    pub fn apply(&mut self, event: &Event) {
        if event.seq <= self.seq {
            return;
        }
        self.seq = event.seq;
        match &event.fact {
            Fact::Release { status, reason, .. } => {
                self.status = *status;
                self.reason.clone_from(reason);
            }
            Fact::Node(fact) => self.apply_node(fact, event.at),
            Fact::Log(_) | Fact::Chat { .. } => {}
        }
    }

    fn apply_node(&mut self, fact: &NodeFact, at: Timestamp) {
        if let Some(added) = &fact.added
            && !self.nodes.iter().any(|node| node.key == fact.key)
        {
            self.nodes.push(added.clone().into());
        }
        if let Some(known) = &fact.server
            && let Some(server) = self.servers.iter_mut().find(|server| server.name == known.name)
        {
            let link = |text: &String| (!text.is_empty()).then(|| text.clone());
            server.before = known.before.as_ref().map_or(server.before.clone(), link);
            server.now = known.now.as_ref().map_or(server.now.clone(), link);
            server.state = known.state.unwrap_or(server.state);
        }
        if let Some(node) = self.nodes.iter_mut().find(|node| node.key == fact.key) {
            let begins = fact.status == StepStatus::Running
                && (node.attempt != fact.attempt || node.started_at.is_none());
            if begins {
                node.started_at = Some(at);
            }
            node.status = fact.status;
            node.attempt = fact.attempt;
            node.reason.clone_from(&fact.reason);
            node.ended_at = fact.status.is_settled().then_some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ServerFact;

    fn step(key: &str) -> Step {
        Step {
            key: key.into(),
            parent: None,
            text: key.into(),
            step: StepKind::Fetch,
            server: None,
            batch: None,
        }
    }

    fn event(seq: u64, fact: NodeFact) -> Event {
        Event { seq, at: Timestamp::from_second(seq.cast_signed()).unwrap(), fact: Fact::Node(fact) }
    }

    #[test]
    fn facts_colour_nodes_and_servers_once() {
        let web: Name = "web-1".parse().unwrap();
        let mut tree = Tree::new([step("fetch")], [web.clone()]);
        let mut known = NodeFact::new("fetch", StepStatus::Running, 1);
        known.server = Some(ServerFact {
            name: web,
            before: Some(String::new()),
            now: None,
            state: Some(ServerState::Staged),
        });
        tree.apply(&event(1, known));
        let mut added = NodeFact::new("web-1/undo", StepStatus::Running, 1);
        added.added = Some(step("web-1/undo"));
        tree.apply(&event(2, added));
        tree.apply(&event(3, NodeFact::new("fetch", StepStatus::Ok, 1)));
        let seen = tree.clone();
        tree.apply(&event(2, NodeFact::new("fetch", StepStatus::Failed, 9)));
        assert_eq!(tree, seen, "an old fact changes nothing");
        assert_eq!(tree.nodes.len(), 2);
        let fetch = &tree.nodes[0];
        assert_eq!(
            (fetch.status, fetch.started_at.unwrap().as_second(), fetch.ended_at.unwrap().as_second()),
            (StepStatus::Ok, 1, 3)
        );
        assert_eq!(tree.servers[0].state, ServerState::Staged);
    }
}
