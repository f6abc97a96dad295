//! Answers are given again without a process, and never one that is not true any more, whoever changes the mirror.

use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use git::{Access, Answers, Error, GitRepository};
use testkit::repo::{Entry, Repo, file};

use crate::rig::{Noted, Rig, id, local, name, open};

/// Everything that is asked of refs, as one text.
async fn all_of(mirror: &GitRepository) -> String {
    let branches = mirror.branches().await.unwrap();
    let tags = mirror.tags().await.unwrap();
    let default = mirror.default_branch().await.unwrap();
    let main = mirror.resolve(&name("main")).await.map(|found| found.commit.to_string()).ok();
    let branches: Vec<_> = branches.iter().map(|branch| (&branch.name, branch.commit.id.as_str())).collect();
    let tags: Vec<_> = tags.iter().map(|tag| (&tag.name, tag.commit.id.as_str())).collect();
    format!("{branches:?} {tags:?} {default:?} {main:?}")
}

async fn all(rig: &Rig) -> String {
    all_of(&rig.mirror).await
}

/// Asks until git need not be asked any more: a mirror that was changed just now is not trusted.
async fn until_known(rig: &Rig, noted: &Noted) -> String {
    for _ in 0..1000 {
        noted.verbs();
        let said = all(rig).await;
        if noted.verbs().is_empty() {
            return said;
        }
    }
    panic!("git is asked every time");
}

/// A repository with two commits of `main`, the first of them tagged and in a branch.
async fn two_commits() -> (Rig, Noted, String, String) {
    let repo = Repo::new();
    let first = repo.commit([("a", file("1"))]);
    repo.branch("old");
    repo.tag("v1");
    let second = repo.commit([("a", file("2"))]);
    let (rig, noted) = Rig::noted(repo).await;
    (rig, noted, first, second)
}

#[tokio::test]
async fn a_question_that_was_asked_starts_no_process() {
    let (rig, noted, first, second) = two_commits().await;
    until_known(&rig, &noted).await;
    let (first, second) = (id(&first), id(&second));
    let ask = async || {
        rig.mirror.commits(&second, 50).await.unwrap();
        rig.mirror.commits_without(&second, &first, 50).await.unwrap();
        rig.mirror.commit_time(&second).await.unwrap();
        rig.mirror.changes(&first, &second).await.unwrap();
        rig.mirror.changed_paths(&first, &second).await.unwrap();
        rig.mirror.content(&second, "a", 100).await.unwrap();
        rig.mirror.content(&second, "b", 100).await.unwrap();
        rig.mirror.tracked(&second, &["a"]).await.unwrap();
        all(&rig).await;
    };
    ask().await;
    assert!(!noted.verbs().is_empty(), "the wrapper writes");
    ask().await;
    assert_eq!(noted.verbs(), [""; 0]);
    // What is not the same question is not the same answer.
    assert_eq!(rig.mirror.commits(&second, 1).await.unwrap().len(), 1);
    assert_eq!(rig.mirror.commits(&second, 2).await.unwrap().len(), 2);
    assert_eq!(rig.mirror.commits(&first, 2).await.unwrap().len(), 1);
    assert_eq!(rig.mirror.content(&second, "a", 0).await.unwrap().unwrap(), b"");
    assert_eq!(rig.mirror.content(&first, "a", 9).await.unwrap().unwrap(), b"1");
    assert_eq!(rig.mirror.content(&second, "a", 9).await.unwrap().unwrap(), b"2");
}

