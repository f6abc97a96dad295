//! Hooks: on which servers, how often, with what environment, and what happens to bad ones.

use testkit::repo::file;

use crate::rig::Rig;

#[test]
fn hooks_run_where_and_as_often_as_they_say() {
    let rig = Rig::new(3);
    rig.repo.commit([("file", file("1\n"))]);
    rig.repo.tag("v1");
    rig.apply(
        r#"
[projects.shop.environments.production.hooks]
after_upload = [
  "echo all >> \"$AWEIGH_SHARED_PATH/ran\"",
  { name = "migrate", run = "echo once >> \"$AWEIGH_SHARED_PATH/ran\"", once = true, on = "role=web" },
  { name = "db", run = "echo db >> \"$AWEIGH_SHARED_PATH/ran\"", on = "role=db" },
]
after_activate = [
  { name = "soft", run = "echo soft; exit 3", allow_failure = true },
  { name = "env", run = "env | grep ^AWEIGH_ | sort > \"$AWEIGH_SHARED_PATH/env\"" },
]
after_release = "echo released $AWEIGH_RELEASE"
"#,
    );
    rig.release("v1");
    let ran = |number| std::fs::read_to_string(rig.root(number).join("shared/ran")).unwrap();
    assert_eq!((ran(1).as_str(), ran(2).as_str(), ran(3).as_str()), ("all\nonce\ndb\n", "all\n", "all\n"));
    assert_eq!(rig.node(1, "web-1/after_upload/migrate")["status"], "ok");
    assert_eq!(rig.node(1, "web-2/after_activate/soft")["status"], "warning");
    assert_eq!(rig.log(1, "web-2/after_activate/soft"), "soft\n");
    assert_eq!(rig.log(1, "after_release"), "released 1\n");
    let env = std::fs::read_to_string(rig.root(1).join("shared/env")).unwrap();
    let root = std::fs::canonicalize(rig.root(1)).unwrap();
    let commit = rig.repo.head();
    for line in [
        "AWEIGH_ACTION=release".to_owned(),
        "AWEIGH_PROJECT=shop".to_owned(),
        "AWEIGH_ENV=production".to_owned(),
        "AWEIGH_RELEASE=1".to_owned(),
        "AWEIGH_REF=v1".to_owned(),
        "AWEIGH_TAG=v1".to_owned(),
        "AWEIGH_BRANCH=".to_owned(),
        "AWEIGH_SERVER=web-1".to_owned(),
        "AWEIGH_ROLES=db,web".to_owned(),
        "AWEIGH_PREVIOUS_RELEASE=".to_owned(),
        format!("AWEIGH_REVISION={commit}"),
        format!("AWEIGH_CURRENT_PATH={}/current", root.display()),
    ] {
        assert!(env.lines().any(|found| found == line), "{line} is not in\n{env}");
    }
    rig.release("v1");
    assert_eq!(ran(1).lines().filter(|line| *line == "once").count(), 2, "once in each release");
}

#[test]
fn a_hook_that_fails_hangs_or_leaves_a_daemon_does_not_hold_the_release() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    let hooks = |text: &str| {
        rig.apply(&format!("[projects.shop.environments.production.hooks]\nafter_upload = {text}"));
    };
    hooks("\"echo before; exit 3\"");
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    let node = rig.node(1, "web-1/after_upload");
    assert!(node["reason"].as_str().unwrap().contains("exited with 3"), "{node}");

    hooks("{ run = \"echo begun; sleep 1000 & sleep 1000\", timeout = \"1s\" }");
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert!(rig.node(2, "web-1/after_upload")["reason"].as_str().unwrap().contains("timeout"));
    assert!(rig.log(2, "web-1/after_upload").starts_with("begun\n"));

    hooks("{ run = \"sleep 1000\", idle_timeout = \"1s\" }");
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert!(rig.node(3, "web-1/after_upload")["reason"].as_str().unwrap().contains("silent"));

    // It keeps standard output open for ever; the hook has ended all the same.
    hooks("\"setsid sleep 987 & echo done\"");
    rig.release("main");
    std::process::Command::new("pkill").args(["-f", "sleep 987"]).status().ok();
}

#[test]
fn a_hundred_megabytes_of_output_are_cut_and_the_rest_goes_on() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("[projects.shop.build]\nrun = \"head -c 104857600 /dev/zero | tr '\\\\0' 'x' | fold -w 100; echo the end\"");
    rig.release("main");
    let log = rig.log(1, "build");
    assert!(log.len() < 20 * 1024 * 1024, "{} bytes are kept", log.len());
    assert!(log.ends_with("the end\n"), "the tail is kept");
    let dropped: u64 = rig.events(1).iter().filter_map(|event| event["data"]["dropped"].as_u64()).sum();
    assert!(dropped > 80 * 1024 * 1024, "{dropped} bytes are said to be dropped");
    let memory = rig.peak_memory();
    assert!(memory < 160 * 1024 * 1024, "it had {memory} bytes of memory");
    let database = std::fs::metadata(rig.data().join("aweigh.db")).unwrap().len();
    assert!(database < 32 * 1024 * 1024, "the database has {database} bytes");
}

