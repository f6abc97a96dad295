//! The demonstration on the real binary: it does what it says, and leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Runs `aweigh demo` with its throw-away folder below `tmp`.
fn demo(tmp: &Path, words: &[&str]) -> Output {
    command(tmp, words).output().unwrap()
}

fn command(tmp: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aweigh"));
    command
        .arg("demo")
        .args(words)
        .env("TMPDIR", tmp)
        .env("HOME", tmp)
        // Somebody else's repository, such as that of a git hook that runs it, stays as it is.
        .env("GIT_DIR", tmp.join("not-ours"))
        .env("GIT_INDEX_FILE", tmp.join("not-ours/index"))
        .env_remove("AWEIGH_DATA");
    command
}

#[test]
fn it_releases_goes_back_and_leaves_nothing_behind() {
    for hosts in ["1", "5"] {
        let tmp = tempfile::tempdir().unwrap();
        let done = demo(tmp.path(), &["--once", "--hosts", hosts]);
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(0), "{said}\n{wrong}");
        assert!(said.contains("release 4 rolled back"), "{said}");
        assert!(said.contains("every server ran what it should, each time"), "{said}");
        let left: Vec<_> = std::fs::read_dir(tmp.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn what_keeps_it_from_starting_is_said() {
    let tmp = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let done = demo(tmp.path(), &["--once", "--listen", &address]);
    let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_ne!(done.status.code(), Some(0));
    assert!(wrong.contains(&address) && wrong.contains("--listen"), "{wrong}");
    assert!(std::fs::read_dir(tmp.path()).unwrap().next().is_none(), "nothing is left");
    for words in [&["--hosts", "0"][..], &["--hosts", "many"], &["--listen"]] {
        assert_eq!(demo(tmp.path(), words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn whoever_has_enough_in_the_middle_of_a_release_leaves_nothing_behind() {
    for signal in [Signal::SIGINT, Signal::SIGHUP] {
        let tmp = tempfile::tempdir().unwrap();
        let mut running = command(tmp.path(), &["--hosts", "2", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
        let building =
            lines.find(|line| line.as_ref().unwrap().contains("build")).expect("it builds").unwrap();
        assert!(!building.contains("release 1 succeeded"), "{building}");
        let process = Pid::from_raw(running.id().try_into().unwrap());
        nix::sys::signal::kill(process, signal).unwrap();
        let said: Vec<String> = lines.map(Result::unwrap).collect();
        assert_eq!(running.wait().unwrap().code(), Some(0), "{said:#?}");
        assert!(!said.iter().any(|line| line.contains("goes on")), "{said:#?}");
        assert!(std::fs::read_dir(tmp.path()).unwrap().next().is_none(), "no folder is left");
        let left = processes_in(tmp.path());
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The command lines of processes that work below `folder`.
fn processes_in(folder: &Path) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    all.filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)))
        .map(|process| std::fs::read_to_string(process.join("cmdline")).unwrap_or_default())
        .collect()
}

#[test]
fn a_folder_that_would_not_do_is_refused_with_advice() {
    let tmp = tempfile::tempdir().unwrap();
    let blank = tmp.path().join("a b");
    let long = tmp.path().join("x".repeat(90));
    let kept = tmp.path().join("kept");
    for folder in [&blank, &long, &kept] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(kept.join("precious"), "").unwrap();
    let keep = kept.to_str().unwrap();
    let tries: [(&Path, &[&str], &str); 3] = [
        (&blank, &["--once"], "TMPDIR=/tmp"),
        (&long, &["--once"], "TMPDIR=/tmp"),
        (tmp.path(), &["--once", "--keep", keep], "name a new folder"),
    ];
    for (at, words, advice) in tries {
        let done = demo(at, words);
        let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_ne!(done.status.code(), Some(0), "{at:?}");
        assert!(wrong.contains(advice), "{wrong}");
    }
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 1, "what was there is not touched");
}
