//! Branches, tags, commits, changes: complete, in order, and safe to show whatever is written in them.

use git::{Change, Error};
use testkit::repo::{Entry, FIRST_COMMIT_TIME, Repo, file, hostile_tree};

use crate::rig::{Rig, id};

#[tokio::test]
async fn branches_and_tags_come_newest_first() {
    let repo = Repo::new();
    let first = repo.commit_as("Grace Hopper", "add a\n\nwith a body", [("a", file("1"))]);
    repo.branch("old");
    repo.tag("light");
    let second = repo.commit([("a", file("2"))]);
    repo.annotated_tag("heavy", "a tag with\n\na body");
    let rig = Rig::fetched(repo).await;
    let branches = rig.mirror.branches().await.unwrap();
    let names: Vec<&str> = branches.iter().map(|branch| branch.name.as_str()).collect();
    assert_eq!(names, ["main", "old"]);
    let old = &branches[1].commit;
    assert_eq!(old.id.as_str(), first);
    assert!(first.starts_with(&old.short) && old.short.len() >= 7);
    assert_eq!((old.author.as_str(), old.summary.as_str()), ("Grace Hopper", "add a"));
    assert_eq!(old.date, i64::from(FIRST_COMMIT_TIME));

    let tags = rig.mirror.tags().await.unwrap();
    let [heavy, light] = tags.as_slice() else { panic!("{tags:?}") };
    assert_eq!((heavy.name.as_str(), heavy.commit.id.as_str()), ("heavy", second.as_str()));
    // A tag is made after its commit, and the clock of the repository stands between the two.
    assert_eq!(heavy.date, i64::from(FIRST_COMMIT_TIME) + 120);
    assert_eq!(heavy.commit.date, i64::from(FIRST_COMMIT_TIME) + 60);
    assert_eq!(heavy.commit.summary, "commit 2");
    assert_eq!((light.name.as_str(), &light.commit), ("light", old));
}

#[tokio::test]
async fn commits_are_limited_and_a_gone_one_is_named() {
    let repo = Repo::new();
    let ids: Vec<String> = (0..5).map(|n| repo.commit([("a", file(&n.to_string()))])).collect();
    let rig = Rig::fetched(repo).await;
    let commits = rig.mirror.commits(&id(&ids[4]), 3).await.unwrap();
    let listed: Vec<&str> = commits.iter().map(|commit| commit.id.as_str()).collect();
    assert_eq!(listed, [&ids[4], &ids[3], &ids[2]]);
    assert_eq!(rig.mirror.commit_time(&id(&ids[1])).await.unwrap(), i64::from(FIRST_COMMIT_TIME) + 60);
    let gone = id(&"1".repeat(40));
    let errors = [
        rig.mirror.commits(&gone, 1).await.unwrap_err(),
        rig.mirror.commit_time(&gone).await.unwrap_err(),
        rig.mirror.tracked(&gone, &["a"]).await.unwrap_err(),
        rig.mirror.changes(&gone, &id(&ids[0])).await.unwrap_err(),
        rig.mirror.changes(&id(&ids[0]), &gone).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(&error, Error::CommitGone { commit, .. } if *commit == gone), "{error:?}");
    }
}

#[tokio::test]
async fn hostile_text_is_shown_and_does_nothing() {
    let repo = Repo::new();
    let message = "<script>alert(1)</script> \u{1b}[31m \u{202e}gnp \u{7}\nsecond line";
    repo.commit_as("Mal\u{1b}]0;xlory %H", message, [("a", file("1"))]);
    repo.branch("$(touch-PWN)");
    repo.commit_as("M", &"x".repeat(1_000_000), [("a", file("2"))]);
    repo.commit_as("M", "%x00%H %00 \n\n\n", [("a", file("3"))]);
    let rig = Rig::fetched(repo).await;
    let main = rig.mirror.resolve(&crate::rig::name("main")).await.unwrap();
    let commits = rig.mirror.commits(&main.commit, 50).await.unwrap();
    let [third, second, first] = commits.as_slice() else { panic!("{commits:?}") };
    assert_eq!(third.summary, "%x00%H %00 ".trim_end());
    assert_eq!((second.summary.chars().count(), second.summary.ends_with('…')), (500, true));
    assert_eq!(first.summary, "<script>alert(1)</script> \u{fffd}[31m \u{fffd}gnp \u{fffd} second line");
    assert_eq!(first.author, "Mal\u{fffd}]0;xlory %H");
    assert_eq!(rig.mirror.branches().await.unwrap()[1].name, "$(touch-PWN)");
}

#[tokio::test]
async fn names_that_turn_the_direction_of_writing_are_shown_without_and_name_nothing() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    repo.branch("main\u{202e}niam");
    repo.annotated_tag("v1\u{2066}x", "<script>alert(1)</script>\u{1b}[31m javascript:alert(1)");
    let rig = Rig::fetched(repo).await;
    let branches = rig.mirror.branches().await.unwrap();
    assert_eq!(branches[1].name, "main\u{fffd}niam");
    assert_eq!(rig.mirror.tags().await.unwrap()[0].name, "v1\u{fffd}x");
    assert!(git::RefName::parse("main\u{202e}niam").is_err());
    let shown = git::RefName::parse(&branches[1].name).unwrap();
    assert!(matches!(rig.mirror.resolve(&shown).await, Err(Error::UnknownRef { .. })));
}

#[tokio::test]
async fn tracked_paths_are_taken_literally() {
    let repo = Repo::new();
    let commit = id(&repo.commit(hostile_tree()));
    let rig = Rig::fetched(repo).await;
    let paths = [
        "REVISION",
        "empty",
        "bin",
        "bin/run",
        "*",
        "",
        "--upload-pack=touch PWN",
        "new\nline",
        ":(top)empty",
        "bin/*",
    ];
    let tracked = rig.mirror.tracked(&commit, &paths).await.unwrap();
    assert_eq!(tracked, [false, true, true, true, false, false, true, true, false, false]);
    assert_eq!(rig.mirror.tracked(&commit, &[]).await.unwrap(), [false; 0]);
    assert_eq!(rig.mirror.tracked(&commit, &[""]).await.unwrap(), [false]);
}

#[tokio::test]
async fn changes_name_status_and_path() {
    let repo = Repo::new();
    let from = id(&repo.commit([
        ("kept", file("1")),
        ("changed", file("1")),
        ("gone", file("1")),
        ("kind", file("1")),
    ]));
    let to = id(&repo.commit([
        ("changed", file("2")),
        ("gone", Entry::Gone),
        ("kind", testkit::repo::link("kept")),
        ("new\nline", file("1")),
    ]));
    let rig = Rig::fetched(repo).await;
    let change = |status, path: &str| Change { status, path: path.into() };
    let expected =
        [change('M', "changed"), change('D', "gone"), change('T', "kind"), change('A', "new\nline")];
    assert_eq!(rig.mirror.changes(&from, &to).await.unwrap(), expected);
    assert_eq!(rig.mirror.changes(&to, &to).await.unwrap(), []);
}
