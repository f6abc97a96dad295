//! Open and fetch: what is new arrives, what is gone goes, and one mirror is enough for every kind of repository.

use std::{fs, path::PathBuf};

use git::{Access, Error, Policy};
use testkit::repo::{Entry, Repo, file};

use crate::http_server::{Behaviour, HttpServer};
use crate::rig::{Rig, files_with, id, local, open};

#[tokio::test]
async fn branches_and_tags_follow_the_remote_repository() {
    let rig = Rig::new(Repo::new()).await;
    let first = rig.repo.commit([("a", file("1"))]);
    rig.repo.branch("gone");
    rig.repo.tag("v1");
    rig.fetch().await.unwrap();
    assert_eq!(rig.commit("gone").await.unwrap(), first);

    let second = rig.repo.commit([("a", file("2"))]);
    rig.repo.tag("v1");
    rig.repo.git(["branch", "-D", "gone"]);
    rig.repo.branch("gone/below");
    rig.fetch().await.unwrap();
    assert_eq!(rig.commit("v1").await.unwrap(), second, "a moved tag moves");
    assert_eq!(rig.commit("gone/below").await.unwrap(), second, "a branch takes the place of a folder");
    assert!(matches!(rig.commit("gone").await, Err(Error::UnknownRef { .. })), "a deleted branch goes");

    rig.repo.git(["reset", "--quiet", "--hard", &first]);
    rig.repo.git(["tag", "-d", "v1"]);
    rig.repo.git(["branch", "-D", "gone/below"]);
    let forced = rig.repo.commit([("a", file("3"))]);
    rig.fetch().await.unwrap();
    assert_eq!(rig.commit("main").await.unwrap(), forced, "a force-pushed branch is followed");
    assert_eq!(rig.commit(&second).await.unwrap(), second, "what was chosen by its id stays");
}

#[tokio::test]
async fn progress_is_told_line_by_line() {
    let rig = Rig::new(Repo::new()).await;
    rig.repo.commit([("a", file("1"))]);
    let mut said = Vec::new();
    rig.mirror.fetch(&Access::None, |line| said.push(line.to_owned())).await.unwrap();
    assert!(said.iter().any(|line| line.contains("Counting objects")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("[new branch]")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains(['\r', '\n', '\u{1b}'])), "{said:?}");
}

#[tokio::test]
async fn an_empty_repository_says_so_and_works_later() {
    let rig = Rig::new(Repo::new()).await;
    let error = rig.fetch().await.unwrap_err();
    assert_eq!(error.to_string(), format!("{} is empty: it has no branch and no tag", rig.repo.url()));
    assert_eq!(error.hint(), "push a branch to it first");
    assert_eq!(rig.mirror.default_branch().await.unwrap(), None);
    assert_eq!(rig.mirror.branches().await.unwrap(), []);
    let first = rig.repo.commit([("a", file("1"))]);
    rig.fetch().await.unwrap();
    assert_eq!(rig.commit("main").await.unwrap(), first);
}

#[tokio::test]
async fn a_repository_that_is_gone_is_named_and_the_mirror_stays() {
    let rig = Rig::new(Repo::new()).await;
    let first = rig.repo.commit([("a", file("1"))]);
    rig.fetch().await.unwrap();
    fs::rename(rig.repo.path(), rig.repo.path().with_extension("away")).unwrap();
    let error = rig.fetch().await.unwrap_err();
    assert!(matches!(&error, Error::NotFound { url, .. } if *url == rig.repo.url()), "{error:?}");
    assert!(error.said().unwrap().contains("does not appear to be a git repository"));
    assert_eq!(rig.commit("main").await.unwrap(), first);
}

#[tokio::test]
async fn the_default_branch_is_followed() {
    let rig = Rig::new(Repo::new()).await;
    rig.repo.commit([("a", file("1"))]);
    rig.repo.branch("trunk");
    rig.fetch().await.unwrap();
    assert_eq!(rig.mirror.default_branch().await.unwrap().as_deref(), Some("main"));
    rig.repo.checkout("trunk");
    rig.fetch().await.unwrap();
    assert_eq!(rig.mirror.default_branch().await.unwrap().as_deref(), Some("trunk"));
}

#[tokio::test]
async fn a_mirror_is_opened_again_and_one_of_another_address_is_made_anew() {
    let rig = Rig::new(Repo::new()).await;
    let first = rig.repo.commit([("a", file("1"))]);
    rig.fetch().await.unwrap();
    let again = open(rig.folder.path(), &rig.repo.url(), local()).await.unwrap();
    assert_eq!(again.commits(&id(&first), 1).await.unwrap().len(), 1);

    let other = Repo::new();
    let second = other.commit([("b", file("2"))]);
    let moved = open(rig.folder.path(), &other.url(), local()).await.unwrap();
    assert_eq!(moved.branches().await.unwrap(), []);
    moved.fetch(&Access::None, |_| ()).await.unwrap();
    assert_eq!(moved.branches().await.unwrap()[0].commit.id.as_str(), second);
    assert!(matches!(moved.commit_time(&id(&first)).await, Err(Error::CommitGone { .. })));
}

#[tokio::test]
async fn a_local_path_and_a_sha256_repository_work() {
    let repo = Repo::with_object_format("sha256");
    let first = repo.commit([("a", file("1"))]);
    assert_eq!(first.len(), 64);
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), repo.path().to_str().unwrap(), local()).await.unwrap();
    mirror.fetch(&Access::None, |_| ()).await.unwrap();
    let tree = folder.path().join("tree");
    mirror.export(&id(&first), &tree).await.unwrap();
    assert_eq!(fs::read_to_string(tree.join("a")).unwrap(), "1");
}

#[tokio::test]
async fn only_branches_and_tags_are_mirrored() {
    let rig = Rig::new(Repo::new()).await;
    rig.repo.commit([("a", file("1"))]);
    rig.repo.git(["update-ref", "refs/pull/1/head", "HEAD"]);
    rig.repo.git(["update-ref", "refs/replace/x", "HEAD"]);
    rig.fetch().await.unwrap();
    let refs = rig.folder.path().join("mirror.git/refs");
    assert!(!refs.join("pull").exists() && !refs.join("replace").exists());
    assert_eq!(files_with(&rig.folder.path().join("mirror.git"), "refs/pull"), [""; 0]);
}

#[tokio::test]
async fn a_missing_git_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { program: PathBuf::from("git-that-is-not-there"), ..local() };
    let error = open(folder.path(), "/srv/x", policy).await.unwrap_err();
    assert_eq!(error.to_string(), "the program git-that-is-not-there was not found");
    assert_eq!(error.hint(), "install git (on Debian: apt-get install git)");
}

#[tokio::test]
async fn a_fetch_that_is_too_large_is_ended() {
    let repo = Repo::new();
    let noise: Vec<u8> =
        (0_u64..400_000).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    repo.commit([("noise", Entry::File(noise))]);
    // The answer stands still in the middle, so that git cannot be done before its size is looked at.
    let behaviour = Behaviour { stalls_after: Some(1_000_000), ..Behaviour::default() };
    let server = HttpServer::start(repo.path(), behaviour).await;
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { max_bytes: 1000, ..local() };
    let mirror = open(folder.path(), &format!("{}/.git", server.origin), policy).await.unwrap();
    let error = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert_eq!(error.to_string(), "the fetch has more than 1000 bytes");
    assert_eq!(error.hint(), "raise repository_size under [limits]");
}
