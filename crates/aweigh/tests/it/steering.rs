//! People steer a release that is under way: hold and promote, pause and resume, retry, skip, cancel.

use std::process::Command;

use serde_json::json;
use testkit::repo::file;

use crate::rig::Rig;

/// Hooks that wait while a file of this name is on the server, and fail where another one is.
const HOOKS: &str = "[projects.shop.environments.production.hooks]\n\
    after_upload = 'while [ -e \"$AWEIGH_SHARED_PATH/waits\" ]; do sleep 0.05; done'\n\
    after_activate = 'while [ -e \"$AWEIGH_SHARED_PATH/hangs\" ]; do sleep 0.05; done; test \"$AWEIGH_ACTION\" = undo || test ! -e \"$AWEIGH_SHARED_PATH/breaks\"'";

fn rig(servers: usize, environment: &str) -> (Rig, String) {
    let rig = Rig::new(servers);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(HOOKS);
    rig.release("main");
    rig.apply(&format!("{environment}\n{HOOKS}"));
    (rig, first)
}

fn mark(rig: &Rig, number: usize, name: &str, is: bool) {
    let path = rig.root(number).join("shared").join(name);
    if is { std::fs::write(path, "").unwrap() } else { std::fs::remove_file(path).unwrap() }
}

fn begin(rig: &Rig) {
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
}

