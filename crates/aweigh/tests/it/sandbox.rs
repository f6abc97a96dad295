//! What a build or a hook on the machine of Aweigh can reach, and what is left of it when it ends. On the kernel of this
//! machine: where it has no Landlock, the tests assert that this is told.

use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use testkit::repo::file;

use crate::rig::{Rig, by, wait_until};

/// The level that the log of a build tells, after a build that does nothing.
fn level(rig: &Rig) -> u8 {
    let log = rig.log(1, "build");
    let level = log.strip_prefix("sandbox level ").and_then(|rest| rest.split(':').next());
    level.and_then(|level| level.parse().ok()).unwrap_or_else(|| panic!("no level is told: {log}"))
}

/// A rig whose first release ran `build`.
fn built(build: &str) -> Rig {
    let rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.apply(&project(build));
    rig.release("main");
    rig
}

fn project(build: &str) -> String {
    format!("[projects.shop.build]\nrun = '''\n{build}\n'''\n")
}

/// The processes whose command line holds `word`.
fn running(word: &str) -> String {
    String::from_utf8(Command::new("pgrep").args(["-f", word]).output().unwrap().stdout).unwrap()
}

/// Tries to reach what is not its own, and says what it got.
const THIEF: &str = r#"
reach() { if "$@" >/dev/null 2>&1; then echo "reached $*"; fi; }
reach cat "$DATA/master.key"
reach cat "$DATA/aweigh.db"
reach ls "$DATA"
reach ls "$DATA/mirrors"
reach ls "$DATA/homes"
reach cat "$DATA/homes/other/token"
reach cat "$DATA/work/$AWEIGH_RELEASE/.aweigh/lock"
reach sh -c 'echo evil >>"$0"' "$DATA/work/$AWEIGH_RELEASE/.aweigh/driver-"*
reach sh -c 'echo evil >"$0"' "$DATA/homes/other/planted"
reach cat /proc/$SERVER/environ
reach readlink /proc/$SERVER/fd/0
reach cat /proc/$SERVER/fd/0
reach readlink /proc/$SERVER/cwd
reach kill -CONT $SERVER
reach ls /root
reach ls /tmp
reach cat /etc/shadow
reach sh -c 'echo evil >/etc/aweigh-was-here'
reach mount -t tmpfs none .
reach mknod device b 7 0
"#;

#[test]
fn a_build_and_a_hook_reach_nothing_of_aweigh_nor_of_another_project() {
    let mut rig = built("true");
    let level = level(&rig);
    let data = rig.data();
    std::fs::create_dir_all(data.join("homes/other")).unwrap();
    std::fs::write(data.join("homes/other/token"), "of another project\n").unwrap();
    let thief = format!("DATA={}\nSERVER={}\n{THIEF}", data.display(), rig.id());
    rig.apply(&format!(
        "{}[projects.shop.environments.production.hooks]\nafter_release = '''\n{thief}\n'''\n",
        project(&thief)
    ));
    rig.release("main");
    let said = [rig.log(2, "build"), rig.log(2, "after_release")].concat();
    let reached: Vec<&str> = said.lines().filter(|line| line.starts_with("reached ")).collect();
    // What it may open is its own: the tree, a home, a TMPDIR; and the programs of the system.
    rig.apply(&project(
        "echo tree >file; echo home >~/kept; echo temporary >\"$TMPDIR/x\"; cat ~/kept; echo told >/dev/stderr; git --version",
    ));
    rig.release("main");
    assert!(rig.log(3, "build").contains("\nhome\ntold\ngit version "), "{}", rig.log(3, "build"));
    assert!(!std::path::Path::new("/etc/aweigh-was-here").exists() || level < 2);
    if level == 2 {
        assert_eq!(reached, [""; 0]);
    }
    // The first reads of a restarted server, too, find what belongs to it untouched.
    rig.kill();
    rig.start();
    assert_eq!(rig.status(3), "succeeded");
}

