//! Servers are switched batch by batch; so many of them may fail.

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

/// A hook after the switch that fails where a file of this name is on the server, but for the way back.
const RESTART: &str = "[projects.shop.environments.production.hooks]\nafter_activate = \
    'test \"$AWEIGH_ACTION\" = undo || test ! -e \"$AWEIGH_SHARED_PATH/breaks\"'";

/// A rig whose release 1 is live everywhere; `environment` goes into the table of the environment.
fn rig(servers: usize, environment: &str) -> (Rig, String) {
    let rig = Rig::new(servers);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(RESTART);
    rig.release("main");
    rig.apply(&format!("{environment}\n{RESTART}"));
    (rig, first)
}

fn breaks(rig: &Rig, number: usize, does: bool) {
    let path = rig.root(number).join("shared/breaks");
    if does { std::fs::write(path, "").unwrap() } else { std::fs::remove_file(path).unwrap() }
}

/// The order in which nodes were settled as done.
fn done(rig: &Rig, id: i64) -> Vec<String> {
    let events = rig.events(id);
    let ok = events.iter().filter(|event| event["kind"] == "node" && event["data"]["status"] == "ok");
    ok.map(|event| event["data"]["key"].as_str().unwrap().to_owned()).collect()
}

fn states(rig: &Rig, id: i64) -> Vec<Value> {
    let servers = rig.snapshot(id)["release"]["servers"].as_array().unwrap().clone();
    servers.into_iter().map(|server| server["state"].clone()).collect()
}

#[test]
fn no_server_is_switched_before_the_batch_before_it_is_healthy() {
    let (rig, _) = rig(5, "batches = [1, \"40%\"]");
    let second = rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    rig.assert_runs(&second);
    let order = done(&rig, 2);
    let place =
        |key: &str| order.iter().position(|found| found == key).unwrap_or_else(|| panic!("{key}: {order:?}"));
    for (batch, servers) in [(1, vec![1]), (2, vec![2, 3]), (3, vec![4, 5])] {
        for number in servers {
            assert!(place("staged") < place(&format!("web-{number}/activate")));
            assert!(place(&format!("web-{number}/after_activate")) < place(&format!("batch-{batch}")));
            if batch > 1 {
                assert!(place(&format!("batch-{}", batch - 1)) < place(&format!("web-{number}/activate")));
            }
            assert_eq!(rig.node(2, &format!("web-{number}/activate"))["batch"], batch);
        }
    }
    assert!(place("batch-3") < place("web-1/prune"));
}

#[test]
fn a_bad_canary_stops_everything_before_the_others_are_touched() {
    let (rig, first) = rig(3, "batches = [1, \"100%\"]");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 1, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.status(2), "rolled_back");
    rig.assert_runs(&first);
    for number in [2, 3] {
        assert_eq!(rig.node(2, &format!("web-{number}/activate"))["status"], "cancelled");
    }
    assert_eq!(rig.node(2, "web-1/activate")["status"], "undone");
}

#[test]
fn a_server_that_may_fail_goes_back_alone() {
    let (rig, first) = rig(4, "max_failures = \"25%\"");
    let second = rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 3, true);
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let release = rig.snapshot(2)["release"].clone();
    assert_eq!(
        (&release["status"], &release["reason"]),
        (&json!("succeeded"), &json!("failed and went back: web-3"))
    );
    assert_eq!(states(&rig, 2), ["live", "live", "behind", "live"]);
    assert_eq!(rig.node(2, "batch-1")["status"], "warning");
    for number in 1..=4 {
        let runs = if number == 3 { &first } else { &second };
        assert_eq!(rig.revision(number).as_ref(), Some(runs), "web-{number}");
    }
    // The next release brings it along.
    breaks(&rig, 3, false);
    let third = rig.repo.commit([("version", file("3\n"))]);
    rig.release("main");
    rig.assert_runs(&third);
}

#[test]
fn one_more_than_may_fail_takes_all_back() {
    let (rig, first) = rig(4, "max_failures = 1\nbatches = [2, 2]");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 2, true);
    breaks(&rig, 4, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.status(2), "rolled_back");
    rig.assert_runs(&first);
    assert_eq!(rig.node(2, "undo")["status"], "ok");
}

#[test]
fn a_batch_may_be_stricter_than_the_release() {
    let (rig, first) = rig(3, "max_failures = 2\nbatches = [{ size = 1, max_failures = 0 }, \"100%\"]");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 1, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.status(2), "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn who_fails_while_it_is_staged_is_left_out_where_that_may_be() {
    let (rig, first) = rig(3, "max_failures = 1");
    let second = rig.repo.commit([("version", file("2\n"))]);
    let incoming = rig.root(2).join(".aweigh/incoming");
    std::fs::remove_dir_all(&incoming).unwrap();
    std::fs::write(&incoming, "in the way").unwrap();
    rig.release("main");
    assert_eq!(rig.node(2, "web-2/upload")["status"], "failed");
    assert_eq!(rig.node(2, "web-2/activate")["status"], "cancelled");
    assert_eq!(states(&rig, 2), ["live", "behind", "live"]);
    assert_eq!(rig.revision(2).as_ref(), Some(&first));
    assert_eq!(rig.revision(1).as_ref(), Some(&second));
}

#[test]
fn a_drained_server_is_undrained_whatever_fails() {
    let rig = Rig::new(2);
    rig.repo.commit([("version", file("1\n"))]);
    let hooks = "[projects.shop.environments.production.hooks]\n\
        before_activate = [{ run = 'touch \"$AWEIGH_SHARED_PATH/drained\"' }, { run = 'test \"$AWEIGH_ACTION\" = undo || test ! -e \"$AWEIGH_SHARED_PATH/breaks\"' }]\n\
        after_verify = 'rm -f \"$AWEIGH_SHARED_PATH/drained\"'";
    rig.apply(hooks);
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 2, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    for number in [1, 2] {
        assert!(!rig.root(number).join("shared/drained").exists(), "web-{number} is still out of service");
    }
    assert_eq!(rig.node(2, "web-2/activate")["status"], "cancelled");
}

#[test]
fn a_release_that_no_server_runs_did_not_succeed() {
    let (rig, first) = rig(2, "max_failures = \"100%\"");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 1, true);
    breaks(&rig, 2, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.status(2), "rolled_back");
    rig.assert_runs(&first);
}

#[test]
fn who_alone_runs_a_hook_is_not_left_out() {
    let rig = Rig::new(3);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply("max_failures = 2\n[projects.shop.environments.production.hooks]\nafter_upload = [{ name = \"migrate\", run = 'test ! -e \"$AWEIGH_SHARED_PATH/breaks\"', once = true }]");
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 1, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.status(2), "failed");
    rig.assert_runs(&first);
}

#[test]
fn a_drain_that_fails_for_ever_keeps_nobody_out_of_service() {
    let rig = Rig::new(1);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply(
        "[projects.shop.environments.production.hooks]\n\
         before_activate = [{ run = 'touch \"$AWEIGH_SHARED_PATH/drained\"' }, { run = 'test ! -e \"$AWEIGH_SHARED_PATH/breaks\"' }]\n\
         after_verify = 'rm -f \"$AWEIGH_SHARED_PATH/drained\"'",
    );
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    breaks(&rig, 1, true);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert!(!rig.root(1).join("shared/drained").exists(), "it is still out of service");
    assert_eq!(rig.status(2), "failed");
}
