//! Checkout: a folder goes from commit to commit, equals `git archive` each time, and keeps what somebody else put there.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use git::{CheckoutFolder, CommitId, Error, Policy};
use testkit::repo::{Entry, Listing, Repo, file, hostile_tree, link, tree_listing};

use crate::rig::{Rig, id, local, open};

/// The tree of a checkout without what it remembers.
fn tree_of(folder: &Path) -> Listing {
    let mut listing = tree_listing(folder);
    listing.retain(|path, _| !path.starts_with(".aweigh-checkout"));
    listing
}

/// A repository with these commits, and a folder for them.
async fn rig(commits: Vec<Vec<(&str, Entry)>>) -> (Rig, Vec<CommitId>, PathBuf) {
    let repo = Repo::new();
    let ids = commits.into_iter().map(|entries| id(&repo.commit(entries))).collect();
    let rig = Rig::fetched(repo).await;
    let folder = rig.folder.path().join("checkout");
    (rig, ids, folder)
}

#[tokio::test]
async fn a_folder_follows_from_commit_to_tag_to_branch() {
    let repo = Repo::new();
    let first = repo.commit(hostile_tree());
    repo.tag("v1");
    let second = repo.commit([
        ("bin", Entry::Gone),
        ("bin/run", file("no longer executable\n")),
        ("empty", link("bytes")),
        ("...", Entry::Gone),
        ("new/deep/file", file("1")),
    ]);
    repo.checkout(&first);
    let other =
        repo.commit([("link-to-file", file("a file now")), ("bytes", Entry::Gone), ("bytes/x", file("1"))]);
    repo.branch("other");
    let rig = Rig::fetched(repo).await;
    let folder = rig.folder.path().join("checkout");
    for (name, commit) in
        [("v1", &first), ("main", &second), ("other", &other), ("main", &second), ("v1", &first)]
    {
        let resolved = rig.mirror.resolve(&crate::rig::name(name)).await.unwrap().commit;
        assert_eq!(resolved.as_str(), commit);
        rig.mirror.checkout(&resolved, &folder).await.unwrap();
        assert_eq!(tree_of(&folder), rig.repo.archive_listing(commit), "{name}");
        assert_eq!(CheckoutFolder::open(&folder, &local()).unwrap().at(), Some(commit.as_str()));
    }
    assert!(!folder.join(".git").exists() && !Path::new("PWN").exists());
}

#[tokio::test]
async fn what_was_changed_by_hand_is_reset_and_what_is_right_is_not_touched() {
    let (rig, ids, folder) = rig(vec![
        vec![("changed", file("1")), ("gone", file("1")), ("kept", file("1")), ("mode", file("1"))],
        vec![("changed", file("2"))],
    ])
    .await;
    let first = rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    assert_eq!((first.written, first.kept, first.removed), (4, 0, 0));
    fs::write(folder.join("changed"), "by hand").unwrap();
    fs::write(folder.join("kept"), "by hand").unwrap();
    fs::remove_file(folder.join("gone")).unwrap();
    fs::set_permissions(folder.join("mode"), fs::Permissions::from_mode(0o600)).unwrap();
    let reset = rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    assert_eq!((reset.written, reset.kept, reset.removed), (4, 0, 0));
    assert_eq!(tree_of(&folder), rig.repo.archive_listing(ids[0].as_str()));
    let inode = fs::metadata(folder.join("kept")).unwrap().ino();
    let second = rig.mirror.checkout(&ids[1], &folder).await.unwrap();
    assert_eq!((second.written, second.kept, second.removed), (1, 3, 0));
    assert_eq!(fs::metadata(folder.join("kept")).unwrap().ino(), inode);
}

#[tokio::test]
async fn what_somebody_else_put_there_stays_and_is_never_written_over() {
    let (rig, ids, folder) = rig(vec![
        vec![("a", file("1")), ("folder/a", file("1"))],
        vec![("folder", Entry::Gone), ("folder/a", Entry::Gone), ("b", file("2")), ("mine/b", file("2"))],
        vec![
            ("b", Entry::Gone),
            ("folder", file("a file now")),
            ("mine", Entry::Gone),
            ("mine/b", Entry::Gone),
        ],
    ])
    .await;
    rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    fs::write(folder.join("b"), "mine").unwrap();
    fs::write(folder.join("folder/mine"), "mine").unwrap();
    let before = tree_of(&folder);
    let check = async |commit: &CommitId, name: &str| {
        let refused = rig.mirror.checkout(commit, &folder).await.unwrap_err();
        let is_it = matches!(&refused, Error::InTheWay { path } if path.ends_with(name));
        assert!(is_it, "{refused:?}");
        assert_eq!(tree_of(&folder), before, "nothing is changed");
    };
    check(&ids[1], "checkout/b").await;
    check(&ids[2], "folder/mine").await;
    fs::remove_file(folder.join("b")).unwrap();
    fs::create_dir(folder.join("mine")).unwrap();
    rig.mirror.checkout(&ids[1], &folder).await.unwrap();
    assert_eq!(fs::read_to_string(folder.join("folder/mine")).unwrap(), "mine");
    assert!(!folder.join("folder/a").exists() && folder.join("mine/b").exists());
    fs::remove_dir_all(folder.join("folder")).unwrap();
    rig.mirror.checkout(&ids[2], &folder).await.unwrap();
    assert!(folder.join("mine").is_dir(), "a folder of somebody else stays, although it is empty now");
    assert_eq!(fs::read_to_string(folder.join("folder")).unwrap(), "a file now");
}

