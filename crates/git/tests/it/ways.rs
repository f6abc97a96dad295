//! Proxies and authorities of one's own, for git and for git-lfs: a real proxy, a real TLS server.

use std::path::Path;

use git::{Access, CaFile, Error, HttpHost, Policy, Way};
use tempfile::TempDir;
use testkit::repo::{Repo, file};

use crate::{
    http_server::{Behaviour, HttpServer},
    lfs::TRACKED,
    lfs_server::Objects,
    proxy::{Proxy, TlsServer},
    rig::{Rig, local, open},
};

fn host(text: &str) -> HttpHost {
    text.parse().unwrap()
}

fn through(proxy: &str) -> Way {
    Way { proxy: Some(proxy.parse().unwrap()), ca_file: None }
}

fn trusting(file: &Path) -> Way {
    Way { proxy: None, ca_file: Some(CaFile::open(file).unwrap()) }
}

/// A repository with a file of Git LFS behind a server, and its commit.
async fn served() -> (Repo, HttpServer, String) {
    served_with(Behaviour::default()).await
}

async fn served_with(behaviour: Behaviour) -> (Repo, HttpServer, String) {
    let repo = Repo::new();
    let commit = repo.commit([(".gitattributes", file(TRACKED)), ("a.bin", repo.lfs(b"picture\n"))]);
    let server = HttpServer::start(repo.path(), behaviour).await;
    (repo, server, commit)
}

/// Fetches from an address with a policy.
async fn fetch(url: &str, policy: Policy) -> Result<(TempDir, git::GitRepository), Error> {
    let folder = tempfile::tempdir().unwrap();
    let mirror = open(folder.path(), url, policy).await?;
    mirror.fetch(&Access::None, |_| ()).await.map(|()| (folder, mirror))
}

fn place(origin: &str) -> &str {
    origin.split_once("://").unwrap().1
}

#[tokio::test]
async fn git_and_git_lfs_go_through_the_proxy() {
    let (repo, server, commit) = served().await;
    let proxy = Proxy::start(place(&server.origin)).await;
    // No name server knows this host: only the proxy does.
    let url = "http://git.example.test/.git";
    fetch(url, local()).await.unwrap_err();
    let (folder, mirror) = fetch(url, Policy { way: through(&proxy.address), ..local() }).await.unwrap();
    let fetched = proxy.asked();
    assert!(fetched[0].starts_with("GET http://git.example.test/.git/info/refs?service="), "{fetched:?}");
    let rig = Rig { repo, mirror, folder };
    let tree = rig.whole(&commit).await.unwrap();
    assert_eq!(std::fs::read_to_string(tree.join("a.bin")).unwrap(), "picture\n");
    let asked = proxy.asked();
    let batch = "POST http://git.example.test/.git/info/lfs/objects/batch HTTP/1.1";
    assert!(asked[fetched.len()..].iter().any(|line| line == batch), "{asked:?}");
}

#[tokio::test]
async fn one_host_may_have_a_way_of_its_own() {
    let (_repo, server, _) = served().await;
    let (wrong, right) = (Proxy::start("127.0.0.1:1").await, Proxy::start(place(&server.origin)).await);
    let url = "http://git.example.test/.git";
    let ways = [(host("git.example.test"), through(&right.address)), (host("other.test"), through("none"))];
    let policy = Policy { way: through(&wrong.address), ways: ways.into(), ..local() };
    fetch(url, policy).await.unwrap();
    assert_eq!(wrong.asked(), [""; 0]);
    // And one that needs none, by its port.
    let direct = [(host(place(&server.origin)), through("none"))];
    let policy = Policy { way: through(&wrong.address), ways: direct.into(), ..local() };
    fetch(&format!("{}/.git", server.origin), policy).await.unwrap();
    assert_eq!(wrong.asked(), [""; 0]);
    let policy = Policy { way: through(&wrong.address), ..local() };
    let failed = fetch(url, policy).await.unwrap_err();
    assert!(matches!(failed, Error::Unreachable { .. }) && !wrong.asked().is_empty(), "{failed:?}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let behind = Behaviour { objects: Objects::BehindTls, ..Behaviour::default() };
    let (repo, server, commit) = served_with(behind).await;
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsServer::start(place(&server.origin), folder.path()).await;
    let url = format!("{}/.git", tls.origin);
    let unknown = fetch(&url, local()).await.unwrap_err();
    assert!(matches!(unknown, Error::Certificate { .. }), "{unknown:?}");
    let ca = folder.path().join("ca.pem");
    let elsewhere = Policy { ways: [(host("127.0.0.1:1"), trusting(&ca))].into(), ..local() };
    let elsewhere = fetch(&url, elsewhere).await.unwrap_err();
    assert!(matches!(elsewhere, Error::Certificate { .. }), "{elsewhere:?}");
    let there = Policy { ways: [(host(place(&tls.origin)), trusting(&ca))].into(), ..local() };
    fetch(&url, there).await.unwrap();
    let (mirror_folder, mirror) = fetch(&url, Policy { way: trusting(&ca), ..local() }).await.unwrap();
    let rig = Rig { repo, mirror, folder: mirror_folder };
    let tree = rig.whole(&commit).await.unwrap();
    assert_eq!(std::fs::read_to_string(tree.join("a.bin")).unwrap(), "picture\n");
}

#[tokio::test]
async fn tls_goes_through_a_proxy_as_it_is() {
    let (_repo, server, _) = served().await;
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsServer::start(place(&server.origin), folder.path()).await;
    let proxy = Proxy::start(place(&tls.origin)).await;
    let way = Way {
        ca_file: Some(CaFile::open(&folder.path().join("ca.pem")).unwrap()),
        ..through(&proxy.address)
    };
    fetch("https://git.example.test/.git", Policy { way, ..local() }).await.unwrap();
    let asked = proxy.asked();
    assert!(asked.iter().all(|line| line == "CONNECT git.example.test:443 HTTP/1.1"), "{asked:?}");
}
