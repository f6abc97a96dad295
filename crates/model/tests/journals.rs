//! Journals that earlier versions wrote replay to the state that they wrote beside them.

use model::{Event, Name, Node, ServerRecord, Status, Step, Tree};
use serde::Deserialize;

#[derive(Deserialize)]
struct Kept {
    steps: Vec<Step>,
    events: Vec<Event>,
    nodes: Vec<Node>,
    servers: Vec<ServerRecord>,
    status: Status,
    reason: Option<String>,
}

#[test]
fn what_was_written_once_is_understood_for_ever() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journals");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let kept: Kept = serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
        let servers: Vec<Name> = kept.servers.iter().map(|server| server.name.clone()).collect();
        let mut tree = Tree::new(kept.steps, servers);
        for event in &kept.events {
            tree.apply(event);
        }
        assert_eq!((tree.status, &tree.reason), (kept.status, &kept.reason), "{name}");
        assert_eq!(tree.servers, kept.servers, "{name}");
        for node in &kept.nodes {
            let found = tree.nodes.iter().find(|found| found.key == node.key);
            assert_eq!(found, Some(node), "{name}");
        }
        assert_eq!((tree.nodes.len(), tree.seq), (kept.nodes.len(), kept.events.len() as u64), "{name}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen} journals");
}
