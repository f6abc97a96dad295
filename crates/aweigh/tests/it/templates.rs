//! Hook templates: picked by hooks, frozen in plans, tried on a server, and hard to lose.

use serde_json::{Value, json};
use testkit::repo::file;

use crate::rig::Rig;

/// What the hooks of a server wrote.
fn ran(rig: &Rig, number: usize) -> String {
    std::fs::read_to_string(rig.root(number).join("shared/ran")).unwrap()
}

const PICKING: &str = "[hooks.note]\nabout = \"Notes that it ran\"\nrun = 'echo one >> \"$AWEIGH_SHARED_PATH/ran\"'\n\
[projects.shop.environments.production.hooks]\n\
after_activate = [{ template = \"note\", on = \"role=web\" }, { name = \"first\", template = \"note@1\" }]";

#[test]
fn a_release_takes_the_newest_version_or_the_one_that_is_named() {
    let rig = Rig::new(2);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply(PICKING);
    rig.release("main");
    assert_eq!((ran(&rig, 1).as_str(), ran(&rig, 2).as_str()), ("one\none\n", "one\none\n"));
    assert_eq!(rig.node(1, "web-1/after_activate/note")["status"], "ok");
    // Nothing has to be applied again.
    let set = rig.ok(["hooks", "set", "note", "--run", "echo two >> \"$AWEIGH_SHARED_PATH/ran\""]);
    assert_eq!(set.trim(), "hook template note, version 2");
    rig.repo.commit([("file", file("2\n"))]);
    rig.release("main");
    assert_eq!(ran(&rig, 2), "one\none\ntwo\none\n");

    // What is not said stays.
    assert!(rig.ok(["hooks", "show", "note"]).contains("Notes that it ran"));

    let listed: Value = serde_json::from_str(&rig.ok(["hooks", "list", "--json"])).unwrap();
    let note = &listed["items"][0];
    let used = json!({"project": "shop", "environment": "production", "point": "after_activate"});
    assert_eq!((&note["name"], &note["version"], &note["used_by"][0]), (&json!("note"), &json!(2), &used));
    assert_eq!(note["used_by"][1]["version"], 1);
    let versions = rig.ok(["hooks", "versions", "note"]);
    assert!(versions.contains("echo two") && versions.contains("echo one"), "{versions}");
    assert!(rig.ok(["hooks", "show", "note@1"]).contains("echo one"));
    assert!(rig.ok(["hooks", "show", "note"]).starts_with("[hooks.note]"));
    // What is exported can be applied, and changes nothing.
    let exported = rig.folder.path().join("exported.toml");
    std::fs::write(&exported, rig.ok(["export"])).unwrap();
    let again = rig.ok(["apply", "-f", exported.to_str().unwrap()]);
    assert_eq!(again.trim(), "no changes");

    let kept = rig.run(["hooks", "remove", "note"]);
    assert!(kept.code == 4 && kept.err.contains("shop/production"), "{kept:?}");
    for words in [
        ["hooks", "show", "nothing"],
        ["hooks", "versions", "nothing"],
        ["hooks", "remove", "nothing"],
        ["hooks", "show", "note@9"],
    ] {
        let refused = rig.run(words);
        assert!(refused.code == 4 && !refused.err.is_empty(), "{words:?}: {refused:?}");
    }
    for bad in ["{ template = \"nto\" }", "{ template = \"note@3\" }", "{ template = \"note\", run = \"x\" }"]
    {
        let text = format!("[projects.shop.environments.production.hooks]\nafter_verify = {bad}");
        let path = rig.fleet_file(&format!(
            "[projects.shop]\nrepository = \"{}\"\n[projects.shop.environments.production]\nservers = \"all\"\npath = \"~/shop\"\n{text}\n",
            rig.repo.url()
        ));
        let refused = rig.run(["apply", "-f", path.to_str().unwrap()]);
        assert!(refused.code == 4 && refused.err.contains("after_verify"), "{bad}: {refused:?}");
    }
}

