//! Servers that another tool deployed to are taken over in place: their releases are ours from then on.

use std::path::{Path, PathBuf};

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

#[test]
fn what_has_no_artifact_is_not_made_up() {
    let (rig, _) = deployed(2, Tool::Capistrano, &STAMPS, LINKED);
    adopted(&rig, &[]);
    std::fs::write(rig.root(2).join("releases").join(STAMPS[1]).join("version"), "by hand, longer\n")
        .unwrap();
    std::fs::remove_dir_all(rig.root(1).join("releases").join(STAMPS[0])).unwrap();
    for (to, server) in [("2", "web-2"), ("1", "web-1")] {
        let refused = rig.run(["rollback", "shop", "-e", "production", "--to", to]);
        let said = format!("{}{}", refused.out, refused.err);
        assert!(refused.code == 1 && said.contains(server), "{refused:?}");
        assert!(said.contains("is not on this server any more, and its artifact is not kept"), "{said}");
        assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("3".into(), "3".into()));
    }
    let elsewhere = "[projects.shop.environments.other]\nservers = \"env=production\"\npath = \"~/other\"\n";
    rig.apply(&format!("{LINKED}{elsewhere}"));
    let none = rig.run(["release", "shop", "-e", "other", "--from", "production"]);
    assert!(none.code == 4 && none.err.contains("nothing is kept of release 3"), "{none:?}");
}

#[test]
fn walle_web_and_spug_are_brought_from_their_library() {
    for (tool, names) in [
        (Tool::Walle, ["3_9_20241119_080000", "3_12_20241120_104512"]),
        (Tool::Spug, ["7_20241119080000", "7_20241120104512"]),
    ] {
        let rig = Rig::new(2);
        for (number, name) in (1..).zip(names) {
            let (commit, tree) = version(&rig, number);
            for server in 1..=2 {
                tool.deploy(&rig.server(server).home.join("data"), name, &commit, &tree);
            }
        }
        rig.apply("");
        let www = |server: usize| rig.server(server).home.join("data/www");
        let served = |server: usize| std::fs::read_to_string(www(server).join("version")).unwrap();
        let without = adopt(&rig, &[]);
        assert!(without.code == 4 && without.err.contains("web-1: there is no folder"), "{without:?}");
        let plan = adopt(&rig, &["--link", "~/data/www", "--plan"]);
        assert!(plan.code == 0 && plan.out.contains("unknown") && !rig.root(1).exists(), "{plan:?}");
        let report = adopted(&rig, &["--link", "~/data/www"]);
        assert_eq!(
            report["servers"][0]["link"],
            json!(www(1).parent().unwrap().join("library").join(names[1]))
        );
        for server in 1..=2 {
            assert_eq!(std::fs::read_link(www(server)).unwrap(), rig.root(server).join("current"));
            assert_eq!(served(server), "2\n");
        }
        let again = adopt(&rig, &["--link", "~/data/www"]);
        assert!(again.code == 0 && again.err.contains("nothing to adopt"), "{again:?}");
        // The other tool may go on for some days.
        let third = names[1].replace("20241120", "20241121");
        let (commit, tree) = version(&rig, 3);
        for server in 1..=2 {
            tool.deploy(&rig.server(server).home.join("data"), &third, &commit, &tree);
        }
        assert_eq!(adopted(&rig, &["--link", "~/data/www"])["releases"][0]["id"], 3);
        assert_eq!(
            (served(1), std::fs::read_link(www(1)).unwrap()),
            ("3\n".into(), rig.root(1).join("current"))
        );
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!(served(2), "2\n");
        let back = rig.snapshot(4)["release"].clone();
        assert_eq!(back["commit"], "0".repeat(40), "nobody knows");
        rig.ok(["unlock", "shop", "-e", "production"]);
        rig.repo.commit([("version", file("4\n"))]);
        rig.release("main");
        assert_eq!(served(1), "4\n", "the web server finds it where it always looked");
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!(served(1), "3\n");
    }
}

