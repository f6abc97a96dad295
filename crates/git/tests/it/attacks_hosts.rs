//! Attack T18: a git host that gives one byte after another. Redirects and endless packs are in the files beside this one.

use std::time::Duration;

use git::{Access, Error, Policy};
use testkit::repo::{Repo, file};

use crate::{
    http_server::{Behaviour, HttpServer},
    rig::{eventually, local, open, processes_with},
};

#[tokio::test]
async fn a_host_that_gives_one_byte_after_another_is_given_up() {
    let repo = Repo::new();
    repo.commit([("a", file("1"))]);
    let drips = Behaviour { drips: true, ..Behaviour::default() };
    let server = HttpServer::start(repo.path(), drips).await;
    let folder = tempfile::tempdir().unwrap();
    let patience = Policy { idle_timeout: Duration::from_secs(2), ..local() };
    let mirror = open(folder.path(), &format!("{}/.git", server.origin), patience).await.unwrap();
    let error = mirror.fetch(&Access::None, |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. } | Error::IdleTimeout { .. }), "{error:?}");
    let word = folder.path().display().to_string();
    eventually("all processes are gone", || processes_with(&word).is_empty()).await;
}
