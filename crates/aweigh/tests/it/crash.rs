//! Aweigh is killed at every point where it matters, started again, and must end where DESIGN section 2 says.

use testkit::repo::file;

use crate::rig::{Rig, wait_until};

/// Every hook writes its own line when it begins, so that one that ran twice is seen.
const HOOKS: &str = r#"
[projects.shop.build]
run = "echo built > built"
[projects.shop.environments.production.hooks]
after_upload = "echo $AWEIGH_RELEASE after_upload $AWEIGH_ACTION >> \"$AWEIGH_SHARED_PATH/ran\""
after_activate = "echo $AWEIGH_RELEASE after_activate $AWEIGH_ACTION >> \"$AWEIGH_SHARED_PATH/ran\""
"#;

fn ran(rig: &Rig, number: usize, line: &str) -> usize {
    let text = std::fs::read_to_string(rig.root(number).join("shared/ran")).unwrap_or_default();
    text.lines().filter(|found| *found == line).count()
}

/// A rig whose release 1 is live and good; `environment` goes into the table of the environment.
fn rig(servers: usize, environment: &str) -> (Rig, String) {
    let rig = Rig::new(servers);
    let first = rig.repo.commit([("version", file("1\n"))]);
    rig.apply(&format!("{environment}{HOOKS}"));
    rig.release("main");
    (rig, first)
}

/// Starts release 2 with a fault point, waits for the death, and starts Aweigh again.
fn crash(rig: &mut Rig, fault: &str) {
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT", fault)]);
    let asked = rig.run(["release", "shop", "-e", "production", "main", "--detach"]);
    // The fault may come before the answer is read; the release is durable all the same.
    assert!([0, 3].contains(&asked.code), "{asked:?}");
    rig.wait_for_death();
    rig.start();
}

fn went_on(point: &str) {
    let (mut rig, _) = rig(3, "");
    let second = rig.repo.commit([("version", file("2\n"))]);
    crash(&mut rig, point);
    rig.wait_for(2, "succeeded");
    for number in 1..=3 {
        assert_eq!(rig.revision(number).as_ref(), Some(&second), "{point}");
        for hook in ["after_upload", "after_activate"] {
            assert_eq!(ran(&rig, number, &format!("2 {hook} release")), 1, "{point}: {hook} on web-{number}");
        }
    }
    // API, journal and servers agree, and the next release works.
    for server in rig.snapshot(2)["release"]["servers"].as_array().unwrap() {
        assert_eq!(server["state"], "live", "{point}: {server}");
    }
    let last = rig.events(2).pop().unwrap();
    assert_eq!((&last["kind"], &last["data"]["status"]), (&"release".into(), &"succeeded".into()), "{point}");
    rig.repo.commit([("version", file("3\n"))]);
    rig.release("main");
}

macro_rules! goes_on {
    ($($name:ident: $point:literal;)*) => { $(
        #[test]
        fn $name() {
            went_on($point);
        }
    )* };
}

goes_on! {
    after_the_intent_of_fetch: "fetch:intent";
    after_fetch: "fetch:effect";
    after_the_intent_of_build: "build:intent";
    after_build: "build:effect";
    after_the_intent_of_pack: "pack:intent";
    after_pack: "pack:effect";
    after_the_intent_of_upload: "web-2/upload:intent";
    after_upload: "web-2/upload:effect";
    after_the_intent_of_a_staging_hook: "web-2/after_upload:intent";
    after_a_staging_hook: "web-2/after_upload:effect";
    after_the_intent_of_the_first_switch: "web-1/activate:intent";
    after_the_first_switch: "web-1/activate:effect";
    after_the_intent_of_the_last_switch: "web-3/activate:intent";
    after_the_last_switch: "web-3/activate:effect";
    after_the_intent_of_a_restart: "web-2/after_activate:intent";
    after_a_restart: "web-2/after_activate:effect";
    after_the_intent_of_prune: "web-2/prune:intent";
    after_prune: "web-2/prune:effect";
}

#[test]
fn while_health_is_asked() {
    let health = "health = [{ command = \"true\", deadline = \"20s\" }]\n";
    for point in ["web-2/verify:intent", "web-2/verify:effect"] {
        let (mut rig, _) = rig(3, health);
        let second = rig.repo.commit([("version", file("2\n"))]);
        crash(&mut rig, point);
        rig.wait_for(2, "succeeded");
        assert!((1..=3).all(|number| rig.revision(number).as_ref() == Some(&second)), "{point}");
    }
}