#[test]
fn a_commit_may_pick_one_and_going_back_needs_it_no_more() {
    let rig = Rig::new(1);
    let picking = "[defaults.hooks]\nafter_activate = { template = \"note\" }\n";
    rig.repo.commit([("aweigh.toml", file(picking))]);
    rig.apply("");
    let refused = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(refused.code == 4 && refused.err.contains("note, which is not a hook template"), "{refused:?}");
    rig.ok(["hooks", "set", "note", "--run", "echo $AWEIGH_ACTION >> \"$AWEIGH_SHARED_PATH/ran\""]);
    rig.release("main");
    let first = rig.repo.head();
    rig.repo.commit([("aweigh.toml", file("[defaults]\nkeep = 3\n"))]);
    rig.release("main");
    // Nothing stored picks it, so it may go; what was released once can still come back.
    rig.ok(["hooks", "remove", "note"]);
    rig.ok(["rollback", "shop", "-e", "production"]);
    assert_eq!(rig.revision(1), Some(first));
    assert_eq!(ran(&rig, 1), "release\nrollback\n");
}

#[test]
fn a_template_is_tried_on_one_server() {
    let rig = Rig::new(2);
    rig.repo.commit([("greeting", file("hello\n"))]);
    rig.apply("");
    rig.ok([
        "hooks",
        "set",
        "greet",
        "--run",
        "cat greeting; echo $AWEIGH_ACTION $AWEIGH_SERVER; exit ${CODE:-0}",
    ]);
    let words = |on: &'static str| ["hooks", "try", "greet", "shop", "-e", "production", "--on", on];
    let early = rig.run(words("web-2"));
    assert!(early.code == 4 && early.err.contains("no good release"), "{early:?}");
    rig.release("main");
    let tried = rig.run(words("web-2"));
    assert_eq!((tried.code, tried.out.as_str()), (0, "hello\ntry web-2\n"), "{tried:?}");
    rig.ok(["hooks", "set", "greet", "--run", "echo bad; exit 3", "--allow-failure"]);
    rig.ok(["hooks", "set", "greet", "--allow-failure=false", "--rerun", "safe"]);
    let greet = rig.ok(["hooks", "show", "greet"]);
    assert!(
        greet.contains("exit 3") && greet.contains("safe") && !greet.contains("allow_failure"),
        "{greet}"
    );
    let failed = rig.run(words("web-1"));
    assert!(failed.code == 1 && failed.out == "bad\n" && failed.err.contains("exit code 3"), "{failed:?}");
    let first = rig.run(["hooks", "try", "greet@1", "shop", "-e", "production", "--on", "web-1", "--json"]);
    let answer: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!((first.code, &answer["exit"], &answer["left_out"]), (0, &json!(0), &json!(0)));
    let check = rig.run(words("web-1").into_iter().chain(["--check"]));
    assert_eq!((check.code, check.out.as_str()), (0, ""), "{check:?}");
    // The text of an editor, not stored anywhere.
    let body =
        json!({"project": "shop", "environment": "production", "server": "web-1", "run": "echo draft"});
    let (status, draft) = rig.http("POST", "/hooks/not-yet/try", Some(body));
    assert_eq!((status, &draft["output"]), (200, &json!("draft\n")));
    // Of a text that is stored under no name, it is recorded what ran.
    let audit = rig.ok(["audit"]);
    assert!(audit.contains("not-yet run on web-1: echo draft"), "{audit}");
    assert!(audit.lines().any(|line| line.trim_end().ends_with("greet run on web-1")), "{audit}");
    for (words, said) in [
        (["nothing", "shop", "production", "web-1"], "hook template"),
        (["greet@9", "shop", "production", "web-1"], "hook template"),
        (["greet", "nothing", "production", "web-1"], "nothing"),
        (["greet", "shop", "nothing", "web-1"], "nothing"),
        (["greet", "shop", "production", "nothing"], "nothing"),
    ] {
        let [template, project, environment, server] = words;
        let refused = rig.run(["hooks", "try", template, project, "-e", environment, "--on", server]);
        assert!(refused.code == 4 && refused.err.contains(said), "{words:?}: {refused:?}");
    }
}