#[test]
fn a_build_has_terminals_and_shared_memory_of_its_own_or_no_terminals() {
    let mut rig = built("true");
    let level = level(&rig);
    let terminal = nix::pty::openpty(None, None).unwrap();
    let name = std::fs::read_link(format!("/proc/self/fd/{}", terminal.slave.as_raw_fd())).unwrap();
    // Of another project, or of a program that has nothing to do with Aweigh.
    let memory = tempfile::Builder::new().prefix("aweigh-test-").tempdir_in("/dev/shm").unwrap();
    std::fs::write(memory.path().join("theirs"), "").unwrap();
    let said = Command::new("ipcmk").args(["-M", "75617561"]).output().unwrap().stdout;
    let segment = String::from_utf8(said).unwrap().split_whitespace().last().unwrap().to_owned();
    let (name, memory_path) = (name.display(), memory.path().display());
    let build = format!(
        "reach() {{ if \"$@\" >/dev/null 2>&1; then echo \"reached $*\"; fi; }}\n\
         reach sh -c 'echo evil >{name}'\n\
         reach sh -c 'echo evil >{memory_path}/left'\n\
         reach cat {memory_path}/theirs\n\
         reach grep -w 75617561 /proc/sysvipc/shm\n\
         echo mine >/dev/shm/aweigh-test-own && cat /dev/shm/aweigh-test-own\n\
         script -qec 'tty && echo typed >/dev/tty' /dev/null </dev/null || echo none\n\
         rm -f /dev/shm/aweigh-test-own"
    );
    rig.apply(&project(&build));
    rig.release("main");
    assert!(Command::new("ipcrm").args(["-m", &segment]).status().unwrap().success());
    let log = rig.log(2, "build");
    let reached: Vec<&str> = log.lines().filter(|line| line.starts_with("reached ")).collect();
    if log.lines().next().unwrap().contains("terminals and shared memory of its own") {
        assert_eq!(reached, [""; 0]);
        let lines: Vec<&str> = log.lines().map(str::trim).collect();
        assert!(lines.ends_with(&["mine", "/dev/pts/0", "typed"]), "{log}");
        // What names a folder in it for builds leaves it where it is.
        rig.restart_with(&format!("[build]\nwrite = [\"{memory_path}\"]\n"));
        rig.apply(&project(&format!("{build}\ntrue")));
        rig.release("main");
        assert!(memory.path().join("left").exists(), "{}", rig.log(3, "build"));
        let missing = rig.get("/doctor")["sandbox"]["missing"].to_string();
        assert!(missing.contains(&format!("({memory_path} lies in /dev/shm)")), "{missing}");
    } else {
        let missing = rig.get("/doctor")["sandbox"]["missing"].to_string();
        assert!(missing.contains("no terminals and no shared memory of their own"), "{missing}");
    }
    assert!(level < 2 || !rig.log(last(&rig), "build").contains(&format!("reached sh -c echo evil >{name}")));
}

#[test]
fn a_build_is_nobody_at_the_socket() {
    let rig = built("true");
    let socket = rig.data().join("aweigh.sock");
    let ask = format!(
        "curl -s -o answer -w '%{{http_code}}\\n' --unix-socket {} http://localhost/api/v1/board || echo closed",
        socket.display()
    );
    // Also from where nobody looks for it: another session, and an orphan of one that has ended.
    rig.apply(&project(&format!(
        "{ask}\nsetsid sh -c '(sleep 0.1; {}) & exit 0'\nwhile ! [ -s late ]; do sleep 0.05; done; cat late; echo",
        ask.replace('\'', "").replace("\\n", "").replace("|| echo closed", ">late || echo closed >late")
    )));
    rig.release("main");
    let log = rig.log(2, "build");
    let answers: Vec<&str> = log.lines().filter(|line| ["401", "closed", "200"].contains(line)).collect();
    assert!(answers.len() == 2 && !answers.contains(&"200"), "{log}");
    // People of this machine are still the administrator there.
    rig.ok(["status"]);
}