#[tokio::test]
async fn after_a_fetch_of_a_new_commit_git_is_asked_once_for_each_thing() {
    let (rig, noted, _, second) = two_commits().await;
    until_known(&rig, &noted).await;
    let third = id(&rig.repo.commit([("a", file("3")), ("aweigh.toml", file("x"))]));
    rig.fetch().await.unwrap();
    assert_eq!(noted.verbs(), ["fetch", "for-each-ref"]);
    assert_eq!(rig.commit("main").await.unwrap(), third.as_str());
    assert_eq!(rig.mirror.content(&third, "aweigh.toml", 100).await.unwrap().unwrap(), b"x");
    assert_eq!(noted.verbs(), ["cat-file", "cat-file"]);
    // That it is there, and when it was made, is known by now.
    assert_eq!(rig.commit(third.as_str()).await.unwrap(), third.as_str());
    let time = rig.mirror.commit_time(&third).await.unwrap();
    assert_eq!(noted.verbs(), [""; 0]);
    assert_eq!(rig.by_hand(&["log", "-1", "--format=%ct", "main"]), time.to_string());
    rig.mirror.changed_paths(&id(&second), &third).await.unwrap();
    assert_eq!(noted.verbs(), ["diff-tree"]);
}

#[tokio::test]
async fn a_fetch_that_brings_nothing_leaves_all_answers_true() {
    let (rig, noted, ..) = two_commits().await;
    let before = until_known(&rig, &noted).await;
    // The first may still have to find out which branch is the default one.
    rig.fetch().await.unwrap();
    noted.verbs();
    rig.fetch().await.unwrap();
    assert_eq!(noted.verbs(), ["fetch"]);
    assert_eq!(all(&rig).await, before);
    assert_eq!(noted.verbs(), [""; 0]);
}

#[tokio::test]
async fn every_fetch_is_seen_whoever_makes_it() {
    let (rig, noted, first, second) = two_commits().await;
    let other = open(rig.folder.path(), &rig.repo.url(), local()).await.unwrap();
    let by_hand = ["fetch", "--quiet", "--prune", &rig.repo.url(), "+refs/heads/*:refs/heads/*"];
    for (way, what) in ["this one", "another one", "by hand"].iter().enumerate() {
        let fetch = async || match way {
            0 => rig.fetch().await.unwrap(),
            1 => other.fetch(&Access::None, |_| ()).await.unwrap(),
            _ => drop(rig.by_hand(&by_hand)),
        };
        until_known(&rig, &noted).await;
        let new = rig.repo.commit([("a", file(what))]);
        rig.repo.branch("feature/new");
        fetch().await;
        assert_eq!(rig.commit("main").await.unwrap(), new, "{what}: a new commit");
        assert_eq!(rig.mirror.branches().await.unwrap().len(), 3, "{what}: a new branch");

        until_known(&rig, &noted).await;
        rig.repo.git(["reset", "--quiet", "--hard", &first]);
        rig.repo.git(["branch", "-D", "feature/new"]);
        fetch().await;
        assert_eq!(rig.commit("main").await.unwrap(), first, "{what}: a forced move");
        let gone = rig.commit("feature/new").await;
        assert!(matches!(gone, Err(Error::UnknownRef { .. })), "{what}: a deleted branch");
        assert_eq!(rig.mirror.branches().await.unwrap().len(), 2, "{what}: a deleted branch");
    }
    assert_eq!(rig.commit(&second).await.unwrap(), second);
}

