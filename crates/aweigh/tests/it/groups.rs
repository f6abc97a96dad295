//! Groups and ranges from the command line to a release: whatever means servers means them by `@name` and `web-[1:9]`, too.

use testkit::repo::file;

use crate::rig::Rig;

#[test]
fn a_release_goes_to_a_group_and_its_hooks_to_another() {
    let rig = Rig::new(3);
    let commit = rig.repo.commit([("file", file("1\n"))]);
    let groups = "[groups]\nshop = \"web-[1:2]\"\nfirst = \"@shop&web-1\"\n";
    let hooks = "[projects.shop.environments.production.hooks]\n\
                 after_upload = { run = \"touch hooked\", on = \"@first\" }";
    let project = rig.shop(hooks).replace("env=production", "@shop");
    let path = rig.fleet_file(&format!("{groups}{project}"));
    let path = path.to_str().unwrap();
    let applied = rig.ok(["apply", "-f", path]);
    assert!(applied.contains("+ group first\n+ group shop\n"), "{applied}");
    assert_eq!(rig.ok(["apply", "-f", path]).trim(), "no changes");
    rig.release("main");
    assert_eq!([1, 2, 3].map(|number| rig.revision(number)), [Some(commit.clone()), Some(commit), None]);
    assert!(rig.root(1).join("current/hooked").exists() && !rig.root(2).join("current/hooked").exists());

    let list = rig.ok(["groups", "list"]);
    assert!(list.contains("@shop   web-[1:2]") && list.contains("web-1 and web-2"), "{list}");
    let ran = rig.run(["groups", "remove", "shop"]);
    assert!(ran.code == 4 && ran.err.contains("environment shop/production"), "{ran:?}");
    let ran = rig.run(["groups", "set", "shop", "@first"]);
    assert!(ran.code == 4 && ran.err.contains("is made of itself: @shop → @first → @shop"), "{ran:?}");
    assert!(rig.ok(["groups", "set", "spare", "web-3"]).contains("@spare is web-3"));
    assert!(rig.ok(["export"]).contains("spare = \"web-3\""));
    let ran = rig.run(["release", "shop", "-e", "production", "main", "--servers", "@spare"]);
    assert!(ran.code == 4 && ran.err.contains("@spare"), "{ran:?}");
    rig.ok(["servers", "check", "@spare,web-[1:1]"]);
    rig.ok(["groups", "remove", "spare"]);

    // A commit cannot name a group that is not there.
    rig.repo.commit([(
        "aweigh.toml",
        file("[defaults]\nhooks = { after_activate = { run = \"x\", on = \"@gone\" } }\n"),
    )]);
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(ran.code == 4 && ran.err.contains("@gone, which is not a group"), "{ran:?}");
}

#[test]
fn what_is_written_together_is_exported_one_by_one() {
    let rig = Rig::new(0);
    let path = rig.fleet_file(
        "[servers.\"db-[01:03]\"]\nhost = \"10.0.0.[11:13]\"\nuser = \"u\"\ncredential = \"deploy\"\n",
    );
    let path = path.to_str().unwrap();
    rig.ok(["check", "-f", path]);
    assert!(rig.ok(["apply", "-f", path]).contains("+ server db-02\n"));
    assert_eq!(rig.ok(["apply", "-f", path]).trim(), "no changes");
    let exported = rig.ok(["export"]);
    assert!(exported.contains("[servers.db-03]\nhost = \"10.0.0.13\"\n"), "{exported}");
    let words = [
        "servers",
        "add",
        "web-[a:b]",
        "--host",
        "{name}.example.com",
        "--user",
        "u",
        "--credential",
        "deploy",
    ];
    let added = rig.ok(words);
    assert!(added.contains("+ server web-a\n") && added.contains("trust web-b\n"), "{added}");
    let ran = rig.run(words);
    assert!(ran.code == 4 && ran.err.contains("web-a"), "{ran:?}");
    assert_eq!(rig.ok(["servers", "list", "db-[02:03],web-b"]).lines().count(), 4);
}