#[test]
fn who_outlived_the_keeper_of_a_build_is_nobody_at_the_socket_of_an_aweigh_without_new_privileges() {
    let mut rig = built("true");
    rig.kill();
    let without = ["setpriv", "--no-new-privs"];
    rig.start_by(&without);
    // People who have none either are people all the same.
    assert!(by(&without, rig.command().arg("status")).status().unwrap().success());
    let ask = format!(
        "curl -s -o /dev/null -w %{{http_code}} --unix-socket {} http://localhost/api/v1/board",
        rig.data().join("aweigh.sock").display()
    );
    // Nobody ends them when the keeper is gone: both end by themselves, too.
    rig.apply(&project(&format!(
        "export keeper=$PPID\n\
         setsid sh -c '(n=0; while [ $n -lt 1200 ] && [ -d /proc/$keeper ]; do sleep 0.05; n=$((n + 1)); done; {ask} >~/answer; mv ~/answer ~/said) & exit 0'\n\
         echo $PPID $$ >~/numbers; mv ~/numbers ~/both\n\
         n=0; while [ $n -lt 1200 ] && ! [ -s ~/said ]; do sleep 0.05; n=$((n + 1)); done"
    )));
    rig.ok(["release", "shop", "-e", "production", "main", "--detach"]);
    let home = rig.data().join("homes/shop");
    let both = written(&home.join("both"));
    let (keeper, build) = both.split_once(' ').unwrap();
    // As the kernel does where there is too little memory.
    assert!(Command::new("kill").args(["-KILL", keeper]).status().unwrap().success());
    let said = written(&home.join("said"));
    // It looks for the answer, too, and may have found it.
    Command::new("kill").args(["-KILL", build]).status().unwrap();
    assert!(["401", "000"].contains(&said.as_str()), "{said}");
}

/// The text of a file, once it is there.
fn written(path: &std::path::Path) -> String {
    let until = std::time::Instant::now() + crate::rig::PATIENCE;
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return text.trim().to_owned();
        }
        assert!(std::time::Instant::now() < until, "{} is not written", path.display());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn nothing_of_a_build_outlives_it_wherever_it_hides() {
    let rig = built("true");
    for (hides, word) in [
        ("sleep 7561 & echo done", "sleep 7561"),
        ("setsid sleep 7562 & echo done", "sleep 7562"),
        ("(setsid sh -c '(sleep 7563 &) &' &); sleep 0.2; echo done", "sleep 7563"),
        ("setsid sh -c 'trap \"\" TERM HUP INT; sleep 7564; sleep 7564' & echo done", "sleep 7564"),
        (
            "for n in 1 2 3 4 5 6 7 8; do (setsid sh -c 'for n in $(seq 100); do sleep 7565 & sleep 0.01; done' &); done",
            "sleep 7565",
        ),
    ] {
        rig.apply(&project(hides));
        rig.release("main");
        assert_eq!(running(word), "", "{hides}");
        let log = rig.log(last(&rig), "build");
        assert!(log.contains("what it left running was ended: "), "{hides}: {log}");
    }
}

/// The newest release.
fn last(rig: &Rig) -> i64 {
    rig.get("/releases?limit=1")["items"][0]["id"].as_i64().unwrap()
}

