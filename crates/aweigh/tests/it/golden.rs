//! Golden trees and journals: what a release says and how it ends, word for word, for every way in which one can.
//!
//! Trees are snapshots of `insta`. Journals are kept for every later version to prove that it still understands them
//! (`crates/model/tests/journals`); `AWEIGH_BLESS=1` adds those of this one.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

/// Two servers in two batches; files in `shared/` say what fails or waits.
const SHOP: &str = r#"
batches = [{ size = 1, hold = true }, "100%"]
[projects.shop.environments.production.hooks]
before_activate = 'true'
after_upload = [{ name = "migrate", run = 'while [ -e "$AWEIGH_SHARED_PATH/waits" ]; do sleep 0.05; done; test ! -e "$AWEIGH_SHARED_PATH/breaks-early"', on = "role=db", once = true }]
after_activate = 'test ! -e "$AWEIGH_SHARED_PATH/breaks-$AWEIGH_ACTION"'
on_failure = 'true'
"#;

struct Shop(Rig);

impl Shop {
    /// Release 1 is live; release 2 has begun.
    fn new(marks: &[(usize, &str)], environment: &str) -> Self {
        let rig = Rig::new(2);
        rig.repo.commit([("version", file("1\n"))]);
        rig.apply(&SHOP.replace("hold = true", "hold = false"));
        rig.release("main");
        rig.apply(&format!("{environment}{SHOP}"));
        rig.repo.commit([("version", file("2\n"))]);
        for (number, name) in marks {
            std::fs::write(rig.root(*number).join("shared").join(name), "").unwrap();
        }
        rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
        Self(rig)
    }

    fn unmark(&self, number: usize, name: &str) {
        std::fs::remove_file(self.0.root(number).join("shared").join(name)).unwrap();
    }

    /// Compares tree and journal with what is kept, or keeps them.
    fn keep(&self, name: &str, status: &str) {
        let snapshot = self.0.wait_for(2, status);
        let events = self.0.events(2);
        let tree = tree(&snapshot, &self.0);
        if std::env::var_os("AWEIGH_BLESS").is_some() {
            let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/journals");
            let journal = journals.join(format!("{}-{name}.json", env!("CARGO_PKG_VERSION")));
            std::fs::write(journal, format!("{:#}\n", kept(&snapshot, &events))).unwrap();
        }
        insta::assert_snapshot!(name, tree);
    }
}

/// The tree as lines, without what differs from run to run.
fn tree(snapshot: &Value, rig: &Rig) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace(&rig.repo.head(), "COMMIT");
    let release = &snapshot["release"];
    let mut lines = format!("{}: {}\n", text(&release["status"]), text(&release["reason"]));
    let nodes = snapshot["nodes"].as_array().unwrap();
    for node in nodes {
        let mut depth = 0;
        let mut at = node;
        while let Some(parent) =
            nodes.iter().find(|other| !at["parent"].is_null() && other["key"] == at["parent"])
        {
            (at, depth) = (parent, depth + 1);
        }
        let batch = node["batch"].as_u64().map(|batch| format!(" [{batch}]")).unwrap_or_default();
        let tries =
            node["attempt"].as_u64().filter(|tries| *tries > 1).map(|tries| format!(" ({tries} tries)"));
        let reason =
            node["reason"].as_str().map(|_| format!(": {}", text(&node["reason"]))).unwrap_or_default();
        let (indent, key, status) = ("  ".repeat(depth), text(&node["key"]), text(&node["status"]));
        writeln!(lines, "{indent}{key}{batch} {status}{}{reason}", tries.unwrap_or_default()).unwrap();
    }
    for server in release["servers"].as_array().unwrap() {
        let runs = |link: &Value| {
            link.as_str().and_then(|link| link.rsplit('-').next()).unwrap_or("nothing").to_owned()
        };
        let (name, before, now, state) =
            (text(&server["name"]), &server["before"], &server["now"], &server["state"]);
        writeln!(lines, "{name}: {} -> {}, {}", runs(before), runs(now), text(state)).unwrap();
    }
    lines
}

/// What a later version needs to replay a release: the plan's nodes, the facts, and what came of them.
fn kept(snapshot: &Value, events: &[Value]) -> Value {
    let added = |key: &Value| {
        events.iter().any(|event| event["data"]["key"] == *key && !event["data"]["added"].is_null())
    };
    let nodes = snapshot["nodes"].as_array().unwrap();
    let step = |node: &Value| {
        let mut step = node.clone();
        for key in ["status", "attempt", "started_at", "ended_at", "reason"] {
            step.as_object_mut().unwrap().remove(key);
        }
        step
    };
    let steps: Vec<Value> = nodes.iter().filter(|node| !added(&node["key"])).map(step).collect();
    let servers: Vec<&Value> = snapshot["release"]["servers"].as_array().unwrap().iter().collect();
    json!({ "steps": steps, "events": events, "nodes": nodes, "servers": servers,
        "status": snapshot["release"]["status"], "reason": snapshot["release"]["reason"] })
}

#[test]
fn a_good_one() {
    let shop = Shop::new(&[], "");
    shop.0.wait_for(2, "paused");
    shop.0.ok(["promote", "2"]);
    shop.keep("good", "succeeded");
}

#[test]
fn one_that_fails_before_the_switch() {
    Shop::new(&[(1, "breaks-early")], "").keep("failed", "failed");
}

#[test]
fn one_that_goes_back() {
    Shop::new(&[(1, "breaks-release")], "").keep("undone", "rolled_back");
}

#[test]
fn one_that_waits() {
    Shop::new(&[], "").keep("paused", "paused");
}

#[test]
fn one_that_is_cancelled() {
    let shop = Shop::new(&[(1, "waits")], "");
    shop.0.wait_for_node(2, "web-1/after_upload/migrate", "running");
    shop.0.ok(["cancel", "2"]);
    shop.keep("cancelled", "cancelled");
}

#[test]
fn one_that_is_resumed() {
    let shop = Shop::new(&[(1, "waits")], "");
    shop.0.wait_for_node(2, "web-1/after_upload/migrate", "running");
    shop.0.ok(["pause", "2"]);
    shop.unmark(1, "waits");
    shop.0.wait_for(2, "paused");
    shop.0.ok(["resume", "2"]);
    shop.0.wait_for_node(2, "batch-2", "paused");
    shop.0.wait_for(2, "paused");
    shop.0.ok(["promote", "2"]);
    shop.keep("resumed", "succeeded");
}

#[test]
fn one_with_a_server_that_is_tried_again() {
    let shop = Shop::new(&[(1, "breaks-release")], "max_failures = 1\n");
    shop.0.wait_for(2, "paused");
    shop.unmark(1, "breaks-release");
    shop.0.ok(["retry", "2"]);
    shop.0.wait_for(2, "paused");
    shop.0.ok(["promote", "2"]);
    shop.keep("retried", "succeeded");
}

#[test]
fn one_that_leaves_servers_different() {
    Shop::new(&[(1, "breaks-release"), (1, "breaks-undo")], "").keep("partial", "partial");
}
