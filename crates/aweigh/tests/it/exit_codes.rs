//! The exit codes of the command line (DESIGN section 7), seen from a shell.

use testkit::repo::file;

use crate::rig::Rig;

#[test]
fn every_exit_code_is_met() {
    let mut rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    let deploy = ["release", "shop", "-e", "production", "main"];
    rig.apply("");
    // 0: done, accepted
    assert_eq!(rig.run(deploy).code, 0);
    assert_eq!(rig.run(["deploy", "shop", "-e", "production", "main", "--detach"]).code, 0);
    rig.wait_for(2, "succeeded");
    for listing in [
        vec!["releases"],
        vec!["status"],
        vec!["servers", "list"],
        vec!["credentials", "list"],
        vec!["projects", "list"],
    ] {
        let ran = rig.run(listing.iter().copied());
        assert_eq!(ran.code, 0, "{listing:?} {ran:?}");
        let json = rig.run(listing.iter().copied().chain(["--json"]));
        assert!(serde_json::from_str::<serde_json::Value>(&json.out).is_ok(), "{listing:?} {json:?}");
    }
    let cut = rig.run(["releases", "--limit", "1"]);
    assert!(cut.code == 0 && cut.err.contains("there are more: --before 2"), "{cut:?}");
    let rest = rig.run(["releases", "--before", "2", "--limit", "1"]);
    assert!(rest.out.lines().nth(1).is_some_and(|row| row.starts_with("1 ")), "{rest:?}");
    assert_eq!((rest.out.lines().count(), rest.err.as_str()), (2, ""), "{rest:?}");
    for kind in ["branches", "tags", "commits"] {
        rig.ok(["git", "shop", kind]);
    }
    rig.ok(["git", "shop", "fetch"]);
    rig.ok(["servers", "check", "web-1"]);
    rig.ok(["logs", "1"]);
    rig.ok(["watch", "1"]);
    assert!(rig.ok(["completions", "bash"]).contains("aweigh"));
    // 1: ended with the servers as before
    rig.apply("[projects.shop.build]\nrun = \"false\"");
    rig.repo.commit([("file", file("2\n"))]);
    assert_eq!(rig.run(deploy).code, 1);
    // 2: wrong words
    assert_eq!(rig.run(["release"]).code, 2);
    assert_eq!(rig.run(["no-such-verb"]).code, 2);
    // 4: refused
    assert_eq!(rig.run(["release", "shop", "-e", "production", "no-such-ref"]).code, 4);
    assert_eq!(rig.run(["release", "shop", "-e", "nowhere", "main"]).code, 4);
    assert_eq!(rig.run(["watch", "999"]).code, 4);
    assert_eq!(rig.run(["check", "-f", "/no/such/file.toml"]).code, 4);
    // 6: the time is over
    rig.apply("[projects.shop.build]\nrun = \"sleep 60\"");
    let late = rig.run(["release", "shop", "-e", "production", "main", "--timeout", "1s"]);
    assert_eq!(late.code, 6, "{late:?}");
    assert_eq!(rig.run(["cancel", "4"]).code, 0);
    rig.wait_for(4, "cancelled");
    // 5: interrupted
    rig.apply("on_interrupt = \"hold\"");
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT", "web-1/activate:effect")]);
    rig.run(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_death();
    rig.start();
    rig.wait_for(5, "interrupted");
    assert_eq!(rig.run(["watch", "5"]).code, 5);
    rig.ok(["cancel", "5"]);
    rig.wait_for(5, "rolled_back");
    // 3: not to be reached
    rig.kill();
    let gone = rig.run(["status"]);
    assert_eq!(gone.code, 3, "{gone:?}");
    assert!(gone.err.contains("aweigh serve"), "it says how to start: {gone:?}");
}

#[test]
fn a_second_apply_changes_nothing_and_export_is_the_same_state() {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    let path = rig.fleet_file(&rig.shop("keep = 3\nlinked_dirs = [\"log\"]\n[projects.shop.environments.production.hooks]\nafter_upload = [\"true\", { name = \"migrate\", run = \"true\", once = true, timeout = \"2h\" }]"));
    let path = path.to_str().unwrap();
    rig.ok(["check", "-f", path]);
    assert!(rig.ok(["apply", "-f", path, "--plan"]).contains("web-1"));
    assert!(rig.ok(["status"]).trim().lines().count() <= 3, "a plan changes nothing");
    rig.ok(["apply", "-f", path]);
    assert_eq!(rig.ok(["apply", "-f", path]).trim(), "no changes");
    let exported = rig.ok(["export"]);
    assert!(!exported.contains("PRIVATE KEY"), "{exported}");
    let copy = rig.folder.path().join("exported.toml");
    std::fs::write(&copy, &exported).unwrap();
    assert_eq!(rig.ok(["apply", "-f", copy.to_str().unwrap()]).trim(), "no changes", "{exported}");
}