#[test]
fn what_a_killed_build_had_hidden_is_ended_too() {
    let rig = built("true");
    let limits = "processes = 50\ntimeout = \"2s\"\n";
    for (run, says) in [
        (
            "(setsid sh -c 'trap \"\" TERM; sleep 7571; sleep 7571' &); trap '' TERM; sleep 7571",
            "timeout of 2s",
        ),
        (
            "setsid sh -c 'for n in $(seq 200); do sleep 7571 & done; wait' & sleep 7571",
            "more than the 50 that it may",
        ),
    ] {
        rig.apply(&format!("{}{limits}", project(run)));
        let ran = rig.run(["release", "shop", "-e", "production", "main"]);
        assert!(ran.code == 1 && ran.out.contains(says), "{run}: {ran:?}");
        // Who keeps the job ends what left its session a moment after the rest was killed.
        let until = std::time::Instant::now() + crate::rig::PATIENCE;
        while !running("sleep 7571").is_empty() {
            assert!(std::time::Instant::now() < until, "{run}: {}", running("sleep 7571"));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn a_fork_bomb_ends_with_its_build() {
    let rig = built("true");
    rig.apply(&format!(
        "{}processes = 200\n",
        // One that ends by itself at some thousands, should nothing stop it.
        project(
            "bomb() { if [ $1 -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; sleep 7581; }\nbomb 10"
        )
    ));
    rig.run(["release", "shop", "-e", "production", "main", "--detach"]);
    rig.wait_for_node(2, "build", "failed");
    assert!(rig.node(2, "build")["reason"].as_str().unwrap().contains("more than the 200 that it may"));
    wait_until("the end of all that it started", || running("sleep 7581").is_empty());
}

#[test]
fn below_the_least_level_nothing_is_run() {
    let mut rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    rig.restart_with("[build]\nmin_sandbox = 2\n");
    rig.apply(&format!(
        "{}[projects.shop.environments.production.hooks]\nafter_release = 'true'\n",
        project("echo ran")
    ));
    let ran = rig.run(["release", "shop", "-e", "production", "main"]);
    let log = rig.log(1, "build");
    if log.starts_with("sandbox level 2") {
        assert!(ran.code == 0 && log.contains("ran\n"), "{ran:?}");
    } else {
        assert!(ran.code == 1 && ran.out.contains("need sandbox level 2, and only level"), "{ran:?}");
        assert_eq!(log, "", "nothing was run");
    }
}

#[test]
fn builds_have_a_user_of_their_own_where_one_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut rig = Rig::new(1);
    rig.repo
        .commit([("file", file("1\n")), ("run", testkit::repo::Entry::Executable(b"#!/bin/sh\n".to_vec()))]);
    // The user has to get to the data folder.
    std::fs::set_permissions(rig.folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    rig.restart_with("[build]\nuser = \"nobody\"\nmin_sandbox = 1\n");
    let shown = "id -un; echo $USER; echo new >made; echo kept >~/kept; echo >>file; echo told >/dev/stderr; cat \
                 ~/kept; for path in master.key aweigh.db aweigh.sock; do cat DATA/$path && echo reached; done; true";
    rig.apply(&format!(
        "{}cache = [\"cached\"]\n",
        project(&shown.replace("DATA", &rig.data().display().to_string()))
    ));
    for id in [1, 2] {
        rig.release("main");
        let log = rig.log(id, "build");
        assert!(log.contains("user nobody"), "{log}");
        assert!(log.contains("\nnobody\nnobody\ntold\nkept\n") && !log.contains("\nreached"), "{log}");
        rig.apply(&format!(
            "{}cache = [\"cached\"]\n",
            project(
                &format!("mkdir -p cached; echo {id} >>cached/x; {shown}")
                    .replace("DATA", &rig.data().display().to_string())
            )
        ));
    }
    let live = rig.root(1).join("current");
    assert_eq!(std::fs::metadata(live.join("run")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(std::fs::read_to_string(live.join("made")).unwrap(), "new\n");
    // The way through is open, and nothing beside it.
    let mode = |name: &str| std::fs::metadata(rig.data().join(name)).unwrap().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("master.key"), mode("aweigh.db"), mode("mirrors")),
        (0o711, 0o600, 0o600, 0o700)
    );
}

#[test]
fn what_else_runs_as_the_user_of_builds_does_not_count_for_one() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let mut others: Vec<_> =
        (0..30).map(|_| Command::new("sleep").arg("60").uid(nobody.uid.as_raw()).spawn().unwrap()).collect();
    let mut rig = Rig::new(1);
    rig.repo.commit([("file", file("1\n"))]);
    std::fs::set_permissions(rig.folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    rig.restart_with("[build]\nuser = \"nobody\"\n");
    rig.apply(&format!(
        "{}processes = 20\n",
        project("for n in 1 2 3; do sleep 0.01 & done; wait; echo done")
    ));
    rig.release("main");
    assert!(rig.log(1, "build").ends_with("done\n"), "{}", rig.log(1, "build"));
    for other in &mut others {
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

#[test]
fn the_doctor_tells_the_level_that_builds_run_at_and_what_is_missing() {
    let rig = built("true");
    let level = level(&rig);
    let ran = rig.run(["doctor", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["sandbox"]["level"], level);
    assert!(rig.log(1, "build").starts_with(report["sandbox"]["text"].as_str().unwrap()));
    // Root can be given a user for builds, and here it was not.
    let missing = report["sandbox"]["missing"].to_string();
    assert!(missing.contains("builds have no user of their own"), "{missing}");
    let states: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["state"].as_str().unwrap())
        .collect();
    let failed = states.contains(&"failed");
    assert_eq!(ran.code, i32::from(failed), "{report:#}");
    for what in [
        "sandbox",
        "data",
        "master key",
        "listen",
        "public_url",
        "git",
        "ssh",
        "zstd",
        "disk",
        "open files",
        "clock",
    ] {
        let found = report["findings"].as_array().unwrap().iter().find(|finding| finding["what"] == what);
        let found = found.unwrap_or_else(|| panic!("{what} was not looked at: {report:#}"));
        assert!(found["state"] == "ok" || found["hint"].is_string(), "{found}");
    }
    assert_eq!(rig.get("/doctor")["sandbox"], report["sandbox"]);
}

#[test]
fn without_a_server_the_doctor_looks_itself_and_says_so() {
    let mut rig = Rig::new(1);
    rig.kill();
    std::fs::set_permissions(rig.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = rig.folder.path().join("server.toml");
    let ran = rig.run(["doctor", "--config", config.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("no server answers for"), "{ran:?}");
    assert!(ran.out.contains(&format!("chmod 700 {}", rig.data().display())), "{ran:?}");
    // Settings that `serve` would refuse are refused here, with the same words.
    for (settings, says) in [
        ("min_sandbox = 7", "build.min_sandbox must be 0, 1 or 2"),
        ("user = \"no-such-user-here\"", "there is no such user"),
        ("read = [\"/\"]", "would open the data folder"),
        ("write = [\"here\"]", "build.write[0] must be an absolute path"),
        ("sandbox = 2", "build.sandbox is not a known key"),
    ] {
        std::fs::write(&config, format!("[build]\n{settings}\n")).unwrap();
        let ran = rig.run(["doctor", "--config", config.to_str().unwrap()]);
        assert!(ran.code == 4 && ran.err.contains(says), "{settings}: {ran:?}");
    }
}

#[test]
fn a_build_has_no_input_no_new_privileges_limits_and_a_folder_that_goes_with_it() {
    let rig = built(
        "read input || echo no input\ngrep NoNewPrivs /proc/self/status\necho core $(ulimit -c) files $(ulimit -n)\n\
         echo in $TMPDIR; echo x >$TMPDIR/x\ngrep CapBnd /proc/self/status",
    );
    let log = rig.log(1, "build");
    let after = |word: &str| {
        let line = log.lines().find_map(|line| line.strip_prefix(word));
        line.unwrap_or_else(|| panic!("no {word} in {log}")).trim().to_owned()
    };
    assert!(log.lines().any(|line| line == "no input"), "{log}");
    assert_eq!(after("NoNewPrivs:"), "1");
    let limits = after("core 0 files ");
    assert!(limits.parse::<u64>().is_ok_and(|files| files <= 65_536), "{log}");
    assert!(!std::path::Path::new(&after("in ")).exists(), "its TMPDIR is still there: {log}");
    if nix::unistd::geteuid().is_root() {
        // Changing owners, and passing over the modes of its own files (capabilities(7)); nothing else of root.
        let kept = u64::from_str_radix(&after("CapBnd:"), 16).unwrap();
        assert_eq!(kept & !0b11011, 0, "{kept:x}");
    }
}
