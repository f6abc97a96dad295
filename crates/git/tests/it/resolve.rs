//! Resolve: from a name to one commit.

use git::{Error, RefKind};
use testkit::repo::{Repo, file};

use crate::rig::{Rig, name};

/// Two messages whose commits, the first of a repository with an empty tree, have ids with seven equal digits.
const COLLIDING: [&str; 2] = ["message 2942", "message 8606"];

async fn check(rig: &Rig, typed: &str, expected: (&str, RefKind, Option<&str>)) {
    let found = rig.mirror.resolve(&name(typed)).await.unwrap();
    assert_eq!((found.commit.as_str(), found.kind, found.full_ref.as_deref()), expected, "{typed}");
}

#[tokio::test]
async fn a_branch_goes_before_a_tag_and_a_tag_before_a_commit() {
    let repo = Repo::new();
    let first = repo.commit([("a", file("1"))]);
    repo.tag("both");
    repo.annotated_tag("v1", "the first");
    repo.git(["tag", "-a", "-m", "a tag of a tag", "nested", "v1"]);
    let second = repo.commit([("a", file("2"))]);
    repo.branch("both");
    repo.branch(&first[..8]);
    repo.git(["update-ref", &format!("refs/heads/{first}"), "HEAD"]);
    let rig = Rig::fetched(repo).await;

    check(&rig, "main", (&second, RefKind::Branch, Some("refs/heads/main"))).await;
    check(&rig, "both", (&second, RefKind::Branch, Some("refs/heads/both"))).await;
    check(&rig, "refs/heads/both", (&second, RefKind::Branch, Some("refs/heads/both"))).await;
    check(&rig, "refs/tags/both", (&first, RefKind::Tag, Some("refs/tags/both"))).await;
    check(&rig, "v1", (&first, RefKind::Tag, Some("refs/tags/v1"))).await;
    check(&rig, "nested", (&first, RefKind::Tag, Some("refs/tags/nested"))).await;
    check(&rig, &second, (&second, RefKind::Commit, None)).await;
    check(&rig, &second[..7], (&second, RefKind::Commit, None)).await;
    check(&rig, &second[..12].to_uppercase(), (&second, RefKind::Commit, None)).await;
    let branch = format!("refs/heads/{}", &first[..8]);
    check(&rig, &first[..8], (&second, RefKind::Branch, Some(&branch))).await;
    // A branch cannot pass itself off as a commit.
    check(&rig, &first, (&first, RefKind::Commit, None)).await;
}

#[tokio::test]
async fn an_unknown_name_names_the_likely_ones() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    repo.branch("feature/login");
    repo.tag("v1.0.0");
    let rig = Rig::fetched(repo).await;
    let url = rig.repo.url();
    let check = async |typed: &str, hint: &str| {
        let error = rig.mirror.resolve(&name(typed)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("there is no branch, tag or commit {typed} in {url}"));
        assert_eq!(error.hint(), hint);
    };
    check("mian", "did you mean main?").await;
    check("login", "did you mean feature/login?").await;
    check("v1.0.1", "did you mean v1.0.0?").await;
    check("something-else", "check the name, and that it was pushed").await;
    check("refs/pull/1/head", "check the name, and that it was pushed").await;
    check(&"0".repeat(40), "check the name, and that it was pushed").await;
    check("0000000", "check the name, and that it was pushed").await;
    check("HEAD", "check the name, and that it was pushed").await;
}

#[tokio::test]
async fn a_tag_of_a_file_is_no_commit() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    repo.git(["tag", "blob", "HEAD:a"]);
    repo.git(["tag", "-a", "-m", "annotated", "tree", "HEAD^{tree}"]);
    let tree = repo.git(["rev-parse", "HEAD^{tree}"]);
    let rig = Rig::fetched(repo).await;
    for typed in ["blob", "tree", "refs/tags/blob"] {
        let error = rig.mirror.resolve(&name(typed)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{typed} does not name a commit"));
    }
    assert!(matches!(rig.mirror.resolve(&name(&tree)).await, Err(Error::UnknownRef { .. })));
    assert_eq!(rig.mirror.tags().await.unwrap(), []);
}

#[tokio::test]
async fn a_short_id_of_two_commits_is_ambiguous() {
    let repo = Repo::new();
    let tree = repo.git(["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let ids = COLLIDING.map(|message| repo.git(["commit-tree", "-m", message, &tree]));
    assert_eq!(ids[0][..7], ids[1][..7]);
    for (branch, id) in ["one", "two"].iter().zip(&ids) {
        repo.git(["branch", branch, id]);
    }
    let rig = Rig::fetched(repo).await;
    let error = rig.mirror.resolve(&name(&ids[0][..7])).await.unwrap_err();
    let Error::AmbiguousRef { name: digits, candidates } = &error else { panic!("{error:?}") };
    assert_eq!(*digits, ids[0][..7]);
    let mut candidates: Vec<&str> = candidates.iter().map(git::CommitId::as_str).collect();
    candidates.sort_unstable();
    let mut expected: Vec<&str> = ids.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(candidates, expected);
    assert!(error.hint().contains(&ids[1]));
    assert_eq!(rig.commit(&ids[1]).await.unwrap(), ids[1]);
}
