//! `rollback --now`: the release that is under way is ended wherever it stands, and nobody waits for anything.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::{Rig, wait_until};

/// A hook that hangs for ever in release 2 where a file of this name is, whatever signal it hears.
const HANGS: &str = "trap \"\" TERM; if [ $AWEIGH_RELEASE = 2 ]; then while [ -e \"$AWEIGH_SHARED_PATH/hangs\" ]; do sleep 0.05; done; fi";

/// A rig whose release 1 is live, and whose release 2 hangs in `point` on server 1.
fn hanging(point: &str, servers: usize) -> (Rig, String) {
    let rig = Rig::new(servers);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(&format!("[projects.shop.environments.production.hooks]\n{point} = '{HANGS}'"));
    rig.release("main");
    std::fs::write(rig.root(1).join("shared/hangs"), "").unwrap();
    rig.repo.commit([("version", file("2\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(2, &format!("web-1/{point}"), "running");
    (rig, first)
}

fn processes_of_hook(rig: &Rig) -> usize {
    let marker = rig.root(1).join(".aweigh/runs/2");
    let pids = std::fs::read_dir(marker).map(|runs| runs.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let pid = |run: &std::fs::DirEntry| -> Option<i32> {
        std::fs::read_to_string(run.path().join("pid")).ok()?.trim().parse().ok()
    };
    let alive = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    pids.iter().filter_map(pid).filter(alive).count()
}

fn assert_ended(rig: &Rig, status: &str) {
    let ended = rig.snapshot(2);
    assert_eq!(ended["release"]["status"], status, "{ended:#}");
    assert!(ended["release"]["reason"].as_str().unwrap().contains("release 3"), "{ended:#}");
    let open = |node: &&Value| ["running", "pending", "paused"].contains(&node["status"].as_str().unwrap());
    assert_eq!(ended["nodes"].as_array().unwrap().iter().find(open), None);
    let last = rig.events(2).pop().unwrap();
    assert_eq!((&last["kind"], &last["data"]["status"]), (&json!("release"), &json!(status)));
}

#[test]
fn a_release_that_hangs_after_its_switch_is_left_at_once() {
    let (rig, first) = hanging("after_activate", 3);
    let asked = Instant::now();
    rig.ok(["rollback", "shop", "-e", "production", "--now"]);
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    rig.assert_runs(&first);
    assert_ended(&rig, "partial");
    assert_eq!(processes_of_hook(&rig), 0, "what hung is gone");
    assert!(rig.log(3, "web-1/upload").contains("ended what still ran for other releases: 2/"));
    let rollback = rig.snapshot(3)["release"].clone();
    assert_eq!((&rollback["kind"], &rollback["rollback_to"]), (&json!("rollback"), &json!(1)));
    for server in rollback["servers"].as_array().unwrap() {
        assert_eq!(server["state"], "live", "{server}");
    }
}

#[test]
fn a_release_that_switched_nothing_is_cancelled() {
    let (rig, first) = hanging("after_upload", 2);
    rig.ok(["rollback", "shop", "-e", "production", "--now"]);
    rig.assert_runs(&first);
    assert_ended(&rig, "cancelled");
    assert_eq!(processes_of_hook(&rig), 0);
}

#[test]
fn a_build_that_hangs_is_ended_on_this_machine() {
    let rig = Rig::new(1);
    let first = rig.repo.commit([("version", file("1\n"))]);
    let mark = rig.folder.path().join("hangs");
    rig.apply(&format!(
        "[projects.shop.build]\nrun = 'trap \"\" TERM; while [ -e {} ]; do sleep 0.05; done'",
        mark.display()
    ));
    rig.release("main");
    std::fs::write(&mark, "").unwrap();
    rig.repo.commit([("version", file("2\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(2, "build", "running");
    let folder = rig.data().join("work/2");
    let pids = || -> Vec<i32> {
        let runs = std::fs::read_dir(folder.join(".aweigh/runs/2")).into_iter().flatten().flatten();
        runs.filter_map(|run| std::fs::read_to_string(run.path().join("pid")).ok()?.trim().parse().ok())
            .collect()
    };
    wait_until("a build that runs", || !pids().is_empty());
    let build = pids();
    rig.ok(["rollback", "shop", "-e", "production", "--now"]);
    rig.assert_runs(&first);
    let alive = |pid: &&i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    wait_until("the end of the build and of its folder", || {
        !build.iter().any(|pid| alive(&pid)) && !folder.exists()
    });
}

#[test]
fn a_dead_server_keeps_nobody_from_going_back() {
    let (mut rig, first) = hanging("after_activate", 3);
    rig.fleet.servers[1].stop();
    let ran = rig.run(["rollback", "shop", "-e", "production", "--now"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((rig.revision(1), rig.revision(3)), (Some(first.clone()), Some(first)));
    let ended = rig.snapshot(3)["release"].clone();
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("succeeded"), &json!("left out: web-2")));
}

#[test]
fn a_server_that_cannot_go_back_does_not_take_the_others_to_the_bad_release() {
    let rig = Rig::new(2);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply("");
    rig.release("main");
    let second = rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    let incoming = rig.root(2).join(".aweigh/incoming");
    for release in std::fs::read_dir(rig.root(2).join("releases")).unwrap().flatten() {
        if release.file_name().to_str().unwrap().ends_with("-1") {
            std::fs::remove_dir_all(release.path()).unwrap();
        }
    }
    std::fs::remove_dir_all(&incoming).unwrap();
    std::fs::write(&incoming, "in the way").unwrap();
    let ran = rig.run(["rollback", "shop", "-e", "production", "--now"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    let ended = rig.snapshot(3)["release"].clone();
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("partial"), &json!("could not go back: web-2")));
    assert_eq!((rig.revision(1), rig.revision(2)), (Some(first), Some(second)));
}

#[test]
fn what_waits_behind_a_bad_release_does_not_come_after_it() {
    let (rig, first) = hanging("after_activate", 1);
    rig.repo.commit([("version", file("3\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--queue", "--detach"]);
    rig.ok(["rollback", "shop", "-e", "production", "--now"]);
    assert_eq!(rig.status(3), "superseded");
    assert_eq!(rig.status(4), "succeeded");
    rig.assert_runs(&first);
}

#[test]
fn at_once_needs_somewhere_to_go_back_to() {
    let rig = Rig::new(1);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply("");
    assert_eq!(rig.run(["rollback", "shop", "-e", "production", "--now"]).code, 4);
    let body = json!({"project": "shop", "environment": "production", "ref": "main", "now": true});
    let (status, answer) = rig.http("POST", "/releases", Some(body));
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("now")), "{answer}");
}

#[test]
fn who_is_on_the_way_back_already_goes_there_faster() {
    let rig = Rig::new(1);
    let hangs = "test $AWEIGH_RELEASE != 4 || while :; do sleep 0.05; done";
    rig.apply(&format!("lock_after_rollback = false\n[projects.shop.environments.production.hooks]\nafter_activate = '{hangs}'"));
    let commits: Vec<String> = (1..=3)
        .map(|number| {
            let commit = rig.repo.commit([("version", file(&format!("{number}\n")))]);
            rig.release("main");
            commit
        })
        .collect();
    rig.ok(["rollback", "shop", "-e", "production", "--detach"]);
    rig.wait_for_node(4, "web-1/after_activate", "running");
    rig.ok(["rollback", "shop", "-e", "production", "--now"]);
    assert_eq!(rig.revision(1).as_ref(), Some(&commits[1]), "not forward to what was left");
    assert_eq!(rig.snapshot(5)["release"]["rollback_to"], 2);
}

#[test]
fn what_comes_after_it_does_not_turn_it_round() {
    let rig = Rig::new(2);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(
        "[projects.shop.environments.production.hooks]\nafter_release = 'test $AWEIGH_ACTION = release'",
    );
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    rig.ok(["rollback", "shop", "-e", "production", "--now"]);
    rig.assert_runs(&first);
}

#[test]
fn who_is_alone_and_fails_stays_on_the_good_release_all_the_same() {
    let rig = Rig::new(1);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(
        "[projects.shop.environments.production.hooks]\nafter_activate = 'test $AWEIGH_ACTION = release'",
    );
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    assert_eq!(rig.run(["rollback", "shop", "-e", "production", "--now"]).code, 5);
    assert_eq!(rig.revision(1), Some(first));
    assert_eq!(rig.status(3), "partial");
}
