//! The default branch: followed wherever it goes, and asked for only when a fetch does not tell.

use git::Access;
use testkit::repo::{Repo, file};

use crate::rig::{Noted, Rig};

async fn default(rig: &Rig) -> Option<String> {
    rig.mirror.default_branch().await.unwrap()
}

/// Fetches, and says whether the remote repository was asked a second time.
async fn asks(rig: &Rig, noted: &Noted) -> bool {
    noted.verbs();
    rig.fetch().await.unwrap();
    noted.verbs().iter().any(|verb| verb == "ls-remote")
}

#[tokio::test]
async fn it_is_asked_for_only_when_more_than_one_branch_could_be_it() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let (rig, noted) = Rig::noted(repo).await;
    assert!(!noted.verbs().iter().any(|verb| verb == "ls-remote"), "main it is, as always");
    assert_eq!(default(&rig).await.as_deref(), Some("main"));
    rig.repo.branch("trunk");
    rig.repo.commit([("a", file("2"))]);
    assert!(!asks(&rig, &noted).await, "trunk is behind");

    rig.repo.checkout("trunk");
    assert!(asks(&rig, &noted).await, "another branch than before");
    assert_eq!(default(&rig).await.as_deref(), Some("trunk"));
    rig.repo.commit([("a", file("3"))]);
    assert!(!asks(&rig, &noted).await);
    assert_eq!(default(&rig).await.as_deref(), Some("trunk"));

    rig.repo.branch("main");
    assert!(asks(&rig, &noted).await, "both are at one commit");
    assert_eq!(default(&rig).await.as_deref(), Some("trunk"));
    rig.repo.checkout("main");
    assert!(asks(&rig, &noted).await, "nothing has changed but the default branch");
    assert_eq!(default(&rig).await.as_deref(), Some("main"));
}

#[tokio::test]
async fn a_remote_repository_without_one_changes_nothing() {
    let repo = Repo::new();
    let first = repo.commit([("a", file("1"))]);
    repo.branch("trunk");
    repo.commit([("a", file("2"))]);
    let (rig, _noted) = Rig::noted(repo).await;
    rig.repo.git(["symbolic-ref", "HEAD", "refs/heads/not-there"]);
    rig.fetch().await.unwrap();
    assert_eq!(default(&rig).await.as_deref(), Some("main"), "a branch that does not exist");
    rig.repo.git(["update-ref", "--no-deref", "HEAD", &first]);
    rig.fetch().await.unwrap();
    assert_eq!(default(&rig).await.as_deref(), Some("main"), "a commit");
    rig.repo.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    rig.fetch().await.unwrap();
    assert_eq!(default(&rig).await.as_deref(), Some("trunk"));
    rig.repo.git(["branch", "-D", "main"]);
    rig.fetch().await.unwrap();
    assert_eq!(default(&rig).await.as_deref(), Some("trunk"));
}

#[tokio::test]
async fn nobody_sees_how_it_is_remembered() {
    let rig = Rig::new(Repo::new()).await;
    rig.repo.commit([("a", file("1"))]);
    let mut said = Vec::new();
    rig.mirror.fetch(&Access::None, |line| said.push(line.to_owned())).await.unwrap();
    assert!(said.iter().any(|line| line.contains("main")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("HEAD")), "{said:?}");
    assert_eq!(rig.mirror.branches().await.unwrap().len(), 1);
    assert_eq!(rig.mirror.tags().await.unwrap(), []);
    for typed in ["HEAD", "mirror/HEAD", "refs/mirror/HEAD"] {
        assert!(rig.commit(typed).await.is_err(), "{typed}");
    }
}

#[tokio::test]
async fn a_repository_with_tags_alone_is_not_empty() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    repo.tag("v1");
    repo.git(["checkout", "--quiet", "--detach"]);
    repo.git(["branch", "-D", "main"]);
    let rig = Rig::fetched(repo).await;
    assert_eq!(rig.mirror.tags().await.unwrap().len(), 1);
    assert_eq!(default(&rig).await, None);
    rig.repo.git(["tag", "-d", "v1"]);
    let error = rig.fetch().await.unwrap_err();
    assert!(matches!(error, git::Error::Empty { .. }), "{error:?}");
}
