//! Servers that another tool deployed to are taken over in place: their releases are ours from then on.

mod cut;
mod library;
mod refused;

use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::repo::{file, tree_listing};
use testkit::tools::Tool;

use crate::rig::{Ran, Rig};
use crate::rollback::by_hand;

/// Releases of Capistrano, the oldest first.
const STAMPS: [&str; 3] = ["20241118080000", "20241119080000", "20241120104512"];

/// What every deploy of before linked, too.
const LINKED: &str = "linked_files = [\".env\"]\nlinked_dirs = [\"log\"]\nkeep = 2\n";

fn adopt(rig: &Rig, more: &[&str]) -> Ran {
    rig.run([&["adopt", "shop", "-e", "production"], more].concat())
}

/// An adoption that must work; its report.
fn adopted(rig: &Rig, more: &[&str]) -> Value {
    serde_json::from_str(&rig.ok([&["adopt", "shop", "-e", "production", "--json"], more].concat())).unwrap()
}

/// Commits version `number`; the commit, and its tree in a folder.
fn version(rig: &Rig, number: usize) -> (String, PathBuf) {
    let commit = rig.repo.commit([("version", file(&format!("{number}\n")))]);
    let tree = rig.folder.path().join(format!("tree-{number}"));
    std::fs::create_dir(&tree).unwrap();
    let tar = rig.folder.path().join("tree.tar");
    rig.repo.git(["archive", "--output", tar.to_str().unwrap(), &commit]);
    let unpack =
        std::process::Command::new("tar").arg("-xf").arg(&tar).arg("-C").arg(&tree).status().unwrap();
    assert!(unpack.success());
    (commit, tree)
}

/// A rig to whose servers `tool` deployed the versions 1, 2 … under these names; their commits.
fn deployed(servers: usize, tool: Tool, names: &[&str], settings: &str) -> (Rig, Vec<String>) {
    let rig = Rig::new(servers);
    rig.repo.commit([("log/.keep", file(""))]);
    let mut commits = Vec::new();
    for (number, name) in (1..).zip(names) {
        let (commit, tree) = version(&rig, number);
        for server in 1..=servers {
            tool.deploy(&rig.root(server), name, &commit, &tree);
        }
        commits.push(commit);
    }
    rig.apply(settings);
    (rig, commits)
}

fn releases(rig: &Rig) -> Vec<Value> {
    rig.get("/releases?project=shop&environment=production")["items"].as_array().unwrap().clone()
}

