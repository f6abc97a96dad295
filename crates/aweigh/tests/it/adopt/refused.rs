//! What is in the way of an adoption, and when it is too late for one.

use std::path::Path;

use serde_json::json;
use testkit::repo::tree_listing;
use testkit::tools::Tool;

use super::{LINKED, STAMPS, adopt, adopted, deployed, releases, version, version_on};
use crate::rig::Rig;

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