#[test]
fn what_only_one_server_has_goes_on_running_there() {
    let rig = Rig::new(2);
    let names = ["3_9_20241119_080000", "3_12_20241120_104512", "3_13_20241120_110000"];
    let data = |server: usize| rig.server(server).home.join("data");
    for (number, name) in (1..).zip(names) {
        let (commit, tree) = version(&rig, number);
        // The last one comes to one server only.
        for server in (1..=2).filter(|server| number < 3 || *server == 2) {
            Tool::Walle.deploy(&data(server), name, &commit, &tree);
        }
    }
    rig.apply("");
    // Brought elsewhere, a link that leads out of it would lead elsewhere.
    let out = data(2).join("www/uploads");
    std::os::unix::fs::symlink("../../up", &out).unwrap();
    for plan in [&["--link", "~/data/www", "--plan"][..], &["--link", "~/data/www"]] {
        let refused = adopt(&rig, plan);
        assert!(refused.code == 4 && refused.err.contains("web-2: "), "{refused:?}");
        let told = format!("library/{} has a link that leads out of it: uploads -> ../../up", names[2]);
        assert!(refused.err.contains(&told) && !rig.root(1).exists(), "{refused:?}");
    }
    std::fs::remove_file(&out).unwrap();
    let report = adopted(&rig, &["--link", "~/data/www"]);
    assert_eq!((releases(&rig).len(), &report["behind"]), (2, &json!(["web-2"])), "{report:#}");
    assert_eq!(report["left_out"][0]["folder"], names[2], "{report:#}");
    assert_eq!(std::fs::read_link(data(2).join("www")).unwrap(), rig.root(2).join("current"));
    assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("2".into(), "3".into()));
    rig.ok(["catch-up", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 2), "2");
}

#[test]
fn what_is_in_the_way_is_named_and_everything_stays() {
    let (mut rig, commits) = deployed(2, Tool::Capistrano, &STAMPS, LINKED);
    let lists = |rig: &Rig| [1, 2].map(|server| tree_listing(&rig.root(server)));
    let before = lists(&rig);
    let check = |rig: &Rig, more: &[&str], expected: &str| {
        for plan in [&["--plan"][..], &[]] {
            let refused = adopt(rig, &[more, plan].concat());
            assert_eq!(refused.code, 4, "{expected}: {refused:?}");
            assert!(refused.err.contains(expected), "{expected}: {refused:?}");
        }
        assert!(releases(rig).is_empty());
    };
    // One server that is not as the others stops all of them.
    let root = rig.root(2);
    std::fs::rename(&root, root.with_extension("away")).unwrap();
    check(&rig, &[], "web-2: there is no folder ~/shop");
    std::fs::rename(root.with_extension("away"), &root).unwrap();
    std::fs::create_dir(root.join(".dep")).unwrap();
    std::fs::write(root.join(".dep/deploy.lock"), "ann\n").unwrap();
    check(&rig, &[], "web-2: ~/shop/.dep/deploy.lock says that a deploy runs there (ann)");
    std::fs::remove_dir_all(root.join(".dep")).unwrap();
    rig.fleet.servers[1].stop();
    check(&rig, &[], "web-2: ");
    rig.fleet.servers[1].start();
    // Who runs something else is told; where nobody runs what all have, nothing is live.
    let point = |rig: &Rig, server: usize, to: &Path| {
        let link = rig.root(server).join("current");
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(to, link).unwrap();
    };
    let (_, tree) = version(&rig, 4);
    for (server, name) in [(1, "20241122000001"), (2, "20241122000002")] {
        let commit = &commits[server - 1];
        Tool::Capistrano.deploy(&rig.root(server), name, commit, &tree);
    }
    check(&rig, &[], "no server runs a release that all of them have");
    for (server, name) in [(1, "20241122000001"), (2, "20241122000002")] {
        std::fs::remove_dir_all(rig.root(server).join("releases").join(name)).unwrap();
        let log = rig.root(server).join("revisions.log");
        let kept: Vec<String> =
            std::fs::read_to_string(&log).unwrap().lines().take(3).map(str::to_owned).collect();
        std::fs::write(&log, kept.join("\n") + "\n").unwrap();
        let to = rig.root(server).canonicalize().unwrap().join("releases").join(STAMPS[2]);
        point(&rig, server, &to);
    }
    assert!(lists(&rig) == before, "everything is as it was");
    // No such place, no such server, no such right.
    assert_eq!(rig.run(["adopt", "shop", "-e", "nowhere"]).code, 4);
    assert_eq!(rig.run(["adopt", "nothing", "-e", "production"]).code, 4);
    check(&rig, &["--servers", "web-9"], "web-9");
    check(&rig, &["--link", "~/shop/revisions.log"], "web-1: ~/shop/revisions.log is a real file or folder");
    let path = "/projects/shop/environments/production/adopt";
    assert_eq!(rig.http("POST", path, Some(json!({ "links": 1 }))).0, 422);
    assert!(lists(&rig) == before, "everything is as it was");

    // One server alone; the other follows, and what was adopted is the same release there.
    point(&rig, 2, &rig.root(2).canonicalize().unwrap().join("releases").join(STAMPS[1]));
    assert_eq!(adopted(&rig, &["--servers", "web-1"])["releases"].as_array().unwrap().len(), 3);
    let other = adopt(&rig, &[]);
    assert!(other.code == 0 && other.err.contains("web-2 runs another release"), "{other:?}");
    assert_eq!(releases(&rig).len(), 3);
    assert!(rig.root(2).join(".aweigh/manifests").join(STAMPS[0]).join("seal").exists());
    assert_eq!(rig.current(2).unwrap(), format!("releases/{}", STAMPS[1]));
    rig.ok(["catch-up", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 2), "3");
}

