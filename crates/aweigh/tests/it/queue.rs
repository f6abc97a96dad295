//! One release of an environment at a time: refused, queued, stopped.

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

/// A release that waits for the file `go` in every server's `shared/`.
const WAITS: &str = "[projects.shop.environments.production.hooks]\nafter_upload = \"until [ -e \\\"$AWEIGH_SHARED_PATH/go\\\" ]; do sleep 0.05; done\"";

fn order(git_ref: &str, queue: bool) -> Value {
    json!({"project": "shop", "environment": "production", "ref": git_ref, "queue": queue})
}

fn rig() -> Rig {
    let rig = Rig::new(2);
    for number in 1..=3 {
        rig.repo.commit([("version", file(&format!("{number}\n")))]);
        rig.repo.tag(&format!("v{number}"));
    }
    rig.apply(WAITS);
    rig
}

#[test]
fn three_releases_run_in_the_order_in_which_they_were_queued() {
    let rig = rig();
    assert_eq!(rig.http("POST", "/releases", Some(order("v1", false))).0, 201);
    rig.wait_for_node(1, "web-1/after_upload", "running");
    let (status, busy) = rig.http("POST", "/releases", Some(order("v2", false)));
    assert_eq!((status, &busy["code"]), (409, &json!("busy")), "{busy}");
    let (status, same) = rig.http("POST", "/releases", Some(order("v1", true)));
    assert_eq!((status, &same["code"]), (409, &json!("duplicate")), "{same}");
    for (git_ref, id, position) in [("v2", 2, 1), ("v3", 3, 2)] {
        let (status, queued) = rig.http("POST", "/releases", Some(order(git_ref, true)));
        assert_eq!(
            (status, &queued["id"], &queued["status"]),
            (201, &json!(id), &json!("queued")),
            "{queued}"
        );
        assert_eq!(queued["position"], json!(position));
    }
    rig.share("go", |_| String::new());
    rig.wait_for(3, "succeeded");
    let started = |id| rig.snapshot(id)["release"]["started_at"].as_str().unwrap().to_owned();
    let ended = |id| rig.snapshot(id)["release"]["ended_at"].as_str().unwrap().to_owned();
    assert!(ended(1) <= started(2) && ended(2) <= started(3));
    assert_eq!((rig.status(1).as_str(), rig.status(2).as_str()), ("succeeded", "succeeded"));
    assert_eq!(rig.revision(1), Some(rig.repo.head()));
}

#[test]
fn a_stop_before_the_first_switch_leaves_everything_as_it_was() {
    let rig = rig();
    assert_eq!(rig.http("POST", "/releases", Some(order("v1", false))).0, 201);
    assert_eq!(rig.http("POST", "/releases", Some(order("v2", true))).0, 201);
    rig.wait_for_node(1, "web-2/after_upload", "running");
    rig.ok(["cancel", "2"]);
    assert_eq!(rig.status(2), "cancelled", "what is queued is cancelled at once");
    rig.ok(["cancel", "1"]);
    let stopped = rig.wait_for(1, "cancelled");
    assert!(
        stopped["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|node| node["status"] != "running" && node["status"] != "pending")
    );
    assert_eq!((rig.current(1), rig.current(2)), (None, None));
    let (status, finished) = rig.http("POST", "/releases/1/cancel", Some(json!({})));
    assert_eq!((status, &finished["code"]), (409, &json!("finished")), "{finished}");
    rig.share("go", |_| String::new());
    rig.release("v3");
}

#[test]
fn a_stop_after_the_switch_takes_all_back() {
    let rig = Rig::new(2);
    let first = rig.repo.commit([("version", file("1\n"))]);
    let waits = "[ \\\"$AWEIGH_ACTION\\\" = undo ] || [ $AWEIGH_RELEASE = 1 ] || until [ -e \\\"$AWEIGH_SHARED_PATH/go\\\" ]; do sleep 0.05; done";
    rig.apply(&format!("[projects.shop.environments.production.hooks]\nafter_activate = \"{waits}\""));
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    assert_eq!(rig.http("POST", "/releases", Some(order("main", false))).0, 201);
    rig.wait_for_node(2, "web-1/after_activate", "running");
    rig.wait_for_node(2, "web-2/after_activate", "running");
    assert_eq!(rig.http("POST", "/releases/2/cancel", Some(json!({}))).0, 202);
    rig.share("go", |_| String::new());
    rig.wait_for(2, "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn many_presses_at_once_make_one_release() {
    let rig = rig();
    let codes: Vec<u16> = std::thread::scope(|scope| {
        let presses: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| rig.http("POST", "/releases", Some(order("v1", false))).0))
            .collect();
        presses.into_iter().map(|press| press.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 201).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [201, 409].contains(code)), "{codes:?}");
    rig.share("go", |_| String::new());
    rig.wait_for(1, "succeeded");
}

#[test]
fn what_is_changed_in_the_middle_changes_the_next_release_only() {
    let rig = rig();
    assert_eq!(rig.http("POST", "/releases", Some(order("v1", false))).0, 201);
    rig.wait_for_node(1, "web-1/after_upload", "running");
    // Another hook, and one server less.
    let path = rig.fleet_file(&rig.shop(
        "[projects.shop.environments.production.hooks]\nafter_activate = 'touch \"$AWEIGH_SHARED_PATH/new\"'",
    ));
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("servers = \"env=production\"", "servers = \"web-1\"");
    std::fs::write(&path, text).unwrap();
    rig.ok(["apply", "-f", path.to_str().unwrap()]);
    rig.share("go", |_| String::new());
    rig.wait_for(1, "succeeded");
    assert_eq!(rig.revision(1), rig.revision(2));
    assert!(!rig.root(1).join("shared/new").exists(), "the plan is the one of then");
    rig.release("v2");
    assert!(rig.root(1).join("shared/new").exists());
    assert_ne!(rig.revision(1), rig.revision(2), "it is not in the environment any more");
}