fn folders(rig: &Rig, server: usize) -> Vec<String> {
    let names = std::fs::read_dir(rig.root(server).join("releases")).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn version_on(rig: &Rig, server: usize) -> String {
    std::fs::read_to_string(rig.root(server).join("current/version")).unwrap().trim().to_owned()
}

#[test]
fn capistrano_is_taken_over_in_place() {
    let (mut rig, commits) = deployed(2, Tool::Capistrano, &STAMPS, LINKED);
    let (_, tree) = version(&rig, 4);
    Tool::Capistrano.fail(&rig.root(1), "20241121000000", &commits[2], &tree);
    let before = tree_listing(&rig.root(1));
    let plan = adopt(&rig, &["--plan"]);
    assert!(plan.code == 0 && plan.out.contains("Capistrano") && plan.out.contains(STAMPS[0]), "{plan:?}");
    assert!(plan.err.contains("20241121000000 on web-1: its deploy did not end"), "{plan:?}");
    assert!(tree_listing(&rig.root(1)) == before && releases(&rig).is_empty(), "a plan leaves nothing");

    let report = adopted(&rig, &[]);
    assert_eq!(report["releases"][2]["live"], true, "{report:#}");
    let listed = releases(&rig);
    let of = |key: &str| listed.iter().rev().map(|one| one[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("id"), [1, 2, 3]);
    assert_eq!(of("name"), STAMPS);
    assert_eq!(of("commit"), commits.iter().map(|commit| json!(commit)).collect::<Vec<_>>());
    assert_eq!(of("kind"), ["adopted"; 3]);
    assert_eq!(of("reason"), ["adopted from Capistrano"; 3]);
    assert_eq!(of("created_at")[2], "2024-11-20T10:45:12Z");
    for server in 1..=2 {
        assert_eq!(rig.current(server).unwrap(), format!("releases/{}", STAMPS[2]));
        assert_eq!(version_on(&rig, server), "3");
    }
    // Everything that shows releases shows them, and the facts say what the snapshot says.
    assert!(rig.ok(["releases", "shop"]).contains(&format!("adopted {}", STAMPS[1])));
    assert_eq!(rig.get("/board")["items"][0]["live"]["id"], 3);
    assert!(rig.ok(["watch", "3"]).contains("adopted"), "it has ended");
    assert_eq!(rig.events(3).last().unwrap()["data"]["status"], "succeeded");
    assert_eq!(rig.node(3, "web-2/adopt")["status"], "ok");
    rig.ok(["drift", "shop", "-e", "production"]);
    let again = adopt(&rig, &[]);
    assert!(again.code == 0 && again.err.contains("nothing to adopt"), "{again:?}");
    assert_eq!(releases(&rig).len(), 3);
    // Capistrano went back and forth by itself: its link is understood again, once it is written as ours are.
    for (stamp, state) in [(STAMPS[1], 1), (STAMPS[2], 0)] {
        let link = rig.root(1).join("current");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(rig.root(1).canonicalize().unwrap().join("releases").join(stamp), &link)
            .unwrap();
        assert_eq!(rig.run(["drift", "shop", "-e", "production"]).code, 1);
        adopted(&rig, &[]);
        assert_eq!(rig.current(1).unwrap(), format!("releases/{stamp}"));
        assert_eq!(rig.run(["drift", "shop", "-e", "production"]).code, state);
    }

    // Back on day one: to the one before, and to any.
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(commits[1].clone()));
    rig.ok(["rollback", "shop", "-e", "production", "--to", "1"]);
    assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("1".into(), "1".into()));
    assert_eq!(rig.snapshot(5)["release"]["rollback_to"], 1);
    rig.ok(["unlock", "shop", "-e", "production"]);

    // A release on top, with what was shared before; then back again.
    let fourth = rig.repo.head();
    rig.release("main");
    assert_eq!(rig.revision(2), Some(fourth));
    assert_eq!(std::fs::read_to_string(rig.root(2).join("current/.env")).unwrap(), "A=1\n");
    assert!(rig.root(2).join("current/log").is_symlink());
    let kept = folders(&rig, 2);
    assert_eq!(kept.len(), 3, "keep counts what was adopted as its own: {kept:?}");
    assert!(kept.iter().any(|name| name == STAMPS[0]), "what was live before stays: {kept:?}");
    assert!(folders(&rig, 1).iter().any(|name| name == "20241121000000"), "what is not ours is left alone");
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 1), "3", "the newest good one before it");
    rig.ok(["unlock", "shop", "-e", "production"]);

    // By hand, with Aweigh gone: from ours to what was adopted, and not forward again.
    rig.repo.commit([("version", file("5\n"))]);
    rig.release("main");
    rig.kill();
    let (code, said) = by_hand(&rig, &["sh"], &[]);
    assert_eq!((code, version_on(&rig, 1).as_str()), (0, "3"), "{said}");
    let (code, said) = by_hand(&rig, &["busybox", "sh"], &[]);
    assert_eq!((code, version_on(&rig, 1).as_str()), (76, "3"), "ours is not an earlier one: {said}");
    rig.start();
    assert_eq!(rig.run(["drift", "shop", "-e", "production"]).code, 1);
    let again = adopt(&rig, &[]);
    assert!(again.code == 0 && again.err.contains("nothing to adopt"), "{again:?}");
}

#[test]
fn deployer_counts_on_each_server_for_itself() {
    let rig = Rig::new(2);
    rig.repo.commit([("log/.keep", file(""))]);
    // The second server came later.
    for (number, names) in [(1, ["7", ""]), (2, ["8", "1"]), (3, ["9", "2"])] {
        let (commit, tree) = version(&rig, number);
        for (server, name) in (1..).zip(names).filter(|(_, name)| !name.is_empty()) {
            Tool::Deployer.deploy(&rig.root(server), name, &commit, &tree);
        }
    }
    rig.apply(LINKED);
    let report = adopted(&rig, &[]);
    let told: Vec<_> = report["releases"].as_array().unwrap().iter().map(|one| &one["folder"]).collect();
    assert_eq!(told, ["8", "9"], "{report:#}");
    assert_eq!(report["releases"][1]["elsewhere"], json!([{ "server": "web-2", "folder": "2" }]));
    assert_eq!(report["left_out"][0]["folder"], "7", "{report:#}");
    assert_eq!(
        (rig.current(1).unwrap(), rig.current(2).unwrap()),
        ("releases/9".into(), "releases/2".into())
    );
    rig.ok(["drift", "shop", "-e", "production"]);
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(
        (rig.current(1).unwrap(), rig.current(2).unwrap()),
        ("releases/8".into(), "releases/1".into())
    );
    assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("2".into(), "2".into()));
    rig.ok(["drift", "shop", "-e", "production"]);
    rig.ok(["unlock", "shop", "-e", "production"]);
    rig.release("main");
    assert_eq!(rig.node(4, "web-2/upload")["status"], "ok", "what runs there is what should");
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(
        (rig.current(1).unwrap(), rig.current(2).unwrap()),
        ("releases/9".into(), "releases/2".into())
    );
}
