//! Shallow mirrors: one ref and a part of its history, what they can tell, and how they become whole.

use std::num::NonZeroU32;

use git::{Access, Error, RefKind, Resolved};
use testkit::repo::{Repo, file};

use crate::rig::{Rig, id, name};

async fn fetch(rig: &Rig, text: &str, depth: u32) -> Result<Resolved, Error> {
    let depth = NonZeroU32::new(depth).unwrap();
    rig.mirror.fetch_shallow(&name(text), depth, &Access::None, |_| ()).await
}

/// Five commits, the tag `v1` at the second of them, and a branch.
async fn rig() -> (Rig, Vec<String>) {
    let repo = Repo::new();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(repo.commit([("a", file(&number.to_string()))]));
        if number == 1 {
            repo.annotated_tag("v1", "a tag");
        }
    }
    repo.branch("topic/main");
    repo.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
    (Rig::new(repo).await, ids)
}

#[tokio::test]
async fn one_branch_comes_with_as_much_history_as_was_asked_for() {
    let (rig, ids) = rig().await;
    let found = fetch(&rig, "main", 2).await.unwrap();
    assert_eq!((found.commit.as_str(), found.kind), (ids[4].as_str(), RefKind::Branch));
    assert_eq!(found.full_ref.as_deref(), Some("refs/heads/main"));
    assert!(rig.mirror.is_shallow());
    assert_eq!(rig.mirror.branches().await.unwrap().len(), 1);
    assert_eq!(rig.mirror.tags().await.unwrap(), []);
    let commits = rig.mirror.commits(&found.commit, 50).await.unwrap();
    assert_eq!(commits.len(), 2);
    rig.mirror.export(&found.commit, &rig.folder.path().join("tree")).await.unwrap();
    let diff = rig.mirror.diff(&commits[1].id, &found.commit, 10).await.unwrap();
    assert_eq!(diff.files.len(), 1);
    let tag = fetch(&rig, "v1", 1).await.unwrap();
    assert_eq!((tag.commit.as_str(), tag.kind), (ids[1].as_str(), RefKind::Tag));
    assert_eq!(rig.mirror.branches().await.unwrap().len(), 1, "what was there stays");
    let by_id = fetch(&rig, &ids[2], 1).await.unwrap();
    assert_eq!((by_id.commit.as_str(), by_id.kind, by_id.full_ref), (ids[2].as_str(), RefKind::Commit, None));
    rig.mirror.export(&by_id.commit, &rig.folder.path().join("by id")).await.unwrap();
}

#[tokio::test]
async fn what_a_shallow_mirror_cannot_tell_it_says() {
    let (rig, ids) = rig().await;
    let main = fetch(&rig, "main", 2).await.unwrap().commit;
    let check = |error: Error, expected: &str| {
        assert!(matches!(error, Error::Shallow { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("the mirror of {} is shallow: {expected}", rig.repo.url()));
        assert_eq!(error.hint(), "fetch the whole repository");
    };
    let old = id(&ids[0]);
    check(
        rig.mirror.commits_without(&main, &id(&ids[3]), 10).await.unwrap_err(),
        "what one commit has and another has not cannot be told",
    );
    let no_commit = format!("it does not have commit {old}");
    check(rig.mirror.diff(&old, &main, 10).await.unwrap_err(), &no_commit);
    check(rig.mirror.commits(&old, 10).await.unwrap_err(), &no_commit);
    let short = &ids[1][..9];
    let cannot = format!("what begins with {short} cannot be looked for, give all its digits");
    check(fetch(&rig, short, 1).await.unwrap_err(), &cannot);
    let unknown = fetch(&rig, "mian", 1).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownRef { .. }), "{unknown:?}");
    let tail = fetch(&rig, "heads/main", 1).await.unwrap_err();
    assert!(matches!(tail, Error::UnknownRef { .. }), "{tail:?}");
    let gone = fetch(&rig, &"1".repeat(40), 1).await.unwrap_err();
    assert!(matches!(gone, Error::CommitGone { .. }), "{gone:?}");
}

#[tokio::test]
async fn a_whole_fetch_makes_it_whole() {
    let (rig, ids) = rig().await;
    let main = fetch(&rig, "main", 1).await.unwrap().commit;
    rig.fetch().await.unwrap();
    assert!(!rig.mirror.is_shallow());
    assert_eq!(rig.mirror.commits(&main, 50).await.unwrap().len(), 5);
    assert_eq!(rig.mirror.commits_without(&main, &id(&ids[1]), 50).await.unwrap().len(), 3);
    rig.fetch().await.unwrap();
    assert_eq!((rig.mirror.branches().await.unwrap().len(), rig.mirror.tags().await.unwrap().len()), (2, 1));
}

#[tokio::test]
async fn a_whole_mirror_stays_whole() {
    let (rig, ids) = rig().await;
    rig.fetch().await.unwrap();
    let newest = rig.repo.commit([("a", file("5"))]);
    let found = fetch(&rig, "main", 1).await.unwrap();
    assert_eq!(found.commit.as_str(), newest);
    assert!(!rig.mirror.is_shallow());
    assert_eq!(rig.mirror.commits(&found.commit, 50).await.unwrap().len(), 6);
    assert_eq!(rig.mirror.commits_without(&found.commit, &id(&ids[0]), 50).await.unwrap().len(), 5);
}

#[tokio::test]
async fn what_was_never_fetched_is_empty() {
    let (rig, _) = rig().await;
    assert!(rig.mirror.is_empty().await.unwrap());
    rig.fetch().await.unwrap();
    assert!(!rig.mirror.is_empty().await.unwrap());
}

#[tokio::test]
async fn other_object_ids_are_no_obstacle() {
    let repo = Repo::with_object_format("sha256");
    repo.commit([("a", file("1"))]);
    let second = repo.commit([("a", file("2"))]);
    let rig = Rig::new(repo).await;
    assert_eq!(fetch(&rig, "main", 1).await.unwrap().commit.as_str(), second);
    assert!(rig.mirror.is_shallow());
    rig.fetch().await.unwrap();
    assert!(!rig.mirror.is_shallow());
}