#[test]
fn a_build_that_hangs_is_killed_with_all_it_started() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply("[projects.shop.build]\nrun = \"echo begun; sleep 7531 & sleep 7531\"\ntimeout = \"1s\"");
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    assert!(ran.code == 1 && ran.out.contains("timeout of 1s"), "{ran:?}");
    assert_eq!(rig.status(1), "failed");
    let left = std::process::Command::new("pgrep").args(["-f", "sleep 7531"]).output().unwrap();
    assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));

    // A daemon of the build does not hold it, and ends with it.
    rig.apply("[projects.shop.build]\nrun = \"sleep 7532 & echo done\"");
    rig.release("main");
    let left = std::process::Command::new("pgrep").args(["-f", "sleep 7532"]).output().unwrap();
    assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
}

#[test]
fn a_build_that_takes_too_much_is_killed_with_all_it_started() {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    let limits = "memory = \"100MiB\"\nprocesses = 20";
    for (run, says) in [
        (
            "{ head -c 300000000 /dev/zero; sleep 7541; } | tail",
            "MiB of memory, more than the 100 MiB that it may",
        ),
        // In a process group of its own, which `timeout` makes.
        (
            "timeout 600 sh -c '{ head -c 300000000 /dev/zero; sleep 7541; } | tail'",
            "MiB of memory, more than the 100 MiB that it may",
        ),
        (
            "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 7541 & done; wait",
            "processes, more than the 20 that it may",
        ),
    ] {
        rig.apply(&format!("[projects.shop.build]\nrun = \"{run}\"\n{limits}"));
        let ran = rig.run(["release", "shop", "-e", "production", "main"]);
        assert!(ran.code == 1 && ran.out.contains(says), "{run}: {ran:?}");
        let left = std::process::Command::new("pgrep").args(["-f", "sleep 7541"]).output().unwrap();
        assert!(left.stdout.is_empty(), "{}", String::from_utf8_lossy(&left.stdout));
    }
    rig.apply(&format!(
        "[projects.shop.build]\nrun = \"head -c 1000000 /dev/zero | tail >/dev/null\"\n{limits}"
    ));
    rig.release("main");
}

#[test]
fn the_points_around_a_failure_and_a_rollback_are_met() {
    let rig = Rig::new(2);
    rig.repo.commit([("version", file("1\n"))]);
    rig.apply(
        r#"
lock_after_rollback = false
[projects.shop.build]
run = "mkdir -p vendor; echo built >> vendor/times; wc -l < vendor/times > times"
cache = ["vendor"]
[projects.shop.environments.production.hooks]
after_upload = "test ! -e bad || test $AWEIGH_SERVER != web-2"
before_rollback = "cat version >> \"$AWEIGH_SHARED_PATH/left\""
on_failure = "echo \"$AWEIGH_FAILED_SERVERS at $AWEIGH_FAILED_STEP\""
"#,
    );
    rig.release("main");
    rig.repo.commit([("version", file("2\n"))]);
    rig.release("main");
    let times = std::fs::read_to_string(rig.root(1).join("current/times")).unwrap();
    assert_eq!(times.trim(), "2", "the cache folder of the first build was there in the second");
    rig.ok(["rollback", "shop", "-e", "production"]);
    let left = std::fs::read_to_string(rig.root(2).join("shared/left")).unwrap();
    assert_eq!(left, "2\n", "it runs in the release that is left");

    rig.repo.commit([("bad", file(""))]);
    assert_eq!(rig.run(["release", "shop", "-e", "production", "main"]).code, 1);
    assert_eq!(rig.node(4, "on_failure")["status"], "ok");
    assert_eq!(rig.log(4, "on_failure"), "web-2 at web-2/after_upload\n");
}

#[test]
fn a_hook_that_prints_no_text_is_told_all_the_same() {
    let rig = Rig::new(1);
    // Latin-1, NUL, UTF-16, and half a character at the end of what is written at once.
    rig.repo.commit([(
        "noise",
        testkit::repo::Entry::Executable(
            b"#!/bin/sh\nprintf 'caf\\351\\n\\000nul\\n'; printf '\\377\\376h\\000i\\000\\n'; printf '\\342\\202'; sleep 0.2; printf '\\254 end\\n'\n".to_vec(),
        ),
    )]);
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = \"./noise\"");
    rig.release("main");
    let log = rig.log(1, "web-1/after_upload");
    assert_eq!(log.lines().count(), 4, "{log:?}");
    for word in ["caf\u{fffd}", "\u{fffd}nul", "h\u{fffd}i\u{fffd}", "\u{20ac} end"] {
        assert!(log.contains(word), "{word:?} is not in {log:?}");
    }
}