#[test]
fn a_canary_is_held_until_somebody_promotes_it() {
    let (mut rig, first) = rig(3, "batches = [{ size = 1, hold = true }, \"100%\"]");
    let second = rig.repo.commit([("version", file("2\n"))]);
    begin(&rig);
    let held = rig.wait_for(2, "paused");
    assert!(held["release"]["reason"].as_str().unwrap().contains("promote"), "{held:#}");
    assert_eq!(rig.node(2, "batch-2")["status"], "paused");
    let runs = |rig: &Rig| (1..=3).map(|number| rig.revision(number).unwrap()).collect::<Vec<_>>();
    assert_eq!(runs(&rig), [second.clone(), first.clone(), first.clone()]);

    // Neither a resume nor a restart is a promotion.
    let refused = rig.run(["resume", "2"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.err.contains("aweigh promote 2"), "{refused:?}");
    rig.kill();
    rig.start();
    assert_eq!(rig.status(2), "paused");
    let busy = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(busy.code, 4, "{busy:?}");

    rig.ok(["promote", "2"]);
    rig.wait_for(2, "succeeded");
    rig.assert_runs(&second);
    assert_eq!(rig.run(["promote", "2"]).code, 4, "it has ended");
}

#[test]
fn a_canary_that_is_not_good_enough_goes_back() {
    let (rig, first) = rig(3, "batches = [{ size = 1, hold = true }, \"100%\"]");
    rig.repo.commit([("version", file("2\n"))]);
    begin(&rig);
    rig.wait_for(2, "paused");
    rig.ok(["cancel", "2"]);
    rig.wait_for(2, "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn a_batch_waits_before_the_next_one_begins() {
    let (rig, _) = rig(2, "batches = [{ size = 1, wait = \"700ms\" }, \"100%\"]");
    let second = rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    rig.assert_runs(&second);
    let at = |key: &str, status: &str| -> jiff::Timestamp {
        let events = rig.events(2);
        let found =
            events.iter().find(|event| event["data"]["key"] == key && event["data"]["status"] == status);
        found.unwrap()["at"].as_str().unwrap().parse().unwrap()
    };
    let waited = at("batch-2", "running").duration_since(at("batch-1", "ok"));
    assert!(waited.as_millis() >= 700, "{waited:?}");
    assert!(at("batch-2", "paused") >= at("batch-1", "ok"));
}

#[test]
fn a_stop_is_heard_while_the_last_hooks_run() {
    let rig = Rig::new(1);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    rig.apply(
        "[projects.shop.environments.production.hooks]\nafter_release = 'while [ ! -e end ]; do sleep 0.05; done'",
    );
    rig.repo.commit([("version", file("2\n"))]);
    begin(&rig);
    rig.wait_for_node(2, "after_release", "running");
    rig.ok(["cancel", "2"]);
    std::fs::write(rig.data().join("work/2/hooks/end"), "").unwrap();
    rig.wait_for(2, "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn a_stop_that_comes_too_late_is_told_so() {
    let (rig, _) = rig(1, "");
    let second = rig.repo.commit([("version", file("2\n"))]);
    // Whoever writes the last line waits for a reader.
    let line = rig.root(1).join("revisions.log");
    std::fs::remove_file(&line).unwrap();
    assert!(Command::new("mkfifo").arg(&line).status().unwrap().success());
    begin(&rig);
    rig.wait_for_node(2, "web-1/prune", "running");
    rig.ok(["cancel", "2"]);
    assert!(std::fs::read_to_string(&line).unwrap().contains("deployed as release"));
    let ended = rig.wait_for(2, "succeeded");
    assert_eq!(ended["release"]["reason"], "the stop came too late");
    rig.assert_runs(&second);
}

#[test]
fn a_release_waits_at_the_next_border_and_goes_on_where_it_stopped() {
    let (mut rig, first) = rig(2, "");
    let second = rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 1, "waits", true);
    begin(&rig);
    rig.wait_for_node(2, "web-1/after_upload", "running");
    rig.ok(["pause", "2"]);
    assert_eq!(rig.snapshot(2)["release"]["pausing"], true);
    mark(&rig, 1, "waits", false);
    let paused = rig.wait_for(2, "paused");
    assert_eq!(
        (&paused["release"]["reason"], &paused["release"]["pausing"]),
        (&json!("paused by admin"), &json!(false))
    );
    assert_eq!(rig.run(["pause", "2"]).code, 4, "it waits already");
    rig.kill();
    rig.start();
    assert_eq!(rig.status(2), "paused", "a restart does not let it go on");
    assert_eq!(rig.revision(1), Some(first));
    rig.ok(["resume", "2"]);
    rig.wait_for(2, "succeeded");
    rig.assert_runs(&second);
    assert_eq!(rig.node(2, "web-1/after_upload")["attempt"], 1, "what was done was not done again");
}

#[test]
fn the_wish_to_pause_survives_a_crash() {
    let (mut rig, _) = rig(1, "");
    rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 1, "waits", true);
    begin(&rig);
    rig.wait_for_node(2, "web-1/after_upload", "running");
    rig.ok(["pause", "2"]);
    rig.kill();
    mark(&rig, 1, "waits", false);
    rig.start();
    rig.wait_for(2, "paused");
    rig.ok(["resume", "2"]);
    rig.wait_for(2, "succeeded");
}

#[test]
fn failed_servers_are_tried_once_more() {
    let (rig, first) = rig(3, "max_failures = 1\nbatches = [{ size = 2, hold = true }, \"100%\"]");
    let second = rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 2, "breaks", true);
    begin(&rig);
    rig.wait_for(2, "paused");
    assert_eq!(rig.revision(2), Some(first.clone()));
    let nothing = rig.run(["retry", "2", "--servers", "web-1"]);
    assert_eq!(nothing.code, 4, "{nothing:?}");

    // It fails again: it goes back again, and the release waits no less.
    rig.ok(["retry", "2"]);
    rig.wait_for(2, "paused");
    assert_eq!(rig.node(2, "web-2/after_activate")["attempt"], 2);
    assert_eq!(rig.node(2, "web-2/undo")["attempt"], 2);
    assert_eq!((rig.revision(2), rig.revision(3)), (Some(first.clone()), Some(first)));
    mark(&rig, 2, "breaks", false);
    rig.ok(["retry", "2"]);
    rig.wait_for(2, "paused");
    assert_eq!(rig.revision(2), Some(second.clone()));
    rig.ok(["promote", "2"]);
    rig.wait_for(2, "succeeded");
    rig.assert_runs(&second);
}

#[test]
fn a_server_that_works_at_the_second_try_is_live_like_the_others() {
    let (mut rig, _) = rig(2, "max_failures = 1\nbatches = [{ size = 1, hold = true }, \"100%\"]");
    let second = rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 1, "breaks", true);
    begin(&rig);
    rig.wait_for(2, "paused");
    mark(&rig, 1, "breaks", false);
    // Nor does a restart forget who failed.
    rig.kill();
    rig.start();
    rig.ok(["retry", "2"]);
    rig.wait_for(2, "paused");
    rig.ok(["promote", "2"]);
    rig.wait_for(2, "succeeded");
    rig.assert_runs(&second);
    for server in rig.snapshot(2)["release"]["servers"].as_array().unwrap() {
        assert_eq!(server["state"], "live", "{server}");
    }
}

