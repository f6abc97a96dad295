//! Objects of Git LFS over HTTP: who is shown the token, and hosts that give something else than they should.

use std::fs;

use git::{Access, Error, Policy};
use testkit::repo::{Repo, file};

use crate::{
    http_server::{Behaviour, HttpServer},
    lfs::TRACKED,
    lfs_server::Objects,
    rig::{Rig, files_with, local, open},
};

/// `me:hunter2` in base 64.
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

fn token() -> Access {
    Access::Token { username: Some("me".into()), token: "hunter2".into() }
}

/// A commit with one large file and this `.lfsconfig`, and its mirror, fetched from a server.
async fn served(behaviour: Behaviour, config: &str, policy: Policy) -> (Rig, HttpServer, String) {
    let repo = Repo::new();
    let picture = repo.lfs(b"picture\n");
    let mut files = vec![(".gitattributes", file(TRACKED)), ("a.bin", picture)];
    if !config.is_empty() {
        files.push((".lfsconfig", file(config)));
    }
    let commit = repo.commit(files);
    let server = HttpServer::start(repo.path(), behaviour).await;
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), &format!("{}/.git", server.origin), policy).await.unwrap();
    mirror.fetch(&token(), |_| ()).await.unwrap();
    (Rig { repo, mirror, folder }, server, commit)
}

fn guarded(objects: Objects) -> Behaviour {
    Behaviour { wants: Some(BASIC.into()), objects, ..Behaviour::default() }
}

async fn bring(rig: &Rig, commit: &str, access: &Access) -> Result<String, Error> {
    let tree = rig.folder.path().join("tree");
    rig.whole_into(commit, &tree, access).await.map(|_| fs::read_to_string(tree.join("a.bin")).unwrap())
}

#[tokio::test]
async fn a_token_opens_the_objects_and_is_left_nowhere() {
    let (rig, server, commit) = served(guarded(Objects::Here), "", local()).await;
    assert_eq!(bring(&rig, &commit, &token()).await.unwrap(), "picture\n");
    assert!(server.authorizations().iter().all(|sent| sent == BASIC));
    let asked = server.requests.lock().unwrap().clone();
    assert!(asked.iter().any(|request| request.line.starts_with("POST /.git/info/lfs/objects/batch ")));
    assert_eq!(files_with(rig.folder.path(), "hunter2"), [""; 0]);
    let left = fs::read_dir(rig.folder.path()).unwrap().flatten();
    let mut left: Vec<String> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["home", "lock", "mirror.git", "tree"]);
}

#[tokio::test]
async fn a_missing_token_is_told_by_the_object_that_it_would_open() {
    let (rig, _server, commit) = served(guarded(Objects::Here), "", local()).await;
    let error = bring(&rig, &commit, &Access::None).await.unwrap_err();
    let Error::LfsObject { path, said, .. } = &error else { panic!("{error:?}") };
    assert!(path == "a.bin" && !said.is_empty(), "{error:?}");
}

#[tokio::test]
async fn the_token_is_for_the_host_of_the_repository_alone() {
    let nowhere = tempfile::tempdir().unwrap();
    let stranger = HttpServer::start(nowhere.path().into(), guarded(Objects::Here)).await;
    // The objects lie elsewhere, as the host says.
    let (rig, server, commit) = served(guarded(Objects::At(stranger.origin.clone())), "", local()).await;
    let error = bring(&rig, &commit, &token()).await.unwrap_err();
    assert!(matches!(error, Error::LfsObject { .. }), "{error:?}");
    assert!(!server.authorizations().is_empty() && !stranger.requests.lock().unwrap().is_empty());
    assert_eq!(stranger.authorizations(), [""; 0]);
    // The repository names another host.
    let config = format!("[lfs]\n\turl = {}/.git/info/lfs\n", stranger.origin);
    let (rig, _server, commit) = served(guarded(Objects::Here), &config, local()).await;
    let error = bring(&rig, &commit, &token()).await.unwrap_err();
    let Error::LfsObject { url, .. } = &error else { panic!("{error:?}") };
    assert!(url.starts_with(&stranger.origin), "{error}");
    assert_eq!(stranger.authorizations(), [""; 0]);
    // The host sends the question itself elsewhere.
    let (rig, _server, commit) = served(guarded(Objects::Moved(stranger.origin.clone())), "", local()).await;
    let error = bring(&rig, &commit, &token()).await.unwrap_err();
    assert!(error.to_string().contains(&format!("Git credentials for {}", stranger.origin)), "{error}");
    assert_eq!(stranger.authorizations(), [""; 0]);
}

#[tokio::test]
async fn an_lfsconfig_may_name_another_place_for_the_objects() {
    let store = Repo::new();
    let pointer = store.lfs(b"kept elsewhere\n");
    let open_to_all = HttpServer::start(store.path(), Behaviour::default()).await;
    let config = format!("[lfs]\n\turl = {}/.git/info/lfs\n", open_to_all.origin);
    let (rig, _server, _) = served(guarded(Objects::Here), &config, local()).await;
    rig.repo.commit([("a.bin", pointer)]);
    rig.mirror.fetch(&token(), |_| ()).await.unwrap();
    assert_eq!(bring(&rig, &rig.repo.head(), &token()).await.unwrap(), "kept elsewhere\n");
    assert_eq!(open_to_all.authorizations(), [""; 0]);
}

#[tokio::test]
async fn a_place_that_the_policy_does_not_allow_is_refused() {
    for (url, expected) in [
        ("ext::sh -c 'touch PWN'", "protocol ext is not allowed"),
        ("--upload-pack=x", "repository address --upload-pack=x is refused: it starts with '-'"),
        ("git@127.0.0.1:x;touch${IFS}PWN", "git@127.0.0.1:x;touch${IFS}PWN is refused as a place of Git LFS"),
    ] {
        let (rig, _server, commit) =
            served(Behaviour::default(), &format!("[lfs]\n\turl = \"{url}\"\n"), local()).await;
        let error = bring(&rig, &commit, &Access::None).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn an_object_that_was_never_pushed_is_named_with_what_the_host_says() {
    let (rig, _server, commit) = served(Behaviour::default(), "", local()).await;
    fs::remove_dir_all(rig.repo.path().join(".git/lfs")).unwrap();
    let error = bring(&rig, &commit, &Access::None).await.unwrap_err();
    let Error::LfsObject { path, .. } = &error else { panic!("{error:?}") };
    assert_eq!(path, "a.bin");
    assert!(error.to_string().contains("it was never pushed"), "{error}");
}

#[tokio::test]
async fn an_object_with_other_bytes_is_not_used() {
    let (rig, _server, commit) =
        served(Behaviour { objects: Objects::Garbled, ..Behaviour::default() }, "", local()).await;
    let error = bring(&rig, &commit, &Access::None).await.unwrap_err();
    assert!(matches!(error, Error::LfsObject { .. }), "{error:?}");
    assert_eq!(fs::read_dir(rig.folder.path().join("tree")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_object_without_an_end_is_ended() {
    let policy = Policy { max_bytes: 200_000, ..local() };
    let behaviour = Behaviour { objects: Objects::Endless, ..Behaviour::default() };
    let (rig, _server, commit) = served(behaviour, "", policy).await;
    let error = bring(&rig, &commit, &Access::None).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}
