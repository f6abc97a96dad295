//! Attack T14: layouts of submodules that made git run what a repository brings. Here nothing of them is more than files.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use git::Error;
use testkit::repo::{Entry, Repo, file, link, tree_listing};

use crate::rig::Rig;

/// A repository whose files would be hooks if they came to lie in a `.git`.
fn hooks(canary: &Path) -> (Repo, String) {
    let repo = Repo::new();
    let hook = format!("#!/bin/sh\ntouch '{}'\n", canary.display());
    let hook = || Entry::Executable(hook.clone().into_bytes());
    let commit =
        repo.commit([("y/hooks/post-checkout", hook()), ("post-checkout", hook()), ("HEAD", hook())]);
    (repo, commit)
}

/// Nothing has run, and nowhere in the tree is a `.git`.
fn assert_harmless(tree: &Path, canary: &Path) {
    assert!(!canary.exists(), "a hook has run");
    let names = tree_listing(tree).into_keys();
    let is_git = |name: &std::path::PathBuf| name.iter().any(|part| part.eq_ignore_ascii_case(".git"));
    assert!(!names.into_iter().any(|name| is_git(&name)));
}

#[tokio::test]
async fn cve_2018_11235_a_name_that_leads_out_of_the_modules_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let (evil, evil_commit) = hooks(&canary);
    let repo = Repo::new();
    repo.submodule("m", &evil_commit);
    let text = format!("[submodule \"../../y\"]\n\tpath = m\n\turl = {}\n", evil.url());
    repo.commit([(".gitmodules", file(&text))]);
    // git's own check of objects sees it, before we do.
    let rig = Rig::new(repo).await;
    let refused = rig.fetch().await.unwrap_err();
    assert!(matches!(refused, Error::HostileObject { .. }), "{refused:?}");
    assert!(!canary.exists());
}

#[tokio::test]
async fn cve_2024_32002_a_link_that_differs_in_case_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let (evil, evil_commit) = hooks(&canary);
    let repo = Repo::new();
    repo.submodule("A/modules/x", &evil_commit);
    let text = format!("[submodule \"x/y\"]\n\tpath = A/modules/x\n\turl = {}\n", evil.url());
    let commit = repo.commit([(".gitmodules", file(&text)), ("a", link(".git"))]);
    let rig = Rig::fetched(repo).await;
    let tree = rig.whole(&commit).await.unwrap();
    assert_harmless(&tree, &canary);
    assert_eq!(fs::read_link(tree.join("a")).unwrap(), Path::new(".git"));
    let hook = tree.join("A/modules/x/y/hooks/post-checkout");
    assert_eq!(hook.metadata().unwrap().permissions().mode() & 0o777, 0o755, "a file like any other");
}

#[tokio::test]
async fn cve_2025_48384_a_path_with_a_carriage_return_is_that_path() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let (evil, evil_commit) = hooks(&canary);
    let repo = Repo::new();
    repo.submodule("sub\r", &evil_commit);
    let text = format!("[submodule \"sub\"]\n\tpath = \"sub\r\"\n\turl = {}\n", evil.url());
    let commit = repo.commit([(".gitmodules", file(&text)), ("sub", link(".git/modules/sub/hooks"))]);
    let rig = Rig::fetched(repo).await;
    let tree = rig.whole(&commit).await.unwrap();
    assert_harmless(&tree, &canary);
    assert_eq!(fs::read_link(tree.join("sub")).unwrap(), Path::new(".git/modules/sub/hooks"));
    assert!(tree.join("sub\r/post-checkout").is_file());
}

#[tokio::test]
async fn a_gitmodules_reads_no_file_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let (evil, evil_commit) = hooks(&canary);
    let included = folder.path().join("included");
    fs::write(&included, format!("[submodule \"m\"]\n\tpath = m\n\turl = {}\n", evil.url())).unwrap();
    let repo = Repo::new();
    repo.submodule("m", &evil_commit);
    let commit =
        repo.commit([(".gitmodules", file(&format!("[include]\n\tpath = {}\n", included.display())))]);
    let rig = Rig::fetched(repo).await;
    let refused = rig.whole(&commit).await.unwrap_err();
    assert!(matches!(refused, Error::SubmoduleRefused { .. }), "{refused:?}");
}

#[tokio::test]
async fn commands_and_options_in_a_gitmodules_do_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary");
    let touch = format!("touch {}", canary.display());
    let lib = Repo::new();
    let lib_commit = lib.commit([("a", file("1"))]);
    for (path, rest) in [
        ("m", format!("url = {}\n\tupdate = !{touch}", lib.url())),
        ("m", format!("url = --upload-pack={touch}")),
        ("m", format!("url = -u{touch}")),
        ("m", format!("url = \"ext::sh -c '{touch}'\"")),
        ("m", format!("url = ssh://-oProxyCommand={touch}/x")),
        ("m", format!("url = \"{}\\n{touch}\"", lib.url())),
        ("-m", "url = ../../x".to_owned()),
    ] {
        let repo = Repo::new();
        repo.submodule("m", &lib_commit);
        let commit =
            repo.commit([(".gitmodules", file(&format!("[submodule \"m\"]\n\tpath = {path}\n\t{rest}\n")))]);
        let rig = Rig::new(repo).await;
        let ended = match rig.fetch().await {
            Ok(()) => rig.whole(&commit).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(ended.is_err(), "{rest}");
        assert!(!canary.exists(), "{rest}");
    }
}