#[tokio::test]
async fn what_is_done_by_hand_is_seen() {
    let (rig, noted, first, second) = two_commits().await;
    let check = async |what: &str, change: &dyn Fn()| {
        let before = until_known(&rig, &noted).await;
        change();
        let after = all(&rig).await;
        let fresh = open(rig.folder.path(), &rig.repo.url(), local()).await.unwrap();
        assert_eq!(after, all_of(&fresh).await, "{what}");
        assert_eq!(after == before, what == "packed refs", "{what}");
    };
    let git = |args: &[&str]| drop(rig.by_hand(args));
    let heads = rig.mirror_dir().join("refs/heads");
    check("a moved branch", &|| git(&["update-ref", "refs/heads/main", &first])).await;
    check("packed refs", &|| git(&["pack-refs", "--all"])).await;
    check("a loose ref over a packed one", &|| git(&["update-ref", "refs/heads/main", &second])).await;
    check("a packed ref under a loose one that goes", &|| fs::remove_file(heads.join("main")).unwrap()).await;
    check("a deleted branch", &|| git(&["update-ref", "-d", "refs/heads/old"])).await;
    check("a branch in a folder", &|| git(&["update-ref", "refs/heads/a/b/c", "v1"])).await;
    check("another branch in it", &|| git(&["update-ref", "refs/heads/a/b/d", "v1"])).await;
    check("another default branch", &|| git(&["symbolic-ref", "HEAD", "refs/heads/a/b/c"])).await;
    check("a deleted tag", &|| git(&["tag", "-d", "v1"])).await;
    check("a file that is written over", &|| fs::write(heads.join("a/b/c"), &second).unwrap()).await;
    check("packed refs that are written over", &|| {
        let text = format!("{second} refs/heads/late\n{second} refs/heads/main\n");
        fs::write(rig.mirror_dir().join("packed-refs"), text).unwrap();
    })
    .await;
    check("a folder that is gone", &|| fs::remove_dir_all(heads.join("a")).unwrap()).await;
}

#[tokio::test]
async fn twenty_changes_in_a_row_are_all_seen() {
    let (rig, noted, first, second) = two_commits().await;
    until_known(&rig, &noted).await;
    for round in 0..20 {
        let wanted = if round % 2 == 0 { &first } else { &second };
        rig.by_hand(&["update-ref", "refs/heads/main", wanted]);
        assert_eq!(rig.commit("main").await.unwrap(), *wanted, "round {round}");
    }
    // As git does it, and much faster: several fall into one step of the clock.
    let heads = rig.mirror_dir().join("refs/heads");
    for round in 0..100 {
        let wanted = if round % 3 == 0 { &first } else { &second };
        fs::write(heads.join("main.lock"), format!("{wanted}\n")).unwrap();
        fs::rename(heads.join("main.lock"), heads.join("main")).unwrap();
        assert_eq!(rig.commit("main").await.unwrap(), *wanted, "round {round}");
    }
}

#[tokio::test]
async fn a_mirror_that_may_still_change_unseen_is_asked_every_time() {
    let (rig, noted, ..) = two_commits().await;
    until_known(&rig, &noted).await;
    // Younger than the clock of the file system: what is changed next may get the same time.
    let main = File::options().write(true).open(rig.mirror_dir().join("refs/heads/main")).unwrap();
    main.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
    for _ in 0..5 {
        rig.commit("main").await.unwrap();
        assert_eq!(noted.verbs(), ["cat-file"]);
    }
    main.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
    until_known(&rig, &noted).await;
}

#[tokio::test]
async fn an_error_is_not_remembered() {
    let (rig, noted, ..) = two_commits().await;
    until_known(&rig, &noted).await;
    for typed in ["nothing", "1111111", &"1".repeat(40)] {
        for _ in 0..3 {
            assert!(matches!(rig.commit(typed).await, Err(Error::UnknownRef { .. })), "{typed}");
            assert_eq!(noted.verbs(), ["cat-file", "for-each-ref"], "{typed}");
        }
    }
    let gone = id(&"1".repeat(40));
    for _ in 0..3 {
        assert!(matches!(rig.mirror.commits(&gone, 1).await, Err(Error::CommitGone { .. })));
        assert_eq!(noted.verbs(), ["log", "cat-file"]);
    }
}

