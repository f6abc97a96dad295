//! The demonstration on the real binary: it does what it says, and leaves nothing behind.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `aweigh demo` with its throw-away folder below `tmp`.
fn demo(tmp: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aweigh"))
        .arg("demo")
        .args(words)
        .env("TMPDIR", tmp)
        .env("HOME", tmp)
        // Somebody else's repository, such as that of a git hook that runs it, stays as it is.
        .env("GIT_DIR", tmp.join("not-ours"))
        .env("GIT_INDEX_FILE", tmp.join("not-ours/index"))
        .env_remove("AWEIGH_DATA")
        .output()
        .unwrap()
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
