//! One file of a commit: its bytes, or nothing, or why it cannot be told.

use git::Error;
use testkit::repo::{Entry, FIRST_COMMIT_TIME, Repo, file, link};

use crate::rig::{Rig, id};

#[tokio::test]
async fn a_file_is_read_and_what_is_none_is_nothing() {
    let repo = Repo::new();
    let commit = id(&repo.commit([
        ("a", file("one\ntwo\n")),
        ("empty", file("")),
        ("folder/b c", file("deep")),
        ("link", link("a")),
        ("12 missing", file("odd")),
        ("binary", Entry::File(vec![0, 10, 0, 255])),
    ]));
    let rig = Rig::fetched(repo).await;
    let check = async |path: &str, limit: u64, expected: Option<&[u8]>| {
        let found = rig.mirror.content(&commit, path, limit).await.unwrap();
        assert_eq!(found.as_deref(), expected, "{path:?}");
    };
    check("a", 100, Some(b"one\ntwo\n")).await;
    check("a", 8, Some(b"one\ntwo\n")).await;
    check("a", 4, Some(b"one\n")).await;
    check("empty", 100, Some(b"")).await;
    check("folder/b c", 100, Some(b"deep")).await;
    check("link", 100, Some(b"a")).await;
    check("12 missing", 100, Some(b"odd")).await;
    check("binary", 100, Some(&[0, 10, 0, 255])).await;
    for nothing in
        ["b", "folder", "folder/b", "a/b", "", "/a", "a/", "./a", "../a", "folder/../a", "x blob 3"]
    {
        check(nothing, 100, None).await;
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_an_error() {
    let repo = Repo::new();
    let first = repo.commit([("a", file("1"))]);
    let rig = Rig::fetched(repo).await;
    let gone = id(&"1".repeat(40));
    for path in ["a", "b"] {
        let error = rig.mirror.content(&gone, path, 100).await.unwrap_err();
        assert!(matches!(&error, Error::CommitGone { commit, .. } if *commit == gone), "{error:?}");
    }
    let error = rig.mirror.content(&id(&first), "a\nb", 100).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_damaged_mirror_is_not_taken_for_a_commit_without_the_file() {
    let repo = Repo::new();
    let commit = repo.commit([("a", file("something that is its own object"))]);
    let blob = repo.git(["rev-parse", "HEAD:a"]);
    let rig = Rig::fetched(repo).await;
    let packs = rig.mirror_dir().join("objects/pack");
    let moved = rig.folder.path().join("packs");
    std::fs::rename(&packs, &moved).unwrap();
    std::fs::create_dir(&packs).unwrap();
    for pack in std::fs::read_dir(&moved).unwrap().map(|entry| entry.unwrap().path()) {
        if pack.extension().is_some_and(|extension| extension == "pack") {
            let unpack = ["-c", "core.hooksPath=/dev/null", "unpack-objects", "-q"];
            let mut git = std::process::Command::new("git");
            git.arg(format!("--git-dir={}", rig.mirror_dir().display())).args(unpack);
            assert!(git.stdin(std::fs::File::open(pack).unwrap()).status().unwrap().success());
        }
    }
    assert!(rig.mirror.content(&id(&commit), "a", 100).await.unwrap().is_some());
    std::fs::remove_file(rig.mirror_dir().join(format!("objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let fresh = crate::rig::open(rig.folder.path(), &rig.repo.url(), crate::rig::local()).await.unwrap();
    let error = fresh.content(&id(&commit), "a", 100).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_hostile_commit_does_not_disturb_the_file() {
    let repo = Repo::new();
    let text = format!("committer X <x> 1 +0000\n\n{}", "x".repeat(1_000_000));
    let commit = id(&repo.commit_as("committer <x> 7", &text, [("a", file("1"))]));
    let rig = Rig::fetched(repo).await;
    assert_eq!(rig.mirror.content(&commit, "a", 100).await.unwrap().unwrap(), b"1");
    assert_eq!(rig.mirror.commit_time(&commit).await.unwrap(), i64::from(FIRST_COMMIT_TIME));
}