#[tokio::test]
async fn a_short_id_is_asked_for_every_time() {
    // Their ids begin alike, see `resolve.rs`.
    let repo = Repo::new();
    let tree = repo.git(["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let ids = ["message 2942", "message 8606"].map(|text| repo.git(["commit-tree", "-m", text, &tree]));
    repo.git(["update-ref", "refs/heads/main", &ids[0]]);
    let (rig, noted) = Rig::noted(repo).await;
    until_known(&rig, &noted).await;
    let short = &ids[0][..7];
    assert_eq!(rig.commit(short).await.unwrap(), ids[0]);
    // Neither a ref nor a pack changes by one object more.
    let object = format!("objects/{}/{}", &ids[1][..2], &ids[1][2..]);
    let mine = rig.mirror_dir().join(&object);
    fs::create_dir_all(mine.parent().unwrap()).unwrap();
    fs::copy(rig.repo.path().join(".git").join(&object), mine).unwrap();
    assert!(matches!(rig.commit(short).await, Err(Error::AmbiguousRef { .. })));
}

#[tokio::test]
async fn a_commit_that_is_thrown_away_is_gone() {
    let (rig, noted, first, second) = two_commits().await;
    until_known(&rig, &noted).await;
    rig.mirror.commit_time(&id(&second)).await.unwrap();
    assert_eq!(rig.commit(&second).await.unwrap(), second);
    rig.by_hand(&["update-ref", "refs/heads/main", &first]);
    rig.by_hand(&["update-ref", "-d", "refs/mirror/HEAD"]);
    assert_eq!(rig.commit(&second).await.unwrap(), second, "it is only out of sight");
    rig.by_hand(&["gc", "--quiet", "--prune=now"]);
    assert!(matches!(rig.commit(&second).await, Err(Error::UnknownRef { .. })));
    let error = rig.mirror.commit_time(&id(&second)).await.unwrap_err();
    assert!(matches!(error, Error::CommitGone { .. }), "{error:?}");
}

#[tokio::test]
async fn a_branch_that_is_called_like_a_commit_is_not_taken_for_one() {
    let (rig, noted, first, second) = two_commits().await;
    // Its name has the form of an id of nothing.
    let odd = "a".repeat(40);
    rig.by_hand(&["update-ref", &format!("refs/heads/{odd}"), &first]);
    until_known(&rig, &noted).await;
    assert_eq!(rig.commit(&odd).await.unwrap(), first);
    rig.by_hand(&["update-ref", &format!("refs/heads/{odd}"), &second]);
    assert_eq!(rig.commit(&odd).await.unwrap(), second);
}

#[tokio::test]
async fn what_is_kept_is_bounded_and_shared() {
    let repo = Repo::new();
    let commit = id(&repo.commit([("large", Entry::File(vec![b'x'; 3 << 20]))]));
    let (mut rig, noted) = Rig::noted(repo).await;
    let answers = Answers::default();
    rig.mirror = rig.mirror.sharing(&answers);
    for limit in 0..10 {
        rig.mirror.content(&commit, "large", (700 << 10) + limit).await.unwrap();
        assert!(answers.bytes() <= 4 << 20, "{answers:?}");
    }
    assert!(answers.bytes() > 3 << 20, "{answers:?}");
    noted.verbs();
    rig.mirror.content(&commit, "large", (700 << 10) + 9).await.unwrap();
    assert_eq!(noted.verbs(), [""; 0], "the last one is kept");
    rig.mirror.content(&commit, "large", 700 << 10).await.unwrap();
    assert_eq!(noted.verbs(), ["cat-file"], "the first one had to go");
    for _ in 0..2 {
        rig.mirror.content(&commit, "large", 2 << 20).await.unwrap();
        assert_eq!(noted.verbs(), ["cat-file"], "this one is too long");
    }
    let again = open(rig.folder.path(), &rig.repo.url(), noted.policy()).await.unwrap().sharing(&answers);
    again.content(&commit, "large", (700 << 10) + 9).await.unwrap();
    assert_eq!(noted.verbs(), [""; 0], "answers outlive the repository that asked");
    // Another repository in the same place knows nothing of them.
    let other = Repo::new();
    let moved = open(rig.folder.path(), &other.url(), noted.policy()).await.unwrap().sharing(&answers);
    let found = moved.content(&commit, "large", (700 << 10) + 9).await;
    assert!(matches!(found, Err(Error::CommitGone { .. })), "{found:?}");
    assert!(matches!(moved.resolve(&name("main")).await, Err(Error::UnknownRef { .. })));
}
