//! Tokens over HTTP: the host gets them, and nobody else ever sees them.

use std::fs;

use git::{Access, Error, GitRepository};
use tempfile::TempDir;
use testkit::repo::{Repo, file};

use crate::{
    http_server::{Behaviour, HttpServer},
    rig::{files_with, local, open, processes_with},
};

/// `me@corp:hunter2-token` in base 64.
const BASIC: &str = "Basic bWVAY29ycDpodW50ZXIyLXRva2Vu";
const TOKEN: &str = "hunter2-token";

fn token(username: &str, token: &str) -> Access {
    Access::Token { username: Some(username.into()), token: token.into() }
}

/// A repository behind a server, and a mirror of it.
async fn served(behaviour: Behaviour, login: &str) -> (Repo, HttpServer, TempDir, GitRepository) {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let server = HttpServer::start(repo.path(), behaviour).await;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("{}/.git", server.origin.replace("://", &format!("://{login}")));
    let mirror = open(folder.path(), &url, local()).await.unwrap();
    (repo, server, folder, mirror)
}

fn guarded() -> Behaviour {
    Behaviour { wants: Some(BASIC.into()), ..Behaviour::default() }
}

#[tokio::test]
async fn an_open_repository_needs_no_token() {
    let (_repo, server, _folder, mirror) = served(Behaviour::default(), "").await;
    mirror.fetch(&Access::None, |_| ()).await.unwrap();
    assert_eq!(mirror.branches().await.unwrap()[0].name, "main");
    assert_eq!(server.authorizations(), [""; 0]);
}

#[tokio::test]
async fn a_token_opens_a_guarded_repository_and_is_left_nowhere() {
    let (_repo, server, folder, mirror) = served(guarded(), "").await;
    let mut said = String::new();
    mirror.fetch(&token("me@corp", TOKEN), |line| said.push_str(line)).await.unwrap();
    assert_eq!(mirror.branches().await.unwrap()[0].name, "main");
    assert!(server.authorizations().iter().all(|sent| sent == BASIC));
    assert_eq!(files_with(folder.path(), TOKEN), [""; 0]);
    assert!(!said.contains(TOKEN));
    let left =
        fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let mut left: Vec<String> = left.collect();
    left.sort();
    assert_eq!(left, ["home", "lock", "mirror.git"]);
}

#[tokio::test]
async fn a_login_in_the_address_is_used_and_shown_nowhere() {
    let (_repo, server, folder, mirror) = served(guarded(), &format!("me%40corp:{TOKEN}@")).await;
    mirror.fetch(&Access::None, |_| ()).await.unwrap();
    assert_eq!(server.authorizations().last().unwrap(), BASIC);
    assert_eq!(files_with(folder.path(), TOKEN), [""; 0]);
    assert!(!format!("{mirror:?} {}", mirror.url()).contains("hunter2"));
}

#[tokio::test]
async fn a_missing_and_a_wrong_token_are_told_apart() {
    let (_repo, _server, _folder, mirror) = served(guarded(), "").await;
    let missing = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert!(matches!(missing, Error::LoginRequired { .. }), "{missing:?}");
    let wrong = mirror.fetch(&token("me@corp", "swordfish"), |_| ()).await.unwrap_err();
    assert!(matches!(wrong, Error::Denied { .. }), "{wrong:?}");
    assert!(!format!("{wrong:?} {wrong} {}", wrong.hint()).contains("swordfish"));
}

#[tokio::test]
async fn a_missing_repository_is_named() {
    let (_repo, server, folder, _) = served(Behaviour::default(), "").await;
    let url = format!("{}/nothing.git", server.origin);
    let mirror = open(&folder.path().join("other"), &url, local()).await.unwrap();
    let error = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_can_read_the_token_while_git_runs() {
    let (_repo, server, folder, mirror) = served(Behaviour { hangs: true, ..guarded() }, "").await;
    let access = token("me@corp", TOKEN);
    let fetch = mirror.fetch(&access, |_| ());
    let look = async {
        server.hanging.notified().await;
        let mirror = folder.path().display().to_string();
        assert!(processes_with(&mirror).len() >= 2, "git and its helper are at work");
        assert_eq!(processes_with(TOKEN), [""; 0]);
        assert_eq!(files_with(&folder.path().join("mirror.git"), TOKEN), [""; 0]);
    };
    tokio::select! {
        ended = fetch => panic!("{ended:?}"),
        () = look => {}
    }
}

#[tokio::test]
async fn a_redirect_gets_no_token() {
    for other_wants in [None, Some("Basic unknown".to_owned())] {
        let repo = Repo::new();
        repo.commit([("a", file("1"))]);
        let other = Behaviour { wants: other_wants, ..Behaviour::default() };
        let other = HttpServer::start(repo.path(), other).await;
        let redirecting = Behaviour { redirects_to: Some(other.origin.clone()), ..guarded() };
        let (_repo, server, _folder, mirror) = served(redirecting, "").await;
        let fetched = mirror.fetch(&token("me@corp", TOKEN), |_| ()).await;
        assert!(!server.authorizations().is_empty(), "{fetched:?}");
        assert_eq!(other.authorizations(), [""; 0], "{fetched:?}");
    }
}