#[test]
fn a_server_is_left_out_while_it_hangs() {
    let (rig, first) = rig(3, "");
    let second = rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 2, "hangs", true);
    begin(&rig);
    rig.wait_for_node(2, "web-2/after_activate", "running");
    rig.wait_for_node(2, "web-3/after_activate", "ok");
    let unknown = rig.run(["skip", "2", "--servers", "role=cache"]);
    assert_eq!(unknown.code, 4, "{unknown:?}");
    // The way back runs the same hook.
    rig.ok(["skip", "2", "--servers", "web-2"]);
    rig.wait_for_node(2, "web-2/after_activate", "cancelled");
    mark(&rig, 2, "hangs", false);
    let ended = rig.wait_for(2, "succeeded");
    assert_eq!(ended["release"]["reason"], "left out: web-2");
    assert_eq!(rig.revision(2), Some(first));
    assert_eq!((rig.revision(1), rig.revision(3)), (Some(second.clone()), Some(second)));
    assert_eq!(ended["release"]["servers"][1]["state"], "behind");
}

#[test]
fn what_cannot_be_steered_says_why() {
    let (rig, _) = rig(1, "");
    for verb in ["pause", "resume", "promote", "retry"] {
        let refused = rig.run([verb, "1"]);
        assert_eq!(refused.code, 4, "{verb}: {refused:?}");
        assert!(refused.err.contains("has ended"), "{verb}: {refused:?}");
        assert_eq!(rig.run([verb, "99"]).code, 4, "{verb}");
    }
    let refused = rig.run(["skip", "1", "--servers", "web-1"]);
    assert_eq!(refused.code, 4, "{refused:?}");
    for (body, status) in [(json!({}), 422), (json!({"servers": "=="}), 422), (json!({"all": true}), 422)] {
        let (code, answer) = rig.http("POST", "/releases/1/skip", Some(body));
        assert_eq!((code, &answer["errors"].is_array()), (status, &true), "{answer}");
    }
}

#[test]
fn who_stops_a_canary_at_work_does_not_find_it_held() {
    let (rig, first) = rig(2, "batches = [{ size = 1, hold = true }, \"100%\"]");
    rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 1, "hangs", true);
    begin(&rig);
    rig.wait_for_node(2, "web-1/after_activate", "running");
    rig.ok(["cancel", "2"]);
    mark(&rig, 1, "hangs", false);
    rig.wait_for(2, "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn a_stop_of_a_release_that_waits_survives_a_crash() {
    let (mut rig, first) = rig(2, "batches = [{ size = 1, hold = true }, \"100%\"]");
    rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 1, "hangs", true);
    begin(&rig);
    rig.wait_for_node(2, "web-1/after_activate", "running");
    mark(&rig, 1, "hangs", false);
    rig.wait_for(2, "paused");
    // It hangs on the way back, so that the crash finds it there.
    mark(&rig, 1, "hangs", true);
    rig.ok(["cancel", "2"]);
    rig.wait_for_node(2, "web-1/undo/after_activate", "running");
    rig.kill();
    mark(&rig, 1, "hangs", false);
    rig.start();
    rig.wait_for(2, "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn a_server_that_went_back_half_way_is_switched_again_when_it_is_tried_again() {
    let rig = Rig::new(2);
    rig.repo.commit([("version", file("1\n"))]);
    let hooks = "max_failures = 1\nbatches = [{ size = 1, hold = true }, \"100%\"]\n[projects.shop.environments.production.hooks]\nafter_activate = 'test ! -e \"$AWEIGH_SHARED_PATH/breaks\"'";
    rig.apply(&hooks.replace("hold = true", "hold = false"));
    rig.release("main");
    rig.apply(hooks);
    let second = rig.repo.commit([("version", file("2\n"))]);
    mark(&rig, 1, "breaks", true);
    begin(&rig);
    let paused = rig.wait_for(2, "paused");
    assert_eq!(
        paused["release"]["servers"][0]["state"], "unknown",
        "it went back, and was not healthy there"
    );
    mark(&rig, 1, "breaks", false);
    rig.ok(["retry", "2"]);
    rig.wait_for(2, "paused");
    assert_eq!(rig.revision(1), Some(second.clone()));
    rig.ok(["promote", "2"]);
    rig.wait_for(2, "succeeded");
    rig.assert_runs(&second);
}

#[test]
fn a_server_of_a_batch_that_is_done_can_still_be_left_out() {
    let (rig, first) = rig(2, "batches = [{ size = 1, hold = true }, \"100%\"]");
    let second = rig.repo.commit([("version", file("2\n"))]);
    begin(&rig);
    rig.wait_for(2, "paused");
    rig.ok(["skip", "2", "--servers", "web-1"]);
    rig.ok(["promote", "2"]);
    let ended = rig.wait_for(2, "succeeded");
    assert_eq!(ended["release"]["reason"], "left out: web-1");
    assert_eq!((rig.revision(1), rig.revision(2)), (Some(first), Some(second)));
}