#[test]
fn while_it_goes_back() {
    let health = "health = [{ command = \"test \\\"$AWEIGH_ACTION\\\" = undo || test ! -e bad\", deadline = \"1s\" }]\n";
    for point in ["web-2/undo:intent", "web-2/undo:effect", "web-2/undo/after_activate:effect"] {
        let (mut rig, first) = rig(3, health);
        rig.repo.commit([("bad", file(""))]);
        crash(&mut rig, point);
        rig.wait_for(2, "rolled_back");
        for number in 1..=3 {
            assert_eq!(rig.revision(number).as_ref(), Some(&first), "{point}");
            assert_eq!(
                ran(&rig, number, "2 after_activate undo"),
                1,
                "{point}: web-{number} is restarted once"
            );
        }
    }
}

#[test]
fn some_switched_servers_hold_or_go_back_when_they_should() {
    let (mut held, _) = rig(2, "on_interrupt = \"hold\"\n");
    let second = held.repo.commit([("version", file("2\n"))]);
    crash(&mut held, "web-1/activate:effect");
    let snapshot = held.wait_for(2, "interrupted");
    assert!(snapshot["release"]["reason"].as_str().unwrap().contains("controller_restarted"), "{snapshot}");
    assert_eq!(held.run(["release", "shop", "-e", "production", "main"]).code, 4, "it holds its environment");
    held.ok(["resume", "2"]);
    held.wait_for(2, "succeeded");
    assert!((1..=2).all(|number| held.revision(number).as_ref() == Some(&second)));

    let (mut back, first) = rig(2, "on_interrupt = \"roll_back\"\n");
    back.repo.commit([("version", file("2\n"))]);
    crash(&mut back, "web-1/activate:effect");
    back.wait_for(2, "rolled_back");
    assert!((1..=2).all(|number| back.revision(number).as_ref() == Some(&first)));
}

