//! Faults F02 and F40: a fetch that is killed, dropped, hangs or meets another one.

use std::{fs, time::Duration};

use git::{Access, Error, Policy};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testkit::repo::{Repo, file};
use tokio::net::TcpListener;

use crate::rig::{Rig, eventually, local, open, processes_with};

/// A host that accepts connections and never says a word.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn lock_files_of_a_killed_fetch_are_removed() {
    let rig = Rig::new(Repo::new()).await;
    rig.repo.commit([("a", file("1"))]);
    rig.fetch().await.unwrap();
    let mirror = rig.folder.path().join("mirror.git");
    let left = [
        "HEAD.lock",
        "packed-refs.lock",
        "config.lock",
        "shallow.lock",
        "gc.pid",
        "refs/heads/main.lock",
        "refs/tags/v1.lock",
        "objects/pack/tmp_pack_abc",
        "objects/pack/tmp_idx_abc",
        "objects/ab/tmp_obj_abc",
        "objects/info/commit-graph.lock",
        "objects/tmp_objdir-incoming-x/pack/y",
    ];
    for name in left {
        let path = mirror.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "left").unwrap();
    }
    fs::create_dir(rig.folder.path().join("access-left")).unwrap();
    fs::write(rig.folder.path().join("access-left/key"), "secret").unwrap();
    let second = rig.repo.commit([("a", file("2"))]);
    rig.repo.tag("v1");
    rig.fetch().await.unwrap();
    assert_eq!(rig.commit("main").await.unwrap(), second);
    assert_eq!(rig.commit("v1").await.unwrap(), second);
    for name in left {
        assert!(!mirror.join(name).exists(), "{name}");
    }
    assert!(!rig.folder.path().join("access-left").exists());
}

#[tokio::test]
async fn a_dropped_fetch_leaves_no_process() {
    let (listener, url) = silent().await;
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), &url, local()).await.unwrap();
    let word = folder.path().display().to_string();
    let look = async {
        let connection = listener.accept().await.unwrap();
        assert!(processes_with(&word).len() >= 2, "git and its helper are at work");
        connection
    };
    tokio::select! {
        ended = mirror.fetch(&Access::None, |_| ()) => panic!("{ended:?}"),
        _ = look => {}
    }
    eventually("all processes are gone", || processes_with(&word).is_empty()).await;
    // The lock went with them, so another fetch starts at once.
    tokio::select! {
        ended = mirror.fetch(&Access::None, |_| ()) => panic!("{ended:?}"),
        accepted = listener.accept() => { accepted.unwrap(); }
    }
}

#[tokio::test]
async fn a_git_that_is_killed_is_an_error_and_the_next_fetch_works() {
    let (listener, url) = silent().await;
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), &url, local()).await.unwrap();
    let word = folder.path().display().to_string();
    let killer = async {
        let (stream, _) = listener.accept().await.unwrap();
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let command = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
            if command.contains(&word) {
                let id = process.file_name().to_str().unwrap().parse().unwrap();
                kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
            }
        }
        stream
    };
    let (fetched, _stream) = tokio::join!(mirror.fetch(&Access::None, |_| ()), killer);
    let error = fetched.unwrap_err();
    assert_eq!(error.to_string(), "git fetch failed: it was killed by signal 9");
    eventually("all processes are gone", || processes_with(&word).is_empty()).await;
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let mirror = open(folder.path(), &repo.url(), local()).await.unwrap();
    mirror.fetch(&Access::None, |_| ()).await.unwrap();
}

#[tokio::test]
async fn a_host_that_hangs_is_given_up() {
    let (_listener, url) = silent().await;
    let folder = tempfile::tempdir().unwrap();
    let word = folder.path().display().to_string();
    let idle = Policy { idle_timeout: Duration::from_millis(200), ..local() };
    let mirror = open(folder.path(), &url, idle).await.unwrap();
    let error = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert_eq!(error.to_string(), "git fetch stood still for 0.2 s");
    let total = Policy { total_timeout: Duration::from_millis(300), ..local() };
    let mirror = open(folder.path(), &url, total).await.unwrap();
    let error = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert_eq!(error.to_string(), "git fetch took longer than 0.3 s");
    eventually("all processes are gone", || processes_with(&word).is_empty()).await;
}

#[tokio::test]
async fn a_host_that_refuses_is_unreachable() {
    let (listener, url) = silent().await;
    drop(listener);
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), &url, local()).await.unwrap();
    let error = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().starts_with(&format!("{url} cannot be reached: fatal: ")), "{error}");
}

#[tokio::test]
async fn fetches_of_one_mirror_wait_for_each_other() {
    let (listener, url) = silent().await;
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), &url, local()).await.unwrap();
    let impatient = Policy { total_timeout: Duration::from_millis(100), ..local() };
    let second = open(folder.path(), &url, impatient).await.unwrap();
    let refused = async {
        let _stream = listener.accept().await.unwrap();
        second.fetch(&Access::None, |_| ()).await.unwrap_err()
    };
    tokio::select! {
        ended = first.fetch(&Access::None, |_| ()) => panic!("{ended:?}"),
        error = refused => assert!(matches!(error, Error::Locked { .. }), "{error:?}"),
    }
}

#[tokio::test]
async fn many_fetches_at_once_all_succeed() {
    let rig = Rig::new(Repo::new()).await;
    let first = rig.repo.commit([("a", file("1"))]);
    let (a, b, c, d) = tokio::join!(rig.fetch(), rig.fetch(), rig.fetch(), rig.fetch());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    assert_eq!(rig.commit("main").await.unwrap(), first);
}