#[test]
fn after_releases_of_ours_it_is_too_late_and_other_tools_go_on_until_then() {
    let (rig, _) = deployed(1, Tool::Capistrano, &STAMPS[..2], LINKED);
    adopted(&rig, &[]);
    // For some days both are at work.
    let (commit, tree) = version(&rig, 3);
    Tool::Capistrano.deploy(&rig.root(1), STAMPS[2], &commit, &tree);
    assert_eq!(adopted(&rig, &[])["releases"].as_array().unwrap().len(), 1);
    assert_eq!((rig.get("/board")["items"][0]["live"]["id"].clone(), releases(&rig).len()), (json!(3), 3));
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 1), "2");
    rig.ok(["unlock", "shop", "-e", "production"]);
    rig.release("main");
    Tool::Capistrano.deploy(&rig.root(1), "20241123000000", &commit, &tree);
    let late = adopt(&rig, &[]);
    assert!(late.code == 4 && late.err.contains("runs releases of Aweigh since release 5"), "{late:?}");
}

/// Killed wherever something is done, and asked again: the same as without.
#[test]
fn an_adoption_that_is_cut_is_done_again() {
    for point in [
        "web-1/acquire:after",
        "web-1/adopt:before",
        "web-2/adopt:after",
        "web-1/relink:before",
        "web-2/relink:after",
        "web-1/unlock:before",
    ] {
        let (mut rig, commits) = deployed(2, Tool::Capistrano, &STAMPS, LINKED);
        rig.kill();
        rig.start_with(&[("AWEIGH_FAULT", point)]);
        assert_eq!(adopt(&rig, &[]).code, 3, "{point}");
        rig.wait_for_death();
        assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("3".into(), "3".into()), "{point}");
        rig.start();
        adopted(&rig, &[]);
        let listed = releases(&rig);
        let names: Vec<_> = listed.iter().rev().map(|one| one["name"].clone()).collect();
        assert_eq!(names, STAMPS, "{point}");
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!(rig.revision(2), Some(commits[1].clone()), "{point}");
        rig.ok(["drift", "shop", "-e", "production"]);
    }
    // Where one server was done and the other was not, they still agree.
    let names = ["3_9_20241119_080000", "3_12_20241120_104512"];
    for point in ["web-1/bring:after", "web-1/relink:after", "web-2/relink:after"] {
        let mut rig = Rig::new(2);
        for (number, name) in (1..).zip(names) {
            let (commit, tree) = version(&rig, number);
            for server in 1..=2 {
                Tool::Walle.deploy(&rig.server(server).home.join("data"), name, &commit, &tree);
            }
        }
        rig.apply("");
        rig.kill();
        rig.start_with(&[("AWEIGH_FAULT", point)]);
        assert_eq!(adopt(&rig, &["--link", "~/data/www"]).code, 3, "{point}");
        rig.wait_for_death();
        rig.start();
        let report = adopted(&rig, &["--link", "~/data/www"]);
        assert_eq!(report["releases"].as_array().unwrap().len(), 2, "{point}: {report:#}");
        rig.ok(["rollback", "shop", "-e", "production"]);
        assert_eq!((version_on(&rig, 1), version_on(&rig, 2)), ("1".into(), "1".into()), "{point}");
    }
    // A lock that stayed behind stops no release.
    let (mut rig, _) = deployed(1, Tool::Capistrano, &STAMPS, LINKED);
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT", "web-1/acquire:after")]);
    assert_eq!(adopt(&rig, &[]).code, 3);
    rig.wait_for_death();
    rig.start();
    rig.release("main");
    let told = rig.events(1).iter().any(|event| event.to_string().contains("an adoption that did not end"));
    assert!(told, "it says from whom it took the lock");
    // Whatever is asked twice is done once.
    let (mut rig, _) = deployed(1, Tool::Capistrano, &STAMPS, LINKED);
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT_TWICE", "1")]);
    adopted(&rig, &[]);
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(version_on(&rig, 1), "2");
}