#[test]
fn a_server_hook_of_which_nobody_knows_is_not_run_again() {
    let (mut rig, first) = rig(2, "");
    rig.apply(
        "[projects.shop.environments.production.hooks]\nafter_upload = \"echo begun >> \\\"$AWEIGH_SHARED_PATH/begun\\\"; sleep 30\"",
    );
    rig.repo.commit([("version", file("2\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(2, "web-2/after_upload", "running");
    let begun =
        |number: usize| std::fs::read_to_string(rig.root(number).join("shared/begun")).unwrap_or_default();
    wait_until("both hooks", || !begun(1).is_empty() && !begun(2).is_empty());
    let before = (begun(1), begun(2));
    rig.kill();
    // The server loses its power while nobody looks.
    rig.fleet.servers[1].power_off();
    rig.fleet.servers[1].start();
    rig.start();
    rig.wait_for(2, "interrupted");
    assert_eq!(rig.node(2, "web-2/after_upload")["status"], "unknown");
    let now =
        |number: usize| std::fs::read_to_string(rig.root(number).join("shared/begun")).unwrap_or_default();
    assert_eq!((now(1), now(2)), before, "it was not started again");
    rig.ok(["cancel", "2"]);
    rig.wait_for(2, "cancelled");
    assert!((1..=2).all(|number| rig.revision(number).as_ref() == Some(&first)));
}

#[test]
fn a_hook_that_may_run_again_does_as_a_try_of_its_own() {
    let (mut rig, _) = rig(1, "");
    let text = |folder: &str| {
        format!(
            "run = 'echo begun >> \"{folder}/begun\"; test -e \"{folder}/open\" || sleep 3987', rerun = 'safe'"
        )
    };
    rig.apply(&format!(
        "[projects.shop.environments.production.hooks]\nbefore_fetch = {{ {} }}\nafter_upload = {{ {} }}",
        text("$HOME"),
        text("$AWEIGH_SHARED_PATH")
    ));
    let second = rig.repo.commit([("version", file("2\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    let (work, root) = (rig.data().join("work/2"), rig.root(1));
    let (home, shared) = (rig.data().join("homes/shop"), root.join("shared"));
    // On the machine of Aweigh, and on a server twice, of which the second try is not known either.
    for (runs, key, attempt, folder) in [
        (&work, "before_fetch", 1, &home),
        (&root, "web-1/after_upload", 1, &shared),
        (&root, "web-1/after_upload", 2, &shared),
    ] {
        rig.wait_for_node(2, key, "running");
        let begun = || std::fs::read_to_string(folder.join("begun")).unwrap_or_default().lines().count();
        wait_until(&format!("try {attempt} of {key}"), || begun() >= attempt);
        rig.kill();
        let run = format!(".aweigh/runs/2/{}-{attempt}/pid", key.replace('/', "_"));
        let leader = std::fs::read_to_string(runs.join(run)).unwrap();
        std::process::Command::new("kill").args(["-9", leader.trim()]).status().unwrap();
        std::process::Command::new("pkill").args(["-9", "-f", "sleep 3987"]).status().unwrap();
        if (key, attempt) != ("web-1/after_upload", 1) {
            std::fs::write(folder.join("open"), "").unwrap();
        }
        rig.start();
    }
    rig.wait_for(2, "succeeded");
    assert_eq!(rig.revision(1).as_ref(), Some(&second));
    for (key, folder, tries) in [("before_fetch", &home, 2), ("web-1/after_upload", &shared, 3)] {
        assert_eq!(rig.node(2, key)["attempt"], tries, "{key}");
        let begun = std::fs::read_to_string(folder.join("begun")).unwrap();
        assert_eq!(begun.lines().count(), tries, "{key} began once for each");
    }
}

#[test]
fn the_third_crash_in_one_step_ends_it() {
    let (mut rig, first) = rig(1, "");
    rig.repo.commit([("version", file("2\n"))]);
    rig.kill();
    rig.start_with(&[("AWEIGH_FAULT", "build:intent")]);
    rig.run(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_death();
    for _ in 0..2 {
        // It dies as soon as it takes the release over.
        rig.start_with(&[("AWEIGH_FAULT", "build:intent")]);
        rig.wait_for_death();
    }
    rig.start();
    let ended = rig.wait_for(2, "failed");
    assert!(ended["release"]["reason"].as_str().unwrap().contains("controller_restarted"), "{ended}");
    assert_eq!(rig.revision(1), Some(first));
}

#[test]
fn what_a_hook_says_is_told_once_across_a_restart() {
    let (mut rig, _) = rig(1, "");
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = \"for i in $(seq 40); do echo line $i; sleep 0.1; done\"");
    rig.repo.commit([("version", file("2\n"))]);
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    // It is told while it runs, not at its end.
    wait_until("its lines", || rig.log(2, "web-1/after_upload").contains("line 5\n"));
    assert_eq!(rig.node(2, "web-1/after_upload")["status"], "running");
    rig.kill();
    rig.start();
    rig.wait_for(2, "succeeded");
    let log = rig.log(2, "web-1/after_upload");
    let lines: Vec<String> = (1..=40).map(|number| format!("line {number}")).collect();
    assert_eq!(log.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn what_waits_in_the_queue_waits_on() {
    let (mut rig, _) = rig(1, "");
    rig.apply("[projects.shop.environments.production.hooks]\nafter_upload = 'while [ -e \"$AWEIGH_SHARED_PATH/waits\" ]; do sleep 0.05; done'");
    std::fs::write(rig.root(1).join("shared/waits"), "").unwrap();
    for (id, position) in [(2, None), (3, Some(1)), (4, Some(2))] {
        let commit = rig.repo.commit([("version", file(&format!("{id}\n")))]);
        rig.ok(["release", "shop", "-e", "production", &commit, "--queue", "--detach"]);
        if id == 2 {
            rig.wait_for_node(2, "web-1/after_upload", "running");
        }
        assert_eq!(rig.snapshot(id)["release"]["position"].as_u64(), position, "release {id}");
    }
    rig.kill();
    rig.start();
    for (id, position) in [(3, 1), (4, 2)] {
        assert_eq!(rig.snapshot(id)["release"]["position"], position, "its place is kept");
    }
    std::fs::remove_file(rig.root(1).join("shared/waits")).unwrap();
    for id in 2..=4 {
        rig.wait_for(id, "succeeded");
    }
    let started = |id| rig.snapshot(id)["release"]["started_at"].as_str().unwrap().to_owned();
    assert!(started(2) < started(3) && started(3) < started(4));
    assert_eq!(rig.revision(1), Some(rig.repo.head()));
}