#[tokio::test]
async fn a_link_in_the_place_of_a_folder_is_not_followed() {
    let (rig, ids, folder) = rig(vec![
        vec![("folder/a", file("1"))],
        vec![("folder/a", file("2"))],
        vec![("folder/a", Entry::Gone), ("b", file("3"))],
    ])
    .await;
    rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    let elsewhere = rig.folder.path().join("elsewhere");
    fs::rename(folder.join("folder"), &elsewhere).unwrap();
    symlink(&elsewhere, folder.join("folder")).unwrap();
    let refused = rig.mirror.checkout(&ids[1], &folder).await.unwrap_err();
    assert!(matches!(refused, Error::InTheWay { .. }), "{refused:?}");
    rig.mirror.checkout(&ids[2], &folder).await.unwrap();
    assert_eq!(fs::read_to_string(elsewhere.join("a")).unwrap(), "1", "it is somebody else's now");
    assert!(folder.join("folder").is_symlink() && folder.join("b").exists());
}

#[tokio::test]
async fn folders_that_are_no_checkout_are_refused() {
    let (rig, ids, folder) = rig(vec![vec![("a", file("1"))]]).await;
    let check = async |is_it: fn(&Error) -> bool| {
        let refused = rig.mirror.checkout(&ids[0], &folder).await.unwrap_err();
        assert!(is_it(&refused), "{refused:?}");
    };
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("mine"), "1").unwrap();
    check(|error| matches!(error, Error::NotEmpty { .. })).await;
    fs::remove_file(folder.join("mine")).unwrap();
    symlink("/tmp", folder.join(".aweigh-checkout")).unwrap();
    check(|error| matches!(error, Error::UnknownCheckout { .. })).await;
    fs::remove_file(folder.join(".aweigh-checkout")).unwrap();
    rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    let held = CheckoutFolder::open(&folder, &Policy::default()).unwrap();
    check(|error| matches!(error, Error::CheckoutBusy { .. })).await;
    drop(held);
    fs::write(folder.join(".aweigh-checkout/brought"), "nonsense").unwrap();
    check(|error| matches!(error, Error::UnknownCheckout { .. })).await;
}

#[tokio::test]
async fn an_archive_that_git_does_not_finish_changes_nothing_and_leaves_nothing() {
    let (rig, ids, folder) = rig(vec![vec![("a", file("1"))], vec![("a", file("2"))]]).await;
    rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    // The whole stream comes, and then git says that it was not.
    let program = rig.folder.path().join("git-that-fails");
    let text = "#!/bin/sh\ngit \"$@\"; code=$?\ncase \" $* \" in *' archive '*) exit 1 ;; esac\nexit $code\n";
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let failing = open(rig.folder.path(), &rig.repo.url(), Policy { program, ..local() }).await.unwrap();
    let failed = failing.checkout(&ids[1], &folder).await.unwrap_err();
    assert!(matches!(failed, Error::Failed { verb: "archive", .. }), "{failed:?}");
    assert_eq!(tree_of(&folder), rig.repo.archive_listing(ids[0].as_str()));
    assert!(!folder.join(".aweigh-checkout/incoming").exists());
    rig.mirror.checkout(&ids[1], &folder).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_is_gone_or_too_large_changes_nothing() {
    let (rig, ids, folder) =
        rig(vec![vec![("a", file("1"))], vec![("a", file("2")), ("b", file(&"x".repeat(1000)))]]).await;
    let gone = rig.mirror.checkout(&id(&"1".repeat(40)), &folder).await.unwrap_err();
    assert!(matches!(gone, Error::CommitGone { .. }) && !folder.exists(), "{gone:?}");
    rig.mirror.checkout(&ids[0], &folder).await.unwrap();
    let strict =
        open(rig.folder.path(), &rig.repo.url(), Policy { max_bytes: 100, ..local() }).await.unwrap();
    let large = strict.checkout(&ids[1], &folder).await.unwrap_err();
    assert!(matches!(large, Error::TooLarge { .. }), "{large:?}");
    assert_eq!(tree_of(&folder), rig.repo.archive_listing(ids[0].as_str()));
}
